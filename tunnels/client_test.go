package tunnels

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/transport"
)

// absentLink never has a connection, and counts who asks for it.
type absentLink struct {
	Link  // for what isn't used; nil
	asked int
}

func (l *absentLink) Conn(ctx context.Context) (*transport.Conn, error) {
	l.asked++
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

// TestAClientWaitsForItsLinkAndHasItTriedMeanwhile is why a client is hung up
// on after half a minute, and no sooner.
func TestAClientWaitsForItsLinkAndHasItTriedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link := &absentLink{}
		tunnel := &Tunnel{id: Identity{Host: "targaryen"}, link: link}
		began := time.Now()
		_, err := tunnel.dial(t.Context(), nil, tcp("localhost", 80))
		took := time.Since(began)
		f := (*transport.Failure)(nil)
		if !errors.As(err, &f) || f.Message != `a client waited 30 seconds for the link to "targaryen" in vain` || took != patience {
			t.Errorf("after %v: %v", took, err)
		}
		if want := int(patience / impatience); link.asked < want {
			t.Errorf("it asked for the link %d times, want %d at least", link.asked, want)
		}
	})
}
