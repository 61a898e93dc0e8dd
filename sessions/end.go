package sessions

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/transport"
)

const (
	unknown = 255 // the Status of a session that has none, as ssh exits then

	// grace is for the far side to confirm the end of a session that is closed
	// from here. sshd does so when the program has let go of its output, which
	// may be never; then the channel ends with the connection.
	grace = 250 * time.Millisecond

	// answerLimit is for the proof of life at the end of a session: a link's
	// own keepalives end a connection that is silent for longer.
	answerLimit = 30 * time.Second
)

// supervise waits for the end of the session and says how it was.
func (s *Session) supervise(ctx context.Context) Exit {
	waited := make(chan error, 1) // of size 1: the goroutine ends even if nobody waits
	go func() { waited <- s.remote.Wait() }()
	select {
	case err := <-waited:
		return s.outcome(ctx, err)
	case <-ctx.Done():
	}
	go s.remote.Close() // it can wait for a full network; it ends with the connection
	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case <-waited:
	case <-patience.C: // the far side no longer answers
	}
	return Exit{Status: unknown, Failure: asFailure(context.Cause(ctx))}
}

// outcome reads how a session ended. An exit status alone is no proof that
// all output has arrived: sshd sends it before the last of it, and
// x/crypto/ssh ends the streams in the same way when the connection dies. So
// the connection has to answer once more.
func (s *Session) outcome(ctx context.Context, err error) Exit {
	if !answers(ctx, s.remote.conn) {
		err := s.broke(ctx, s.remote.conn)
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return Exit{Status: unknown, Failure: asFailure(err)}
	}
	var exit *ssh.ExitError
	switch {
	case err == nil:
		return Exit{}
	case errors.As(err, &exit) && exit.Signal() != "":
		return Exit{Status: unknown, Signal: config.Printable(exit.Signal())}
	case errors.As(err, &exit):
		return Exit{Status: exit.ExitStatus()}
	}
	return Exit{Status: unknown, Failure: failure(transport.CodeClosed, "%q ended the session without an exit status", s.status.Host)}
}

// answers makes a round trip on a connection, by a session that is closed
// again: to refuse it is an answer too. Unlike a keepalive it is harmless on
// a connection shared with OpenSSH.
func answers(ctx context.Context, conn *transport.Conn) bool {
	if isDone(conn) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	session, err := newSession(ctx, conn)
	if err == nil {
		go session.Close() // it can wait for a full network; it ends with the connection
		return true
	}
	var f *transport.Failure
	return errors.As(err, &f) && f.Code != transport.CodeClosed && !isDone(conn)
}

// broke is why conn ended, which it may learn a moment later than its users.
func (s *Session) broke(ctx context.Context, conn *transport.Conn) error {
	wait(ctx, time.Second, conn.Done())
	if err := conn.Err(); err != nil {
		return err
	}
	return failure(transport.CodeClosed, "the connection to %q does not answer", s.status.Host)
}

// sendWishes passes on window sizes and signals until ctx ends. A write can
// wait for a full network, so it has a goroutine of its own.
func (s *Session) sendWishes(ctx context.Context) {
	for {
		select {
		case <-s.wishes:
		case <-ctx.Done():
			return
		}
		for _, w := range s.takeWishes() {
			if send(s.remote.Session, w.name, w.message) != nil {
				return // the session is over
			}
		}
	}
}

type wish struct {
	name    string
	message any
}

func (s *Session) takeWishes() []wish {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []wish
	if s.resized && s.spec.PTY {
		all = append(all, wish{"window-change", windowRequest(s.size)})
	}
	for _, name := range s.signals {
		all = append(all, wish{"signal", signalMessage{name}})
	}
	s.resized, s.signals = false, nil
	return all
}

func isDone(conn *transport.Conn) bool {
	select {
	case <-conn.Done():
		return true
	default:
		return false
	}
}

// wait waits a little, or until done or ctx ends.
func wait(ctx context.Context, d time.Duration, done <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-done:
	case <-ctx.Done():
	}
}

// asFailure is err for a Status.
func asFailure(err error) *transport.Failure {
	var f *transport.Failure
	if errors.As(err, &f) {
		return f
	}
	return failure(transport.CodeCancelled, "%v", err)
}

func failure(code, format string, args ...any) *transport.Failure {
	return &transport.Failure{Code: code, Message: config.Printable(fmt.Sprintf(format, args...)), At: time.Now()}
}
