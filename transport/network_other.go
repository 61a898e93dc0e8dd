//go:build !linux

package transport

import (
	"context"
	"errors"
	"net"
	"slices"
	"time"
)

// addressLook is how often the addresses of this machine are compared.
const addressLook = 2 * time.Second

// watchNetwork calls changed when the addresses of this machine have. It fails
// when ctx ends.
func watchNetwork(ctx context.Context, changed func()) error {
	look := time.NewTicker(addressLook)
	defer look.Stop()
	for before := addressesHere(); ; {
		select {
		case <-look.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if now := addressesHere(); !slices.Equal(now, before) {
			before = now
			changed()
		}
	}
}

func addressesHere() []string {
	addrs, _ := net.InterfaceAddrs() // none, then, which is a change too
	here := make([]string, len(addrs))
	for i, a := range addrs {
		here[i] = a.String()
	}
	return here
}

// clockJumps is for Linux.
func clockJumps(context.Context, func()) error { return errors.ErrUnsupported }

var begun = time.Now()

// asleep is for how long the clock on the wall has gone while the other stood
// still. It takes a clock that was set for a sleep, which does no harm.
func asleep() time.Duration {
	now := time.Now()
	return now.Round(0).Sub(begun.Round(0)) - now.Sub(begun)
}
