package transport

import (
	"context"
	"errors"
	"net"
	"slices"
	"syscall"
	"time"
)

// offline tells whether a dial failed because this machine had no way to
// anywhere, so that trying again is of no use before that changes. A host that
// its neighbours do not find (EHOSTUNREACH) is another thing: it may come.
func offline(f *Failure) bool {
	if f == nil {
		return false
	}
	if errors.Is(f.Cause, syscall.ENETUNREACH) || errors.Is(f.Cause, syscall.ENETDOWN) {
		return true
	}
	name := new(net.DNSError)
	return errors.As(f.Cause, &name) && !networked()
}

// routed tells whether this machine knows a way to the other end of conn now.
// That it has not may pass, with the connection as alive as before.
func routed(conn net.Conn) bool {
	far, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return networked() // a ProxyCommand has its own way
	}
	try, err := net.Dial("udp", far.String()) // which sends nothing
	if err == nil {
		_ = try.Close() // it was only to see the route
	}
	return err == nil
}

// stranded tells whether conn speaks from an address that this machine has no
// more.
func stranded(conn net.Conn) bool {
	near, ok := conn.LocalAddr().(*net.TCPAddr)
	if !ok {
		return false
	}
	addrs, err := net.InterfaceAddrs()
	return err == nil && !slices.ContainsFunc(addrs, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		return ok && (n.IP.Equal(near.IP) || near.IP.IsLoopback() && n.Contains(near.IP))
	})
}

// networked tells whether any interface has an address to speak from beyond
// this machine.
func networked() bool {
	interfaces, err := net.Interfaces()
	if err != nil {
		return true // unknown
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		addrs, _ := i.Addrs() // one that has just gone has none
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
				return true
			}
		}
	}
	return false
}

// gather is the time in which many changes of the network are one.
const gather = 100 * time.Millisecond

// followNetwork calls Wake at the first of several changes and after the
// last, until ctx ends.
func (ls *Links) followNetwork(ctx context.Context) {
	changes := make(chan struct{}, 1)
	ls.wg.Go(func() { // ends with ctx
		err := watchNetwork(ctx, func() {
			select {
			case changes <- struct{}{}:
			default:
			}
		})
		if ctx.Err() == nil {
			ls.options.Log.Warn("changes of the network are not seen", "error", err)
		}
	})
	for {
		select {
		case <-changes:
		case <-ctx.Done():
			return
		}
		ls.Wake()
		select {
		case <-time.After(gather):
		case <-ctx.Done():
			return
		}
	}
}

// sleepLook is how often the clocks are compared where nobody tells of a jump, and
// how long a sleep is at least.
const sleepLook = time.Second

// followSleep calls woke after each sleep of this machine, until ctx ends.
// asleep is for how long it has slept so far; jumps calls a function whenever a
// clock has jumped, as one does then, until it fails or ctx ends.
func followSleep(ctx context.Context, asleep func() time.Duration, jumps func(context.Context, func()) error, woke func()) {
	before := asleep()
	look := func() {
		if now := asleep(); now-before >= sleepLook {
			before = now
			woke()
		}
	}
	if err := jumps(ctx, look); err == nil {
		return
	}
	every := time.NewTicker(sleepLook)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			look()
		case <-ctx.Done():
			return
		}
	}
}
