package mux

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"sallyport/internal/brisk"
)

// Handler does what the clients of a master ask for. Its methods are called
// from several goroutines. The ctx of each ends with the client that asked:
// one that vanishes ends its sessions, and takes back its questions.
//
// An error is told to the client, so it should be a sentence of ssh's.
type Handler interface {
	// Confirm asks the user, where ControlMaster is ask or autoask. A forward
	// that is open already needs no question.
	Confirm(ctx context.Context, q Question) bool

	// OpenSession opens a session, calls s.Opened, and returns the exit status
	// when it has ended and all output is written. With an error the client
	// learns of no status and exits with 255.
	OpenSession(ctx context.Context, s *Session) (status int, err error)

	// StdioForward connects to an address from the far side, calls s.Opened,
	// and returns when all is copied.
	StdioForward(ctx context.Context, s *StdioForward) error

	// Forward opens a forward. One that is open already is a success: ssh asks
	// for the forwards of its configuration each time. port is the one that
	// the far side chose for a remote forward with listen port 0.
	Forward(ctx context.Context, f Forward) (port int, err error)
	CancelForward(ctx context.Context, f Forward) error

	// Proxy serves a client that speaks bare SSH messages, until it ends.
	Proxy(ctx context.Context, c net.Conn) error

	// Info tells of the connection or of its channels, in lines that end in CR
	// and LF; false where it is asked for something else.
	Info(ctx context.Context, what string) (text string, ok bool)

	// StopListening is told before Serve closes its listener.
	StopListening(ctx context.Context) error

	// Exit is told that a client wants the master to end. The answer has been
	// sent.
	Exit()
}

// socket is a connection of a unix socket.
type socket interface {
	net.Conn
	syscall.Conn
	receiver
	CloseWrite() error
}

// receiver takes descriptors, as a [net.UnixConn].
type receiver interface {
	ReadMsgUnix(p, oob []byte) (n, oobn, flags int, from *net.UnixAddr, err error)
}

const (
	// maxClients is how many there may be at a time. One more pushes out the
	// one that has done nothing for the longest time.
	maxClients = 512

	// messageLimit is how long a greeting may take to come, a message from its
	// first byte to its last descriptor, and an answer to be taken.
	messageLimit = 10 * time.Second

	acceptRest = 50 * time.Millisecond
)

// server is one Serve.
type server struct {
	listener net.Listener
	handler  Handler
	limit    time.Duration // messageLimit
	sessions atomic.Uint32 // the number of the last one

	mu      sync.Mutex // guards clients and what they say about it
	clients []*client  // in the order they came
}

// Serve is a master: it takes clients from l until ctx ends, which ends them
// too, or until l is closed, after which those that are there go on. It
// returns when the last one has ended, and closes l.
//
// Clients of other users are refused, except root's. They are told the number
// of this process, and send it SIGWINCH when their terminals change size.
func Serve(ctx context.Context, l net.Listener, h Handler) error {
	return (&server{listener: l, handler: h, limit: messageLimit}).serve(ctx)
}

func (s *server) serve(ctx context.Context) error {
	l := s.listener
	// Who is hung up on and asks why finds no master any more: first the name goes.
	there, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	defer hangUp()
	defer context.AfterFunc(ctx, func() {
		l.Close()
		hangUp()
	})()
	var clients sync.WaitGroup
	defer clients.Wait()
	defer l.Close()
	for {
		conn, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil: // a lack of descriptors, which passes
			rest(ctx, acceptRest)
		default:
			if c := s.admit(conn); c != nil {
				_ = c.answer(&helloMsg{version, []string{infoExtension, "0"}}) // there is room for it; who has gone, serve will see
				clients.Go(func() { c.serve(there) })                          // ends with ctx or with the client
			}
		}
	}
}

func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// admit makes room for a client, nil if it may not or cannot be let in.
func (s *server) admit(conn net.Conn) *client {
	unix, ok := brisk.Wrap(conn).(socket)
	if !ok || checkPeer(unix) != nil {
		_ = conn.Close() // it was told nothing
		return nil
	}
	c := &client{server: s, conn: unix}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.clients) >= maxClients {
		idle := s.leastBusy()
		if idle == nil {
			_ = conn.Close() // it was told nothing
			return nil
		}
		_ = idle.conn.Close() // its serve leaves
		s.remove(idle)
	}
	s.clients = append(s.clients, c)
	return c
}

// leastBusy is the first that has not greeted, or else that has nothing open.
// Needs mu.
func (s *server) leastBusy() *client {
	var found *client
	for _, c := range s.clients {
		if !c.greeted {
			return c
		}
		if !c.busy && found == nil {
			found = c
		}
	}
	return found
}

// remove takes a client off the list, if it is on it. Needs mu.
func (s *server) remove(c *client) {
	for i, other := range s.clients {
		if other == c {
			s.clients = append(s.clients[:i], s.clients[i+1:]...)
			return
		}
	}
}

// stopListening closes the listener for good.
func (s *server) stopListening(ctx context.Context) error {
	if err := s.handler.StopListening(ctx); err != nil {
		return err
	}
	_ = s.listener.Close() // it may be closed already
	return nil
}
