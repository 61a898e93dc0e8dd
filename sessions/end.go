package sessions

import (
	"context"
	"errors"
	"fmt"
	"time"

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
	select {
	case <-s.remote.over:
		return s.outcome(ctx)
	case <-ctx.Done():
	}
	go s.remote.Close() // it can wait for a full network; it ends with the connection
	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case <-s.remote.over:
	case <-patience.C: // the far side no longer answers
	}
	return Exit{Status: unknown, Failure: asFailure(context.Cause(ctx))}
}

// outcome reads how a session ended. An exit status alone is no proof that
// all output has arrived: sshd sends it before the last of it, and
// x/crypto/ssh ends the streams in the same way when the connection dies. So
// the connection has to outlive them.
func (s *Session) outcome(ctx context.Context) Exit {
	if err := s.remote.conn.Outlives(ctx); err != nil {
		return Exit{Status: unknown, Failure: asFailure(err)}
	}
	switch end := s.remote.end; {
	case end.status != nil:
		return Exit{Status: int(*end.status)}
	case end.signal != "":
		return Exit{Status: unknown, Signal: config.Printable(end.signal)}
	}
	return Exit{Status: unknown, Failure: failure(transport.CodeClosed, "%q ended the session without an exit status", s.status.Host)}
}

// sendWishes passes on window sizes, signals and breaks until ctx ends. A write can
// wait for a full network, so it has a goroutine of its own.
func (s *Session) sendWishes(ctx context.Context) {
	for {
		select {
		case <-s.wishes:
		case <-ctx.Done():
			return
		}
		for _, w := range s.takeWishes() {
			if s.remote.send(w.name, w.message) != nil {
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
	if s.resized && s.remote.pty {
		all = append(all, wish{"window-change", windowRequest(s.size)})
	}
	all = append(all, s.asked...)
	s.resized, s.asked = false, nil
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
