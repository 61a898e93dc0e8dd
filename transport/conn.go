package transport

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// Conn is one authenticated connection. It ends once and for all; the link
// then makes another.
type Conn struct {
	client *ssh.Client
	wire   *wire
	host   string  // alias, printable
	via    *Conn   // that it stands on; nil if there is none
	master *master // whose connection it is, nil for a native one
	qos    qos
	marked sync.Once // guards Prioritize against a second time
	born   time.Time
	rekey  uint64       // RekeyLimit in bytes, 0 for the cipher's own
	logins atomic.Int32 // of hosts behind this one that are under way
	done   chan struct{}
	doubts chan struct{} // of size 1: keepAlive is to ask at once

	belongings belongings
	spare      spare
	lanes      lanes
	pace       pace
	typed      func()    // as Options has it; set before the connection is used, nil for nobody
	forwarded  forwarded // what the far side opens for our listeners there

	mu  sync.Mutex // guards err, and done against being closed twice
	err error
}

// newConn takes over an authenticated client. Its end is watched by a
// goroutine that ends with it.
// via is the one that it stands on, or nil.
func newConn(client *ssh.Client, w *wire, host string, via *Conn) *Conn {
	return (&Conn{client: client, wire: w, host: host, via: via}).begun()
}

// newMasterConn is newConn for the connection of a master.
func newMasterConn(client *ssh.Client, w *wire, host string, m *master) *Conn {
	return (&Conn{client: client, wire: w, host: host, master: m}).begun()
}

// begun is the connection from now on.
func (c *Conn) begun() *Conn {
	c.born, c.done, c.doubts = time.Now(), make(chan struct{}), make(chan struct{}, 1)
	c.watch()
	return c
}

// watch ends the connection when x/crypto/ssh says so, or a moment after it
// has closed what is below.
func (c *Conn) watch() {
	go func() { c.end(c.explainEnd(c.client.Wait())) }()
	go func() { // ends with the connection
		select {
		case <-c.wire.gone:
			grace := time.NewTimer(closingGrace)
			defer grace.Stop()
			select {
			case <-grace.C:
				c.end(c.explainEnd(nil))
			case <-c.done:
			}
		case <-c.done:
		}
	}()
}

// Kind says who made the connection. What x/crypto/ssh asks of the whole
// connection, as a remote forward or a keepalive, ends or hangs one that is
// not Native: see Control.
func (c *Conn) Kind() LinkKind {
	if c.master != nil {
		return c.master.kind()
	}
	return Native
}

// Control is the socket of the OpenSSH whose connection this is
// ([PROTOCOL.mux]); "" for a native one.
func (c *Conn) Control() string {
	if c.master != nil {
		return c.master.control
	}
	return ""
}

// NewSession opens a session channel.
func (c *Conn) NewSession(ctx context.Context) (*ssh.Session, error) {
	session, err := inTime(ctx, c, c.client.NewSession, func(s *ssh.Session) { s.Close() })
	if err != nil {
		return nil, c.explainSession(ctx, err)
	}
	c.wire.relax() // something is started there next
	return session, nil
}

// carry is told of a login that goes through the connection, and returns what is
// to be called behind it.
func (c *Conn) carry() (over func()) {
	for below := c; below != nil; below = below.via {
		below.logins.Add(1)
	}
	return func() {
		for below := c; below != nil; below = below.via {
			below.logins.Add(-1)
		}
	}
}

// Dial opens a connection from the far side ("tcp" or "unix"). It fails with
// a *Failure, or with the cause of ctx.
func (c *Conn) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.open(ctx, network, address)
	if err != nil {
		return nil, c.explainDial(ctx, address, err)
	}
	return conn, nil
}

// open is Dial with the errors as they come.
func (c *Conn) open(ctx context.Context, network, address string) (net.Conn, error) {
	return inTime(ctx, c,
		func() (net.Conn, error) { return c.client.Dial(network, address) },
		func(late net.Conn) { late.Close() })
}

const (
	pingLimit = 30 * time.Second // a link's keepalives end a silent connection about then

	// closingGrace is for x/crypto/ssh to say why it has closed a connection,
	// where it can, see (*wire).Close.
	closingGrace = 5 * time.Second

	// lateness is how long a connection takes at most to learn of its end
	// after those who use it.
	lateness = time.Second
)

