package transport

import (
	"context"
	"errors"
	"maps"
	"net"
	"slices"

	"sallyport/mux"
)

// sharedForward is a listener of the far side on a master's connection, where
// a request of ours would hang for ever: the master is asked for it over its
// control socket ([PROTOCOL.mux]), and connects whoever comes to a socket of
// ours.
type sharedForward struct {
	forward mux.Forward
	near    net.Listener
}

func (c *Conn) listenShared(ctx context.Context, network, address string) (*Listener, error) {
	l := newListener(c)
	if err := l.parse(network, address); err != nil {
		return nil, err
	}
	path, err := c.master.socket()
	if err != nil {
		return nil, err
	}
	near, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	l.shared = &sharedForward{mux.Forward{Type: mux.Remote, Listen: l.at.asked(), Connect: mux.Address{Path: path}}, near}
	port, err := c.master.open(ctx, l.shared)
	if err != nil {
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

// open asks the master for a forward, which is cancelled at the latest with
// the connection. f.near is closed on failure.
func (m *master) open(ctx context.Context, f *sharedForward) (port int, err error) {
	if !m.note(f) {
		f.near.Close()
		return 0, errMasterClosed
	}
	port, err = m.client.Forward(ctx, f.forward)
	switch {
	case err == nil && m.knows(f):
		return port, nil
	case errors.As(err, new(*mux.Refused)):
		m.forget(f)
		return 0, err
	case err == nil:
		err = errMasterClosed
	}
	m.forget(f)
	m.undo(f) // it may have been opened when nobody wanted it any more
	return 0, err
}

// note keeps a forward for cancelAll; it is false when the connection is over.
func (m *master) note(f *sharedForward) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.forwards[f] = struct{}{}
	}
	return !m.closed
}

func (m *master) knows(f *sharedForward) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, known := m.forwards[f]
	return known
}

// forget closes our side of a forward, and tells whether it was known.
func (m *master) forget(f *sharedForward) bool {
	f.near.Close()
	m.mu.Lock()
	defer m.mu.Unlock()
	_, known := m.forwards[f]
	delete(m.forwards, f)
	return known
}

// cancel has the master close a listener, unless that was done.
func (m *master) cancel(f *sharedForward) {
	if m.forget(f) {
		m.undo(f)
	}
}

// cancelAll cancels what is open: one of the user's masters goes on without
// us.
func (m *master) cancelAll() {
	m.mu.Lock()
	m.closed = true
	open := slices.Collect(maps.Keys(m.forwards))
	m.mu.Unlock()
	for _, f := range open {
		m.cancel(f)
	}
}

// undo asks the master to close a listener. One that has ended has none, and
// one that does not answer is not waited for longer than a moment.
func (m *master) undo(f *sharedForward) {
	ctx, cancel := context.WithTimeout(context.Background(), lateness)
	defer cancel()
	_ = m.client.CancelForward(ctx, f.forward)
}

// receiveNear hands over those that the master connects, until the listener is
// closed or the connection has ended.
func (l *Listener) receiveNear() {
	near := l.shared.near
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
