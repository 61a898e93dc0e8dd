package tunnels

import (
	"context"
	"errors"
	"net"
	"time"

	"sallyport/internal/nss"
	"sallyport/transport"
)

// grant is what the far side makes of a remote forward: neither before it has
// answered, and again once the connection has ended.
type grant struct {
	granted bool
	port    int // where it listens; 0 for a socket
	refused *transport.Failure
}

// A refused request is made anew after a pause, which doubles up to a limit.
// The protocol gives no reasons, and the most frequent one passes: after a
// break the server may not have noticed yet that the connection is dead which
// had the port.
const (
	firstPause   = time.Second
	longestPause = 30 * time.Second
)

// remote has the far side listen, again on each new connection of the link,
// until ctx ends. run says by rose that there may be one.
func (t *Tunnel) remote(ctx context.Context) {
	for {
		select {
		case <-t.rose:
			t.listenFar(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// listenFar has the far side listen on the connection that there is, and
// serves what comes until the connection ends. A link that is not up is left
// alone: whoever closed it does not want it dialled.
func (t *Tunnel) listenFar(ctx context.Context) {
	if t.link.Status().State != transport.Up {
		return
	}
	c, err := t.link.Conn(ctx)
	if err != nil {
		return // the link's own status says why
	}
	defer t.tellGrant(ctx, grant{})
	l := t.ask(ctx, c)
	if l == nil {
		return
	}
	defer l.Close()
	t.tellGrant(ctx, grant{granted: true, port: l.Port()})
	for {
		offer, err := l.Accept(ctx)
		if err != nil {
			return
		}
		t.clients.Go(func() { t.incoming(ctx, c, offer) }) // ends with ctx
	}
}

// ask asks until the far side listens; nil if the connection has ended before
// that.
func (t *Tunnel) ask(ctx context.Context, c *transport.Conn) *transport.Listener {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		l, err := c.Listen(ctx, t.spec.Listen.Network, t.spec.Listen.requested())
		if err == nil {
			return l
		}
		if c.Broke(ctx, err) || ctx.Err() != nil {
			return nil
		}
		t.tellGrant(ctx, grant{refused: t.explainDial(t.spec.Listen, err)})
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-c.Done():
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// requested is the address by which the far side is asked to listen: without
// a host on its loopback, with "*" on all addresses (channel_rfwd_bind_host of
// channels.c).
func (a Address) requested() string {
	switch a.Host {
	case "":
		a.Host = "localhost"
	case "*":
		a.Host = ""
	}
	return a.dialled()
}

func (t *Tunnel) tellGrant(ctx context.Context, g grant) {
	select {
	case t.grants <- g:
	case <-ctx.Done():
	}
}

// incoming serves one connection to the listener of the far side.
func (t *Tunnel) incoming(ctx context.Context, c *transport.Conn, offer *transport.Offer) {
	client := t.begin(nil)
	defer t.end(client)
	near, far, err := t.meet(ctx, c, client, offer)
	if err != nil {
		t.complain(ctx, client, err)
		return
	}
	t.join(ctx, client, near, far)
}

// meet connects to the target here. The far side is told only then that its
// client is served; with SOCKS it has to be before the target is known.
func (t *Tunnel) meet(ctx context.Context, c *transport.Conn, client *connection, offer *transport.Offer) (net.Conn, *farEnd, error) {
	if t.spec.Connect == (Address{}) {
		return t.meetSOCKS(ctx, c, client, offer)
	}
	near, err := t.dialHere(ctx, client, t.spec.Connect)
	if err != nil {
		offer.Refuse(innermost(err))
		return nil, nil, err
	}
	opened, err := offer.Accept(ctx)
	if err != nil {
		_ = near.Close() // nobody has used it
		return nil, nil, err
	}
	return near, &farEnd{channel: opened, conn: c}, nil
}

// meetSOCKS lets the client at the far side say where it wants to go.
func (t *Tunnel) meetSOCKS(ctx context.Context, c *transport.Conn, client *connection, offer *transport.Offer) (net.Conn, *farEnd, error) {
	opened, err := offer.Accept(ctx)
	if err != nil {
		return nil, nil, err
	}
	near, err := t.dialAsked(ctx, client, opened)
	if err != nil {
		go opened.Close() // it can wait for a full network; it ends with the connection
		return nil, nil, err
	}
	return near, &farEnd{channel: opened, conn: c}, nil
}

func (t *Tunnel) dialAsked(ctx context.Context, c *connection, client channel) (net.Conn, error) {
	request, err := t.askSOCKS(ctx, client)
	if err != nil {
		return nil, err
	}
	t.book.leads(c, request.to)
	if !t.options.permitted(request.to) {
		return nil, failure(transport.CodeProhibited, "a client of %q wants to go to %q, which PermitRemoteOpen does not permit", t.spec, request.to)
	}
	near, err := t.dialHere(ctx, c, request.to)
	if err != nil {
		return nil, err
	}
	if _, err := client.Write(request.granted); err != nil {
		_ = near.Close() // nobody has used it
		return nil, err
	}
	return near, nil
}

// CodeTarget is the code of a target on this side that cannot be connected to.
const CodeTarget = "target"

// dialHere connects to a target from this machine. It fails with a
// *transport.Failure. No host is no target, as for ssh, while package net
// would take it for this machine.
func (t *Tunnel) dialHere(ctx context.Context, c *connection, to Address) (near net.Conn, err error) {
	began := time.Now()
	switch {
	case to.Network != "tcp":
		near, err = new(net.Dialer).DialContext(ctx, to.Network, to.Path)
	case to.Host == "":
		err = errors.New("it has no host")
	default:
		near, err = nss.Dial(ctx, net.Dialer{}, "tcp"+string(t.options.Family), to.dialled())
	}
	if err != nil {
		f := failure(CodeTarget, "connecting from here to %q for a client of %q: %s", to, t.id.Host, innermost(err))
		f.Cause = err
		return nil, f
	}
	t.reached(c, time.Since(began))
	return near, nil
}
