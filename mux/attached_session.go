package mux

import (
	"context"
	"errors"
	"fmt"
	"io"

	"sallyport/internal/brisk"
)

// Session is a session that a client asks for. Its streams are the client's
// own stdin, stdout and stderr: closed when OpenSession returns, or before.
type Session struct {
	Spec
	ID             uint32
	PID            int // of the client, 0 if the system does not tell
	Stdin          io.ReadCloser
	Stdout, Stderr io.WriteCloser

	// Modes are those of the client's terminal before it went raw, by their
	// opcodes of RFC 4254 section 8, with TTY only.
	Modes map[uint8]uint32

	terminal *stream // stdin
	client   *client
	opened   func()
}

// StdioForward is a connection that a client asks for: ssh -W.
type StdioForward struct {
	To     Address
	PID    int // as a Session's
	Stdin  io.ReadCloser
	Stdout io.WriteCloser

	opened func()
}

// Opened tells the client that the session runs. It then makes its terminal
// raw.
func (s *Session) Opened() { s.opened() }

// Opened tells the client that the connection stands.
func (s *StdioForward) Opened() { s.opened() }

// NoTTY tells the client that the far side gives no terminal.
func (s *Session) NoTTY() {
	_ = s.client.answer(&ttyAllocFailMsg{s.ID}) // a client that has gone ends the session anyway
}

// errAboard is mux.c's answer to a second session on one connection.
var errAboard = errors.New("Multiple sessions not supported")

func (c *client) openSession(ctx context.Context, m *newSessionMsg, r *request) error {
	s := &Session{Spec: m.spec(), ID: c.server.sessions.Add(1), PID: brisk.PeerPID(c.conn), client: c}
	return c.board(ctx, r, m.Request, s.ID, Question{Kind: AskSession}, func(d *stdio, opened func()) error {
		s.terminal, s.opened = d.streams[0], opened
		s.Stdin, s.Stdout, s.Stderr = d.streams[0], d.streams[1], d.streams[2]
		if s.TTY {
			s.Modes = d.streams[0].modes()
		}
		status, err := c.server.handler.OpenSession(ctx, s)
		d.close()
		if err != nil {
			return err
		}
		return c.answer(&exitMsg{s.ID, uint32(status)})
	})
}

func (c *client) openStdioForward(ctx context.Context, m *stdioForwardMsg, r *request) error {
	to, err := address(m.Host, m.Port)
	if err != nil {
		return err
	}
	q := Question{Kind: AskStdioForward, To: to}
	return c.board(ctx, r, m.Request, c.server.sessions.Add(1), q, func(d *stdio, opened func()) error {
		f := &StdioForward{To: to, PID: brisk.PeerPID(c.conn), Stdin: d.streams[0], Stdout: d.streams[1], opened: opened}
		err := c.server.handler.StdioForward(ctx, f)
		d.close()
		return err
	})
}

// board runs a session or stdio forward. It returns once that has been opened
// or has failed: a client's next request waits for it (mux_pause in mux.c).
// run closes the descriptors. The end of what was opened is the end of the
// connection.
func (c *client) board(ctx context.Context, r *request, number, session uint32, q Question, run func(d *stdio, opened func()) error) error {
	if r.err != nil {
		_ = c.answer(&failureMsg{number, "did not receive file descriptors"}) // the client is hung up on in any case
		return fmt.Errorf("receiving descriptors: %w", r.err)
	}
	if c.busy {
		return c.answerTo(number, errAboard)
	}
	if !c.server.handler.Confirm(ctx, q) {
		return c.deny(number)
	}
	d, err := newStdio(r.take())
	if err != nil {
		return c.answerTo(number, err)
	}
	c.setBusy(true)
	opened := make(chan error, 1) // of size 1: it is told of once, and then nobody waits
	c.work.Go(func() {            // ends with the client, or before it
		running := false
		err := run(d, func() {
			running = true
			opened <- c.answer(&sessionOpenedMsg{number, session})
		})
		if running {
			_ = c.conn.CloseWrite() // the client waits for it, and Close leaves the end to whoever still reads
			brisk.CloseSoon(c.conn) // what went wrong then, the client sees by the lack of a status
			return
		}
		c.setBusy(false)
		opened <- c.answerTo(number, err)
	})
	return <-opened
}
