package tunnels

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"sallyport/transport"
)

const (
	patience   = 30 * time.Second // how long a client waits for the link
	acceptRest = 50 * time.Millisecond
)

// errAway is the cause of a client's wait that was too long.
var errAway = errors.New("the link is away")

// accept serves every client of l until l is closed. An error while ctx lives
// is one of a single client, or a lack of descriptors that passes.
func (t *Tunnel) accept(ctx context.Context, l net.Listener) {
	for {
		near, err := l.Accept()
		switch {
		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			if err == nil {
				_ = near.Close() // it came while the tunnel was being closed
			}
			return
		case err != nil:
			t.report(ctx, failure("accept", "accepting a connection: %s", innermost(err)))
			rest(ctx, acceptRest)
		default:
			t.clients.Go(func() { t.client(ctx, near) }) // ends with ctx
		}
	}
}

// client serves one connection from its first to its last byte.
func (t *Tunnel) client(ctx context.Context, near net.Conn) {
	t.open.Add(1)
	t.total.Add(1)
	t.poke()
	defer t.poke()
	defer t.open.Add(-1)

	far, err := t.dial(ctx)
	if err != nil {
		hangUp(near)
		t.report(ctx, t.explainDial(err))
		return
	}
	p := pipe{near: near, far: far, sent: &t.sent, received: &t.received, moved: t.poke}
	if err := p.run(ctx); errors.Is(err, errBroken) { // that a client has gone is its own affair
		t.report(ctx, failure("broken", "a connection through %q was cut: %s", t.spec, err))
	}
}

// report passes on what went wrong with one connection, unless the tunnel is
// ending anyway.
func (t *Tunnel) report(ctx context.Context, f *transport.Failure) {
	if ctx.Err() != nil {
		return
	}
	select {
	case t.tell <- f:
	case <-ctx.Done():
	}
}

// dial waits for the link, then has the far side connect to the target. A
// connection that breaks under the dial is replaced: the client has sent
// nothing yet, so nothing can be lost.
func (t *Tunnel) dial(ctx context.Context) (*farEnd, error) {
	wait, cancel := context.WithTimeoutCause(ctx, patience, errAway)
	defer cancel()
	for {
		c, err := t.link.Conn(wait)
		if err != nil {
			return nil, err
		}
		far, err := dialOn(ctx, c, t.spec.Connect)
		if err == nil || !c.Broke(wait, err) {
			return far, err
		}
	}
}

// dialOn opens the channel. How long the far side may take to reach its
// target is its own affair, as with ssh.
func dialOn(ctx context.Context, c *transport.Conn, to Address) (*farEnd, error) {
	address := to.Path
	if to.Network == "tcp" {
		address = net.JoinHostPort(to.Host, strconv.Itoa(to.Port))
	}
	opened, err := c.Dial(ctx, to.Network, address)
	if err != nil {
		return nil, err
	}
	far, ok := opened.(channel)
	if !ok {
		_ = opened.Close() // it cannot be used
		return nil, fmt.Errorf("a %T cannot be closed one way", opened)
	}
	return &farEnd{channel: far, conn: c}, nil
}

// explainDial says why a client could not be served.
func (t *Tunnel) explainDial(err error) *transport.Failure {
	var f *transport.Failure
	switch {
	case errors.Is(err, errAway):
		return failure("away", "a client waited %.0f seconds for the link to %q in vain", patience.Seconds(), t.id.Host)
	case errors.As(err, &f):
		return f
	}
	return failure(transport.CodeClosed, "connecting from %q to %q: %s", t.id.Host, t.spec.Connect, innermost(err))
}

// hangUp closes a client that was not served so that it sees an end and not a
// reset: what it has already sent must be read for that (RFC 1122 section
// 4.2.2.13).
func hangUp(near net.Conn) {
	defer near.Close()
	if c, ok := near.(interface{ CloseWrite() error }); !ok || c.CloseWrite() != nil {
		return
	}
	if near.SetReadDeadline(time.Now().Add(10*time.Millisecond)) == nil {
		_, _ = io.CopyN(io.Discard, near, 1<<20) // it ends by the deadline; the client is not served anyway
	}
}

// rest waits a little, or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