// Ping makes a round trip. That it succeeds proves that all has arrived which
// the far side sent before: x/crypto/ssh ends a channel in the same way when
// the far side closes it and when the connection dies. It fails with the
// *Failure that Err has when the connection ended, with one when no answer
// comes within 30 s, or with the cause of ctx.
//
// A master is asked whether it still has the connection: the end of a channel
// that it passed on before is then the far side's.
func (c *Conn) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, pingLimit, c.silent(pingLimit))
	defer cancel()
	_, err := inTime(ctx, c, func() (struct{}, error) { return struct{}{}, c.ask() }, func(struct{}) {})
	if err == nil {
		return nil
	}
	c.awaitEnd(ctx)
	return c.explainChannel(ctx, err)
}

// ask waits for an answer of the far side, without a limit of time. A server
// that does not know the request refuses it, which is an answer too (RFC 4254
// section 4).
func (c *Conn) ask() error {
	if c.master != nil {
		return c.master.alive() // a ControlMaster hangs up on a keepalive (mux.c)
	}
	_, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil)
	return err
}

// Outlives proves that the connection outlives a channel that has ended, so
// that it was the far side which ended it, and all has arrived that this sent
// before: x/crypto/ssh ends a channel in the same way when the connection dies.
// It fails as Ping does.
//
// A wire that is idle proves it without a round trip. x/crypto/ssh ends the
// channels of a connection that breaks, or whose packets it cannot decrypt,
// when it has stopped reading; and before it ends a channel that was closed, it
// answers so (RFC 4254 section 5.3), which it does not for a far side that
// breaks the rules of channels.
func (c *Conn) Outlives(ctx context.Context) error {
	if c.master == nil && c.wire.idle() {
		return nil
	}
	return c.Ping(ctx)
}

// Broke tells whether err, which NewSession or Dial gave, came because the
// connection ended: the link then has another, or will.
func (c *Conn) Broke(ctx context.Context, err error) bool {
	var f *Failure
	if errors.As(err, &f) && f.Code == CodeClosed {
		c.awaitEnd(ctx)
	}
	return c.Err() != nil && ctx.Err() == nil
}

// awaitEnd waits a moment for an end that others have noticed.
func (c *Conn) awaitEnd(ctx context.Context) {
	moment := time.NewTimer(lateness)
	defer moment.Stop()
	select {
	case <-c.done:
	case <-moment.C:
	case <-ctx.Done():
	}
}

// Carried are the bytes below the connection so far, of its login too.
func (c *Conn) Carried() (sent, received int64) { return c.wire.sent.Load(), c.wire.received.Load() }

// Done is closed when the connection has ended; Err says why.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err is why the connection ended, nil while it lives.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// end declares the connection ended, the first cause counts. It does not wait
// for the far side; release does.
func (c *Conn) end(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = cause
		close(c.done)
	}
}

// release closes what is below. It may take as long as the hop before lives.
func (c *Conn) release() {
	_ = c.client.Close() // the connection is over: whether it closed well changes nothing
	if c.master != nil {
		<-c.master.gone
	}
}

// inTime calls open, which knows no context, until ctx or the connection
// ends. What comes later goes to drop.
//
// The goroutine ends at the latest with the connection, but for one trap: a
// channel opened just after x/crypto's reader has ended, and before it has
// closed what is below, is never answered there.
func inTime[T any](ctx context.Context, c *Conn, open func() (T, error), drop func(T)) (T, error) {
	type opened struct {
		value T
		err   error
	}
	var none T
	if ctx.Err() != nil {
		return none, context.Cause(ctx)
	}
	came := make(chan opened)
	gone := make(chan struct{})
	defer close(gone)
	defer c.expect().Stop()
	go func() {
		v, err := open()
		select {
		case came <- opened{v, err}:
		case <-gone:
			if err == nil {
				drop(v)
			}
		}
	}()
	select {
	case o := <-came:
		return o.value, o.err
	case <-ctx.Done():
		return none, context.Cause(ctx)
	case <-c.done:
		return none, c.Err()
	}
}
