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
	if err := s.remote.conn.Ping(ctx); err != nil {
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
