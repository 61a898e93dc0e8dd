package sessions

import (
	"context"
	"time"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/rfc4254"
	"sallyport/transport"
)

// remote is the far end of a session.
type remote struct {
	*transport.SessionChannel
	conn  *transport.Conn
	peers *peers
	leave func() // takes the session out of peers
	pty   bool   // the far side gave it a terminal

	over chan struct{} // closed when the channel is, and end is known
	end  ending

	flood flood // touched only by the reader of its output
}

// flood is how much a program has written lately.
type flood struct {
	since time.Time
	size  int // bytes
}

// A program floods its terminal with so many bytes in such a time.
const (
	floodSize = 256 << 10
	floodTime = 10 * time.Millisecond
)

// rises counts output, and tells whether it is a flood by now.
func (f *flood) rises(now time.Time, n int) bool {
	if now.Sub(f.since) > floodTime {
		f.since, f.size = now, 0
	}
	f.size += n
	return f.size > floodSize
}

// Read reads the program's output. One that floods its terminal is read less
// often.
func (r *remote) Read(p []byte) (int, error) {
	n, err := r.SessionChannel.Read(p)
	if r.pty && r.flood.rises(time.Now(), n) {
		r.conn.Gather()
	}
	return n, err
}

// ending is what the far side said of the end of a program (RFC 4254 section
// 6.10).
type ending struct {
	status *uint32
	signal string
}

// newRemote takes over a session channel. Its requests are taken by a
// goroutine that ends with it.
func newRemote(conn *transport.Conn, channel *transport.SessionChannel) *remote {
	r := &remote{SessionChannel: channel, conn: conn, peers: peersOf(conn), over: make(chan struct{})}
	go r.follow()
	return r
}

// follow takes the requests of the far side until the channel is closed. What
// it does not know, keepalives among them, it refuses, as clientloop.c does.
func (r *remote) follow() {
	defer close(r.over)
	for request := range r.Requests {
		switch request.Type {
		case "exit-status":
			var m rfc4254.ExitStatus
			if ssh.Unmarshal(request.Payload, &m) == nil {
				r.end.status = &m.Status
			}
		case "exit-signal":
			var m rfc4254.ExitSignal
			if ssh.Unmarshal(request.Payload, &m) == nil {
				r.end.signal = m.Name
			}
		}
		if request.WantReply {
			_ = request.Reply(false, nil) // a channel that has closed needs none
		}
	}
}

// send makes a request whose answer does not matter.
func (r *remote) send(name string, message any) error {
	_, err := r.SendRequest(name, false, encode(message))
	return err
}

// ask makes a request and waits for its answer.
func (r *remote) ask(name string, message any) (accepted bool, err error) {
	return r.SendRequest(name, true, encode(message))
}

// encode writes a message; nil is one without anything.
func encode(message any) []byte {
	if message == nil {
		return nil
	}
	return ssh.Marshal(message)
}

// within runs f, which knows no context, until ctx ends.
func within(ctx context.Context, f func() error) error {
	done := make(chan error, 1) // of size 1: the goroutine ends even if nobody waits
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
