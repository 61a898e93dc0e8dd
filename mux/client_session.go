package mux

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Passenger is a session or stdio forward that a master drives for us.
type Passenger struct {
	client *Client
	conn   *control
	id     uint32
	pid    int

	noTTY chan struct{}
	done  chan struct{}

	// Both are set by wait before done is closed.
	status int
	err    error
}

// ErrNoStatus is the end of a session without an exit status, as when a signal
// ends its command. ssh exits with 255 then.
var ErrNoStatus = errors.New("the session ended without an exit status")

// NewSession has the master open a session on three files, which it reads and
// writes by itself from then on. With Spec.TTY, stdin is a terminal, whose
// modes the master reads before NewSession returns: only afterwards may it be
// made raw. All versions of OpenSSH can do this.
//
// ctx is for the opening. The caller may close its files afterwards.
func (c *Client) NewSession(ctx context.Context, spec Spec, stdin, stdout, stderr *os.File) (*Passenger, error) {
	return c.board(ctx, "opening a session", spec.message(1), stdin, stdout, stderr)
}

// NewStdioForward has the master join two files with a connection from the far
// side, as ssh -W does. Its Wait ends with nil when that connection does.
func (c *Client) NewStdioForward(ctx context.Context, to Address, in, out *os.File) (*Passenger, error) {
	m := &stdioForwardMsg{Request: 1}
	m.Host, m.Port = to.wire()
	return c.board(ctx, fmt.Sprintf("connecting to %s", to), m, in, out)
}

// board makes a request that comes with files.
func (c *Client) board(ctx context.Context, what string, m message, files ...*os.File) (*Passenger, error) {
	conn, err := connect(ctx, c.path)
	if err != nil {
		return nil, err
	}
	p := &Passenger{client: c, conn: conn, noTTY: make(chan struct{}), done: make(chan struct{})}
	if err := conn.during(ctx, func() error { return p.open(what, m, files) }); err != nil {
		_ = conn.Close() // nothing runs on it
		return nil, err
	}
	_, isSession := m.(*newSessionMsg)
	go p.wait(isSession) // ends with the connection
	return p, nil
}

// open asks for the master's process number first, as mux.c does: signals go
// there.
func (p *Passenger) open(what string, m message, files []*os.File) error {
	answers, err := p.exchange(m, files)
	if err != nil {
		return fmt.Errorf("%s: %w", what, ended(context.Background(), err))
	}
	alive, ok := answers[0].(*aliveMsg)
	if !ok {
		return refusal("the alive check", answers[0])
	}
	opened, ok := answers[1].(*sessionOpenedMsg)
	if !ok {
		return refusal(what, answers[1])
	}
	p.pid, p.id = int(alive.PID), opened.Session
	return nil
}

func (p *Passenger) exchange(m message, files []*os.File) (answers [2]message, err error) {
	if err := writeMessage(p.conn, &aliveCheckMsg{}); err != nil {
		return answers, err
	}
	if answers[0], err = readMessage(p.conn); err != nil {
		return answers, err
	}
	if err := writeMessage(p.conn, m); err != nil {
		return answers, err
	}
	for _, f := range files {
		if err := SendFile(p.conn.UnixConn, f); err != nil {
			return answers, fmt.Errorf("handing over %q: %w", f.Name(), err)
		}
	}
	answers[1], err = readMessage(p.conn)
	return answers, err
}

// wait reads what the master says until it closes the connection.
func (p *Passenger) wait(isSession bool) {
	defer close(p.done)
	defer p.conn.Close()
	p.status, p.err = 255, ErrNoStatus
	refused := false
	for {
		m, err := readMessage(p.conn)
		if err != nil {
			break
		}
		switch m := m.(type) {
		case *ttyAllocFailMsg:
			if !refused {
				refused = true
				close(p.noTTY)
			}
		case *exitMsg:
			if m.Session == p.id {
				p.status, p.err = int(m.Status), nil
			}
		}
	}
	if p.err != nil {
		p.explain(isSession)
	}
}

// explain tells the end of the master from that of a session.
func (p *Passenger) explain(isSession bool) {
	ctx, cancel := context.WithTimeout(context.Background(), helloLimit)
	defer cancel()
	_, err := p.client.Alive(ctx)
	switch {
	case err != nil:
		p.err = ErrEnded
	case !isSession:
		p.status, p.err = 0, nil // mux_client_request_stdio_fwd in mux.c
	}
}

// Wait waits for the end. status is the exit status, or 255 with an error:
// ErrNoStatus, or ErrEnded if the master has ended.
func (p *Passenger) Wait() (status int, err error) {
	<-p.done
	return p.status, p.err
}

// Done is closed at the end.
func (p *Passenger) Done() <-chan struct{} { return p.done }

// NoTTY is closed when the far side refuses a terminal. Ours is then to be
// taken out of raw mode.
func (p *Passenger) NoTTY() <-chan struct{} { return p.noTTY }

// Resized tells the master that the terminal has another size: it gets
// SIGWINCH and asks the terminal, there is no message for it.
func (p *Passenger) Resized() error {
	select {
	case <-p.done:
		return nil // the process number may have a new owner
	default:
		return signalResize(p.pid)
	}
}

// Close ends the session, as the end of the client's process does for ssh.
func (p *Passenger) Close() error { return p.conn.Close() }
