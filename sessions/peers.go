package sessions

import (
	"context"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/nss"
	"sallyport/transport"
)

// peers are the sessions on one connection. They share the channels that the
// far side opens, and what was learned of it.
type peers struct {
	conn *transport.Conn

	mu      sync.Mutex // guards what follows
	lenders []*lender  // of the sessions that began and have not ended, the oldest first
	pty     bool       // the far side has given a terminal
	lent    lent       // what was ever lent to the far side, which may still ask for it
}

type lent struct{ agent, display bool }

// lender is a session as far as it lends something of the caller's to the far
// side.
type lender struct {
	agent   string   // socket of the agent that is forwarded, "" for none; set before the far side is asked
	display *display // that is forwarded, nil for none; likewise

	// caution says something to the caller in ssh's words.
	caution func(at level, format string, args ...any)
}

type peersKey struct{}

// peersOf are the sessions on a connection. The channels are taken by
// goroutines that end with it.
func peersOf(c *transport.Conn) *peers {
	return c.Belonging(peersKey{}, func() any {
		p := &peers{conn: c}
		go p.serve(c.Incoming("auth-agent@openssh.com"), p.agent)
		go p.serve(c.Incoming("x11"), p.x11)
		return p
	}).(*peers)
}

// serve hands each channel to f in a goroutine of its own, which ends with
// the channel.
func (p *peers) serve(channels <-chan ssh.NewChannel, f func(ssh.NewChannel)) {
	for c := range channels {
		go f(c)
	}
}

// join counts a session until leave is called.
func (p *peers) join(s *lender) (leave func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lenders = append(p.lenders, s)
	p.lent.agent = p.lent.agent || s.agent != ""
	p.lent.display = p.lent.display || s.display != nil
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.lenders = slices.DeleteFunc(p.lenders, func(other *lender) bool { return other == s })
	}
}

// those are the sessions that fit, the latest first.
func (p *peers) those(fit func(*lender) bool) []*lender {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []*lender
	for _, s := range slices.Backward(p.lenders) {
		if fit(s) {
			all = append(all, s)
		}
	}
	return all
}

func (p *peers) hadPTY() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pty
}

func (p *peers) gavePTY() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pty = true
}

// unasked refuses a channel for what no session lends. Where none ever did it
// tells all of them, in ssh's words (client_request_agent and
// client_request_x11 in clientloop.c).
func (p *peers) unasked(c ssh.NewChannel, what string, lent func(lent) bool) {
	defer refuse(c)
	p.mu.Lock()
	known := lent(p.lent)
	p.mu.Unlock()
	if known {
		return
	}
	for _, s := range p.those(func(*lender) bool { return true }) {
		s.caution(logError, "Warning: ssh server tried %s forwarding.", what)
		s.caution(logError, "Warning: this is probably a break-in attempt by a malicious server.")
	}
}

func refuse(c ssh.NewChannel) {
	_ = c.Reject(ssh.Prohibited, "open failed") // a connection that has ended needs no answer
}

const dialLimit = 10 * time.Second // to reach a socket of the caller's machine

// dial connects to something of the caller's.
func dial(network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), dialLimit)
	defer cancel()
	return nss.Dial(ctx, net.Dialer{}, network, address)
}

// splice joins a channel with a connection of the caller's machine and closes
// both. Each way ends on its own (RFC 4254 section 5.3).
func splice(far ssh.Channel, near net.Conn) {
	var ways sync.WaitGroup
	ways.Go(func() {
		_, _ = io.Copy(far, near) // how one side ended is told to the other by the end
		_ = far.CloseWrite()      // a far side that has closed needs no end
	})
	ways.Go(func() {
		_, _ = io.Copy(near, far) // likewise
		if c, ok := near.(interface{ CloseWrite() error }); ok {
			_ = c.CloseWrite() // likewise
		}
	})
	ways.Wait()
	_ = far.Close()  // nothing is left to lose
	_ = near.Close() // likewise
}
