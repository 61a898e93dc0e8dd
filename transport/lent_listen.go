package transport

import (
	"context"
	"errors"
	"fmt"
	"net"

	"sallyport/mux"
)

// lentForward is a listener of the far side on a lent connection, where a
// request of ours would hang for ever: ssh is asked for it over its control
// socket ([PROTOCOL.mux]), and connects whoever comes to a socket in its room.
type lentForward struct {
	control string
	forward mux.Forward
	near    net.Listener
}

func (c *Conn) listenLent(ctx context.Context, network, address string) (*Listener, error) {
	l := newListener(c)
	if err := l.parse(network, address); err != nil {
		return nil, err
	}
	path := c.lender.room.path(fmt.Sprintf("listen-%d%s", c.lender.listeners.Add(1), socketSuffix))
	near, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	l.lent = &lentForward{
		control: c.lender.control,
		forward: mux.Forward{Type: mux.Remote, Listen: l.at.asked(), Connect: mux.Address{Path: path}},
		near:    near,
	}
	port, err := l.lent.open(ctx)
	if err != nil {
		near.Close()
		if errors.As(err, new(*mux.Refused)) {
			err = errNotGranted
		}
		return nil, c.explainListen(ctx, l.at, err)
	}
	if l.any {
		l.at.port = uint32(port)
	}
	go l.receiveNear() // ends with near
	return l, nil
}

// asked is the place as ssh takes it: "*" is all addresses, no host its
// default.
func (p place) asked() mux.Address {
	a := mux.Address{Host: p.host, Port: int(p.port), Path: p.path}
	if p.path == "" && p.host == "" {
		a.Host = "*"
	}
	return a
}

func (f *lentForward) open(ctx context.Context) (port int, err error) {
	master, err := mux.Dial(ctx, f.control)
	if err != nil {
		return 0, err
	}
	defer master.Close()
	return master.Forward(ctx, f.forward)
}

// cancel has ssh close the listener, which it does with the connection too.
func (f *lentForward) cancel(ctx context.Context) error {
	defer f.near.Close()
	master, err := mux.Dial(ctx, f.control)
	if err != nil {
		return err
	}
	defer master.Close()
	return master.CancelForward(ctx, f.forward)
}

// receiveNear hands over those that ssh connects, until the listener is
// closed or the connection has ended.
func (l *Listener) receiveNear() {
	near := l.lent.near
	go func() { // ends with the listener or the connection
		select {
		case <-l.closed:
		case <-l.conn.done:
			near.Close()
		}
	}()
	for {
		came, err := near.Accept()
		if err != nil {
			return
		}
		select {
		case l.offers <- &Offer{conn: l.conn, near: came.(*net.UnixConn)}:
		case <-l.closed:
			came.Close()
		case <-l.conn.done:
			came.Close()
		}
	}
}

// nearChannel is a connection that ssh has accepted for us, as a channel that
// knows no requests.
type nearChannel struct{ *net.UnixConn }

func (nearChannel) SendRequest(string, bool, []byte) (bool, error) {
	return false, errors.ErrUnsupported
}
