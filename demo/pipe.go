package demo

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// pipeSize is how many bytes one direction of a pipe holds. It is not zero as
// in net.Pipe, where two SSH sides that both begin by writing their version
// would wait for each other for ever.
const pipeSize = 256 << 10

// newPipe makes a connection in memory between a client and a server at
// address. Both ends can close their writing side alone (CloseWrite).
func newPipe(address string) (client, server *pipeConn) {
	there, back := newStream(), newStream()
	return &pipeConn{in: back, out: there, local: "client", remote: pipeAddr(address)},
		&pipeConn{in: there, out: back, local: pipeAddr(address), remote: "client"}
}

type pipeConn struct {
	in, out       *stream
	local, remote pipeAddr
}

func (c *pipeConn) Read(p []byte) (int, error)  { return c.in.read(p) }
func (c *pipeConn) Write(p []byte) (int, error) { return c.out.write(p) }

// CloseWrite lets the other end read what was written, then io.EOF.
func (c *pipeConn) CloseWrite() error { c.out.endWriting(); return nil }

// Close ends both directions. The other end can still read what was written.
func (c *pipeConn) Close() error {
	c.out.endWriting()
	c.in.endReading()
	return nil
}

func (c *pipeConn) LocalAddr() net.Addr  { return c.local }
func (c *pipeConn) RemoteAddr() net.Addr { return c.remote }

func (c *pipeConn) SetDeadline(t time.Time) error {
	c.in.readLimit.set(t)
	c.out.writeLimit.set(t)
	return nil
}

func (c *pipeConn) SetReadDeadline(t time.Time) error  { c.in.readLimit.set(t); return nil }
func (c *pipeConn) SetWriteDeadline(t time.Time) error { c.out.writeLimit.set(t); return nil }

// pipeAddr is a name of the demo's network as a net.Addr.
type pipeAddr string

func (a pipeAddr) Network() string { return "demo" }
func (a pipeAddr) String() string  { return string(a) }

// stream is one direction of a pipe.
type stream struct {
	mu      sync.Mutex // guards all below
	changed *sync.Cond // buf, an end or a limit
	buf     []byte
	written bool // the writer has ended
	dropped bool // the reader has ended

	readLimit, writeLimit limit
}

func newStream() *stream {
	s := &stream{}
	s.changed = sync.NewCond(&s.mu)
	s.readLimit.of, s.writeLimit.of = s, s
	return s
}

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.dropped:
			return 0, net.ErrClosed
		case s.readLimit.passed:
			return 0, os.ErrDeadlineExceeded
		case len(s.buf) > 0:
			n := copy(p, s.buf)
			s.buf = s.buf[n:]
			s.changed.Broadcast()
			return n, nil
		case s.written:
			return 0, io.EOF
		}
		s.changed.Wait()
	}
}

func (s *stream) write(p []byte) (done int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.written:
			return done, net.ErrClosed
		case s.dropped:
			return done, io.ErrClosedPipe
		case s.writeLimit.passed:
			return done, os.ErrDeadlineExceeded
		case done == len(p):
			return done, nil
		case len(s.buf) < pipeSize:
			n := min(len(p)-done, pipeSize-len(s.buf))
			s.buf = append(s.buf, p[done:done+n]...)
			done += n
			s.changed.Broadcast()
			continue
		}
		s.changed.Wait()
	}
}

func (s *stream) endWriting() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written = true
	s.writeLimit.stop()
	s.changed.Broadcast()
}

func (s *stream) endReading() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropped = true
	s.buf = nil
	s.readLimit.stop()
	s.changed.Broadcast()
}

// limit is a deadline of one end of a stream, guarded by the stream's mu.
// net/http needs it: it ends its read in the background by a deadline.
type limit struct {
	of     *stream
	timer  *time.Timer
	turn   int // which timer is in force
	passed bool
}

// set moves the limit to t, the zero Time for none.
func (l *limit) set(t time.Time) {
	l.of.mu.Lock()
	defer l.of.mu.Unlock()
	l.stop()
	l.passed = false
	if t.IsZero() {
		return
	}
	if left := time.Until(t); left > 0 {
		turn := l.turn
		l.timer = time.AfterFunc(left, func() { l.pass(turn) })
		return
	}
	l.passed = true
	l.of.changed.Broadcast()
}

// pass is called by a timer; one that was replaced meanwhile is late.
func (l *limit) pass(turn int) {
	l.of.mu.Lock()
	defer l.of.mu.Unlock()
	if l.turn == turn {
		l.passed = true
		l.of.changed.Broadcast()
	}
}

func (l *limit) stop() {
	l.turn++
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
}
