package tunnels

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"sallyport/transport"
)

const (
	patience   = 30 * time.Second // how long a client waits for the link, and we for its SOCKS request
	acceptRest = 50 * time.Millisecond
	impatience = time.Second // after which a client that waits has the link tried anew
)

// The causes of waits that were too long: a client's for the link, each part of
// that, and ours for what it wants.
var (
	errAway = errors.New("the link is away")
	errSlow = errors.New("the link is not there yet")
	errMute = fmt.Errorf("it sent no whole request within %s", patience)
)

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
	c := t.begin(near)
	defer t.end(c)
	far, err := t.reach(ctx, c, near)
	if err != nil {
		hangUp(near)
		t.complain(ctx, c, err)
		return
	}
	t.join(ctx, c, near, far)
}

// begin counts a connection that has come; client is nil if the far side has
// accepted it.
func (t *Tunnel) begin(client net.Conn) *connection {
	c := t.book.begin(client, t.spec.Connect)
	t.open.Add(1)
	t.total.Add(1)
	t.stir()
	return c
}

func (t *Tunnel) end(c *connection) {
	t.book.end(c)
	t.open.Add(-1)
	t.stir()
}

// reach connects the far side to the target of the forward, or of a dynamic
// one to where the client wants to go.
func (t *Tunnel) reach(ctx context.Context, c *connection, near net.Conn) (*farEnd, error) {
	if t.spec.Kind != Dynamic {
		return t.dial(ctx, c, t.spec.Connect)
	}
	request, err := t.askSOCKS(ctx, near)
	if err != nil {
		return nil, err
	}
	t.book.leads(c, request.to)
	far, err := t.dial(ctx, c, request.to)
	if err != nil {
		return nil, err
	}
	if _, err := near.Write(request.granted); err != nil {
		go far.Close()     // it can wait for a full network; it ends with the connection
		return nil, io.EOF // the client has gone
	}
	return far, nil
}

// askSOCKS reads where a client wants to go. One that takes its time for it is
// closed; one that has gone is io.EOF.
func (t *Tunnel) askSOCKS(ctx context.Context, client io.ReadWriteCloser) (socksRequest, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errMute)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = client.Close() })() // all that it does is to end the read
	request, err := readSOCKS(client)
	switch {
	case err == nil, err == io.EOF:
		return request, err
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	}
	return request, failure("socks", "a client of %q was not understood: %s", t.spec, innermost(err))
}

// join copies between both ends until both have ended.
func (t *Tunnel) join(ctx context.Context, c *connection, near net.Conn, far *farEnd) {
	p := pipe{
		near: near, far: far,
		sent:     counters{&t.sent, &c.sent},
		received: counters{&t.received, &c.received},
		moved: func(n int) {
			t.stir()
			far.passed(n, c.sent.Load()+c.received.Load())
		},
	}
	if err := p.run(ctx); errors.Is(err, errBroken) { // that a client has gone is its own affair
		t.complain(ctx, c, failure("broken", "a connection through %q was cut: %s", t.spec, err))
	}
}

// complain reports why a connection was not served, unless it has ended by
// itself.
func (t *Tunnel) complain(ctx context.Context, c *connection, err error) {
	var f *transport.Failure
	if !errors.As(err, &f) {
		return
	}
	now := t.book.failed(c, f)
	if t.options.Complain != nil && ctx.Err() == nil {
		t.options.Complain(now)
	}
	t.report(ctx, f)
}

// report passes on what went wrong with one connection, unless the tunnel is
// ending anyway.
func (t *Tunnel) report(ctx context.Context, f *transport.Failure) {
	if ctx.Err() != nil {
		return
	}
	select {
	case t.tell <- f:
	case <-t.over:
	case <-ctx.Done():
	}
}

// dial waits for the link, then has the far side connect to the target. A
// connection that breaks under the dial is replaced: the client has sent
// nothing yet, so nothing can be lost. It fails with a *transport.Failure.
func (t *Tunnel) dial(ctx context.Context, client *connection, to Address) (*farEnd, error) {
	wait, cancel := context.WithTimeoutCause(ctx, patience, errAway)
	defer cancel()
	for {
		c, err := t.conn(wait)
		if err != nil {
			return nil, t.explainDial(to, err)
		}
		stream, began := c.Stream(), time.Now()
		far, err := dialOn(ctx, stream, to)
		if err == nil {
			t.reached(client, time.Since(began))
			return far, nil
		}
		stream.End()
		if !stream.Conn.Broke(wait, err) {
			return nil, t.explainDial(to, err)
		}
	}
}

// conn waits for the link's connection. A link tries at once for who asks, and
// then again after ever longer pauses, as if nobody waited: so a client asks
// again and again.
func (t *Tunnel) conn(ctx context.Context) (*transport.Conn, error) {
	for {
		part, cancel := context.WithTimeoutCause(ctx, impatience, errSlow)
		c, err := t.link.Conn(part)
		cancel()
		if !errors.Is(err, errSlow) {
			return c, err
		}
	}
}

// reached notes how long the far end of a connection took to open.
func (t *Tunnel) reached(c *connection, took time.Duration) {
	t.book.opened(c, took)
	t.dialTime.Store(int64(took))
}

// dialOn opens the channel. How long the far side may take to reach its
// target is its own affair, as with ssh.
func dialOn(ctx context.Context, stream *transport.Stream, to Address) (*farEnd, error) {
	opened, err := stream.Conn.Dial(ctx, to.Network, to.dialled())
	if err != nil {
		return nil, err
	}
	far, ok := opened.(channel)
	if !ok {
		_ = opened.Close() // it cannot be used
		return nil, fmt.Errorf("a %T cannot be closed one way", opened)
	}
	return &farEnd{channel: far, conn: stream.Conn, stream: stream}, nil
}

// explainDial says why a client could not be served.
func (t *Tunnel) explainDial(to Address, err error) *transport.Failure {
	var f *transport.Failure
	switch {
	case errors.Is(err, errAway):
		return failure("away", "a client waited %.0f seconds for the link to %q in vain", patience.Seconds(), t.id.Host)
	case errors.As(err, &f):
		return f
	}
	return failure(transport.CodeClosed, "connecting from %q to %q: %s", t.id.Host, to, innermost(err))
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
