package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/mux"
)

// master is an OpenSSH whose connection we use over its control socket
// ([PROTOCOL.mux]): one of the user's, as ssh uses it, or one that we started,
// by its proxy mode. That is for those that end with us: see mux.Aboard.
type master struct {
	control string      // its socket
	client  *mux.Client // attached to it; nil until it listens
	pid     int         // of one of the user's
	started *lentSSH    // nil for one of the user's
	options Options

	gone    chan struct{} // closed when nothing that is ours is left of it
	closing sync.Once     // guards Close against a second time

	mu       sync.Mutex                  // guards what follows
	room     *room                       // for sockets of ours; nil until there is one
	sockets  int                         // how many were made
	forwards map[*sharedForward]struct{} // those that are open
	closed   bool                        // no more come
}

func newMaster(o Options) *master {
	return &master{options: o, gone: make(chan struct{}), forwards: map[*sharedForward]struct{}{}}
}

func (m *master) kind() LinkKind {
	if m.started != nil {
		return Lent
	}
	return Shared
}

// attach takes up the connection of a master of the user's.
func (c dialCall) attach(m *master) *Conn {
	conn, channels, requests := m.client.Aboard()
	return newMasterConn(ssh.NewClient(aboard{conn, m}, channels, requests), newWire(nil), config.Printable(c.host().Name), m)
}

// aboard is a connection that is the last one to its master.
type aboard struct {
	ssh.Conn
	m *master
}

func (a aboard) Close() error {
	a.m.Close()
	return nil
}

// proxy takes up the connection of a master that ends with us.
func (c dialCall) proxy(ctx context.Context, m *master) (*Conn, error) {
	raw, err := m.client.Proxy(ctx)
	if err != nil {
		return nil, err
	}
	w := newWire(masterWire{raw, m})
	conn, channels, requests, err := ssh.NewControlClientConn(w)
	if err != nil {
		return nil, fmt.Errorf("speaking to ssh: %w", err)
	}
	w.settle()
	w.relax()
	return newMasterConn(ssh.NewClient(conn, channels, requests), w, config.Printable(c.host().Name), m), nil
}

// alive asks the master whether it still has its connection: it answers on its
// control socket as long as it has. It waits until the connection ends.
func (m *master) alive() error {
	_, err := m.client.Alive(context.Background())
	return err
}

// death is why a master is no use any more.
func (m *master) death() string {
	if m.started != nil {
		return m.started.death("ssh")
	}
	return fmt.Sprintf("the ssh that shared it, pid %d, has ended", m.pid)
}

// Close ends one that we started, and with it the connection; one of the
// user's goes on without what we have asked of it. It does not wait for gone.
func (m *master) Close() {
	m.closing.Do(func() {
		if m.started != nil {
			m.started.stop()
		}
		go func() { // ends with the process, or soon
			if m.started != nil {
				<-m.started.ended
			}
			m.clear()
			close(m.gone)
		}()
	})
}

// clear takes away what was there for the master.
func (m *master) clear() {
	m.cancelAll()
	if m.client != nil {
		_ = m.client.Close() // nothing more is asked
	}
	if m.started != nil {
		m.started.clear()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.room != nil {
		m.room.clear()
	}
}

var errMasterClosed = errors.New("the connection was closed")

// socket is the path of one more socket of ours.
func (m *master) socket() (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return "", errMasterClosed
	}
	if m.room == nil {
		var err error
		if m.room, err = newRoom(m.options); err != nil {
			return "", err
		}
	}
	m.sockets++
	return m.room.path(fmt.Sprintf("listen-%d%s", m.sockets, socketSuffix)), nil
}

// masterWire is a control connection that its master ends with.
type masterWire struct {
	net.Conn
	m *master
}

func (w masterWire) Close() error {
	w.m.Close()
	return w.Conn.Close()
}
