package transport

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// pipe is a connection in memory with room for what is written before
// somebody reads, as the start of SSH needs. It may be frozen: then nothing
// arrives any more, as with a peer under SIGSTOP.
type pipe struct {
	net.Conn // for what isn't used; nil
	in, out  *stream
	near     net.IP // of this end; nil for loopback
}

type stream struct {
	mu     sync.Mutex // guards all
	cond   *sync.Cond
	data   []byte
	closed bool
	frozen bool
}

func newStream() *stream {
	s := &stream{}
	s.cond = sync.NewCond(&s.mu)
	return s
}

func newPipe() (a, b *pipe) {
	x, y := newStream(), newStream()
	return &pipe{in: x, out: y}, &pipe{in: y, out: x}
}

func (p *pipe) Read(b []byte) (int, error) {
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	for (len(p.in.data) == 0 || p.in.frozen) && !p.in.closed {
		p.in.cond.Wait()
	}
	if len(p.in.data) == 0 || p.in.frozen {
		return 0, io.EOF
	}
	n := copy(b, p.in.data)
	p.in.data = p.in.data[n:]
	return n, nil
}

func (p *pipe) Write(b []byte) (int, error) {
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	if p.out.closed {
		return 0, io.ErrClosedPipe
	}
	p.out.data = append(p.out.data, b...)
	p.out.cond.Broadcast()
	return len(b), nil
}

func (p *pipe) Close() error {
	for _, s := range []*stream{p.in, p.out} {
		s.mu.Lock()
		s.closed = true
		s.cond.Broadcast()
		s.mu.Unlock()
	}
	return nil
}

// freeze stops what p would read.
func (p *pipe) freeze() {
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	p.in.frozen = true
}

func (p *pipe) RemoteAddr() net.Addr { return &net.TCPAddr{} }
func (p *pipe) LocalAddr() net.Addr {
	if p.near == nil {
		return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}
	}
	return &net.TCPAddr{IP: p.near}
}
func (p *pipe) SetDeadline(time.Time) error      { return nil }
func (p *pipe) SetReadDeadline(time.Time) error  { return nil }
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }

// memoryConn is a Conn to a server in memory that grants everything and does
// nothing. Its other end is given to break it.
func memoryConn(t *testing.T, signer ssh.Signer) (c *Conn, server *pipe) {
	t.Helper()
	near, far := newPipe()
	go serveNothing(far, signer) // ends with the pipe
	w := newWire(near)
	conn, channels, requests, err := ssh.NewClientConn(w, "memory:22", &ssh.ClientConfig{
		User:            "u",
		HostKeyCallback: ssh.FixedHostKey(signer.PublicKey()),
	})
	if err != nil {
		t.Errorf("handshake in memory: %v", err)
		return nil, nil
	}
	return newConn(ssh.NewClient(conn, channels, requests), w, "memory", nil), far
}

func serveNothing(c net.Conn, signer ssh.Signer) {
	defer c.Close()
	cfg := &ssh.ServerConfig{NoClientAuth: true}
	cfg.AddHostKey(signer)
	conn, channels, requests, err := ssh.NewServerConn(c, cfg)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests) // ends with the connection
	for ch := range channels {
		_ = ch.Reject(ssh.Prohibited, "nothing\x1b[2Jhere") // the connection may have ended
	}
	_ = conn.Wait() // any end is as good
}
