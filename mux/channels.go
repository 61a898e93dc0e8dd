package mux

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/rfc4254"
)

// Conn is the SSH connection that a master shares.
type Conn interface {
	// OpenChannel opens a channel, as that of ssh.Conn does.
	OpenChannel(ctx context.Context, name string, data []byte) (ssh.Channel, <-chan *ssh.Request, error)

	// Outlives proves that a channel which has ended was closed by the far
	// side, and did not end with the connection.
	Outlives(ctx context.Context) error
}

// Channels is the part of a Handler that needs an SSH connection only:
// OpenSession, StdioForward and Proxy.
type Channels struct {
	Conn Conn

	// SendEnv tells whether a variable may be sent, as SendEnv of the master's
	// own configuration does (env_permitted in mux.c); none may if it is nil.
	SendEnv func(name string) bool

	// SetEnv are variables that each session gets, NAME=value.
	SetEnv []string

	// Lend gives a session what it wants of the master's user, as far as he
	// forwards it: his agent and his display. If it is nil nobody gets any.
	Lend func(ctx context.Context, want Spec) Loan

	// Inform is what "~I" tells a session with a terminal, in lines that end in CR
	// and LF; there is no such escape if it is nil.
	Inform func(ctx context.Context) string

	// Listen has the far side listen on "tcp" or "unix" for a client in proxy
	// mode, and hands on who comes there until end is called or ctx ends. port
	// is where it listens. If it is nil such a client gets no remote forwards.
	Listen func(ctx context.Context, network, address string, come func(Arrival)) (port int, end func(), err error)
}

// Loan is what a session gets of the master's user.
type Loan struct {
	Agent bool
	X11   []byte // what asks for the display (RFC 4254 section 6.3.1), without the head of a request; nil for none
	End   func() // is called when the session has ended
}

// lend is Lend for those who want something.
func (c *Channels) lend(ctx context.Context, want Spec) Loan {
	if c.Lend == nil || !want.Agent && !want.X11 {
		return Loan{End: func() {}}
	}
	return c.Lend(ctx, want)
}

// What clients are told, in the words of mux.c.
var (
	errOpenRefused = errors.New("Session open refused by peer")
	errDetached    = errors.New("the user has ended the session")
)

// OpenSession implements Handler.
func (c *Channels) OpenSession(ctx context.Context, s *Session) (status int, err error) {
	channel, requests, err := c.Conn.OpenChannel(ctx, "session", nil)
	if err != nil {
		return 0, errOpenRefused
	}
	r := &running{Session: s, inform: c.Inform, channel: channel, requests: requests, ended: make(chan struct{})}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	context.AfterFunc(ctx, func() { channel.Close() }) // it can wait for a full network
	r.cancel = cancel

	go r.listen() // ends with the channel
	loan := c.lend(ctx, s.Spec)
	defer loan.End()
	var opening sync.WaitGroup
	opening.Go(func() { // the far side need not wait for it
		runtime.Gosched() // and learns of its program first
		s.Opened()
	})
	if s.TTY {
		opening.Wait() // as mux.c does: NoTTY comes after it
	}
	err = c.start(ctx, r, loan)
	opening.Wait()
	if err != nil {
		return 0, err
	}
	r.copy(ctx)
	return c.outcome(ctx, r)
}

// start starts the program. A far side that does not answer holds up nobody
// but the goroutine, which ends with the channel.
func (c *Channels) start(ctx context.Context, r *running, loan Loan) error {
	started := make(chan error, 1) // of size 1: the goroutine ends even if nobody waits
	go func() {
		c.prepare(r, loan)
		started <- r.start()
	}()
	select {
	case err := <-started:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// prepare asks for what has to be there before the program starts, in the
// order of mux_session_confirm in mux.c. The answer to the first matters to
// nobody but the clients of X, which will see.
func (c *Channels) prepare(r *running, loan Loan) {
	if loan.X11 != nil {
		r.ask("x11-req", loan.X11)
	}
	if loan.Agent {
		r.ask("auth-agent-req@openssh.com", nil)
	}
	if r.TTY && !r.askTTY() {
		r.refuseTTY()
	}
	for _, v := range append(c.permitted(r.Env), c.SetEnv...) {
		if name, value, ok := strings.Cut(v, "="); ok {
			r.ask("env", ssh.Marshal(rfc4254.Env{Name: name, Value: value}))
		}
	}
}

// permitted are those variables that may be sent.
func (c *Channels) permitted(env []string) []string {
	var sent []string
	for _, v := range env {
		if name, _, ok := strings.Cut(v, "="); ok && name != "" && c.SendEnv != nil && c.SendEnv(name) {
			sent = append(sent, v)
		}
	}
	return sent
}

// outcome is how a session ended, once its channel is closed. An exit status
// alone does not prove that all output has come: sshd sends it before the last
// of it.
func (c *Channels) outcome(ctx context.Context, r *running) (status int, err error) {
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	if err := c.Conn.Outlives(ctx); err != nil {
		return 0, err
	}
	if r.status == nil {
		return 0, ErrNoStatus
	}
	return *r.status, nil
}

// StdioForward implements Handler.
func (c *Channels) StdioForward(ctx context.Context, s *StdioForward) error {
	name, data := direct(s.To)
	channel, requests, err := c.Conn.OpenChannel(ctx, name, data)
	if err != nil {
		return errOpenRefused
	}
	defer context.AfterFunc(ctx, func() { channel.Close() })()
	ended, sent := make(chan struct{}), make(chan struct{})
	go func() { ssh.DiscardRequests(requests); close(ended) }() // ends with the channel
	s.Opened()
	go func() { send(channel, s.Stdin); close(sent) }() // ends with the stream
	err = transfer(s.Stdout, channel)
	if err == nil {
		_ = s.Stdout.Close() // all is written
		select {
		case <-sent:
		case <-ended:
		case <-ctx.Done():
		}
	}
	go channel.Close() // it can wait for a full network; it ends with the connection
	return err
}

// direct is the channel to an address (RFC 4254 section 7.2; PROTOCOL of
// OpenSSH section 2.4). The originator is what channels.c makes up for stdio.
func direct(to Address) (name string, data []byte) {
	if to.Path != "" {
		return "direct-streamlocal@openssh.com", ssh.Marshal(rfc4254.Socket{Path: to.Path})
	}
	return "direct-tcpip", ssh.Marshal(rfc4254.TCP{Host: to.Host, Port: uint32(to.Port), Origin: "127.0.0.1", OriginPort: 65535})
}
