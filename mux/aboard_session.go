package mux

import (
	"context"
	"io"
	"os"
	"sync"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/rfc4254"
)

// sessionChannel is a session. The master is asked for it when all is known
// that it is to be, so what was asked for before was granted unseen.
type sessionChannel struct {
	client   *Client
	requests chan *ssh.Request // its exit status, then the end
	ctx      context.Context   // ends with the channel
	cancel   context.CancelFunc
	running  chan struct{} // closed when what follows mu is set
	once     sync.Once     // guards the end against coming twice

	mu        sync.Mutex // guards what follows
	closed    bool
	spec      Spec
	terminal  rfc4254.Pty
	passenger *Passenger
	streams   filesOf // stdin, stdout, and stderr unless there is a terminal
}

func newSessionChannel(c *Client) *sessionChannel {
	ctx, cancel := context.WithCancel(context.Background())
	return &sessionChannel{client: c, requests: make(chan *ssh.Request, 1), ctx: ctx, cancel: cancel, running: make(chan struct{})}
}

// SendRequest implements ssh.Channel (RFC 4254 section 6). For signals and
// breaks the protocol has no word.
func (s *sessionChannel) SendRequest(name string, _ bool, payload []byte) (bool, error) {
	switch name {
	case "exec", "subsystem":
		var m rfc4254.Program
		if err := ssh.Unmarshal(payload, &m); err != nil {
			return false, err
		}
		return s.start(m.Command, name == "subsystem")
	case "shell":
		return s.start("", false)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return false, io.EOF
	case s.passenger != nil:
		return s.change(name, payload)
	}
	return s.prepare(name, payload)
}

// prepare notes what the session is to have.
func (s *sessionChannel) prepare(name string, payload []byte) (bool, error) {
	switch name {
	case "pty-req":
		err := ssh.Unmarshal(payload, &s.terminal)
		s.spec.TTY, s.spec.Term = err == nil, s.terminal.Term
		return err == nil, err
	case "env":
		var m rfc4254.Env
		err := ssh.Unmarshal(payload, &m)
		s.spec.Env = append(s.spec.Env, m.Name+"="+m.Value)
		return err == nil, err
	case "x11-req": // the master lends its own display
		s.spec.X11 = true
		return true, nil
	case "auth-agent-req@openssh.com":
		s.spec.Agent = true
		return true, nil
	}
	return false, nil
}

// change is for a session that runs.
func (s *sessionChannel) change(name string, payload []byte) (bool, error) {
	var m rfc4254.Window
	if name != "window-change" || !s.spec.TTY {
		return false, nil
	}
	if err := ssh.Unmarshal(payload, &m); err != nil {
		return false, err
	}
	resize(s.streams[0], m)
	return true, s.passenger.Resized()
}

// start has the master open the session.
func (s *sessionChannel) start(command string, subsystem bool) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return false, io.EOF
	case s.passenger != nil:
		return false, nil
	}
	s.spec.Command, s.spec.Subsystem = command, subsystem
	p, opened, err := s.connect()
	if err != nil {
		return false, err
	}
	defer p.passed.close()
	passenger, err := s.client.NewSession(s.ctx, s.spec, p.passed[0], p.passed[1], p.passed[2])
	if err != nil {
		p.kept.close()
		return false, openError(err)
	}
	opened()
	s.passenger, s.streams = passenger, p.kept
	close(s.running)
	go s.follow(passenger) // ends with the session
	return true, nil
}

// connect makes the session's streams; opened is to be called when the master
// has them.
func (s *sessionChannel) connect() (p pipes, opened func(), err error) {
	if s.spec.TTY {
		return newTerminal(s.terminal)
	}
	p, err = newPipes(3)
	return p, func() {}, err
}

// follow tells of the end.
func (s *sessionChannel) follow(p *Passenger) {
	defer close(s.requests)
	defer context.AfterFunc(s.ctx, func() { p.Close() })()
	s.client.accompany(p)
	if exit, err := p.Wait(); err == nil {
		s.requests <- &ssh.Request{Type: "exit-status", Payload: ssh.Marshal(rfc4254.ExitStatus{Status: uint32(exit)})}
	}
}

// stream is one of the streams, once there are any.
func (s *sessionChannel) stream(i int) (*os.File, bool) {
	select {
	case <-s.running:
	case <-s.ctx.Done():
		return nil, false
	}
	if i >= len(s.streams) {
		return nil, false
	}
	return s.streams[i], true
}

func (s *sessionChannel) Read(p []byte) (int, error) { return s.read(1, p) }
func (s *sessionChannel) Stderr() io.ReadWriter      { return sessionErrors{s} }
func (s *sessionChannel) Write(p []byte) (int, error) {
	f, ok := s.stream(0)
	if !ok {
		return 0, io.EOF
	}
	return writePipe(f, p)
}

func (s *sessionChannel) read(i int, p []byte) (int, error) {
	f, ok := s.stream(i)
	if !ok {
		return 0, io.EOF
	}
	return readPipe(f, p)
}

// CloseWrite implements ssh.Channel. A terminal has no end of its own.
func (s *sessionChannel) CloseWrite() error {
	if f, ok := s.stream(0); ok && !s.spec.TTY {
		return closeAgain(f)
	}
	return nil
}

// Close implements ssh.Channel.
func (s *sessionChannel) Close() error {
	s.once.Do(func() {
		s.cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.closed = true
		s.streams.close()
		if s.passenger == nil {
			close(s.requests)
		}
	})
	return nil
}

// sessionErrors is the standard error of a session.
type sessionErrors struct{ s *sessionChannel }

func (e sessionErrors) Read(p []byte) (int, error)  { return e.s.read(2, p) }
func (e sessionErrors) Write(p []byte) (int, error) { return 0, io.EOF }
