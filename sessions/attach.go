package sessions

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// bufferSize is that of each copy, in bytes: two packets of SSH.
const bufferSize = 64 << 10

// errAttached is the error of a second viewer.
var errAttached = errors.New("the session has a viewer already")

// Attach connects a viewer: it copies stdin to the far side until EOF (which
// is passed on) and the far side's output to stdout and stderr, and returns
// when the session has ended and all its output was written, or when ctx ends
// or a write fails; the session is then ended too, as it is when stdin fails.
// A nil stdin is an empty one.
//
// A read from stdin may still be under way when it returns: it ends when the
// caller closes stdin. What it reads then is lost.
func (s *Session) Attach(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) (Exit, error) {
	if !s.claim() {
		return Exit{}, errAttached
	}
	select {
	case <-s.ready:
	case <-ctx.Done():
		return s.abandon(context.Cause(ctx))
	}
	var gone atomic.Bool
	defer gone.Store(true)
	stderr = s.notices.show(viewer{stderr, &gone})
	if s.remote == nil {
		return s.wait(ctx)
	}
	return s.view(ctx, stdin, viewer{stdout, &gone}, stderr)
}

// claim makes the caller the one viewer.
func (s *Session) claim() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !s.attached
	s.attached = true
	return first
}

// view copies until the session has ended. On an error that comes first the
// viewer is told no more, see Attach.
func (s *Session) view(ctx context.Context, stdin io.Reader, stdout viewer, stderr io.Writer) (Exit, error) {
	input := make(chan error, 1) // room for all: the copies end even if nobody waits
	output := make(chan error, 2)
	go func() { input <- feed(keyboard{s.remote}, stdin) }() // ends with stdin
	go func() { output <- show(stdout, s.remote) }()
	go func() { output <- show(stderr, s.remote.Stderr()) }()

	for running := 2; running > 0; {
		var err error
		select {
		case err = <-output:
			running--
		case err = <-input:
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		if err != nil {
			stdout.gone.Store(true)
			exit, err := s.abandon(err)
			drain(output, running)
			return exit, err
		}
	}
	return s.wait(ctx)
}

// wait waits for a session that shows nothing any more.
func (s *Session) wait(ctx context.Context) (Exit, error) {
	select {
	case <-s.ended:
		return s.exit(), nil
	case <-ctx.Done():
		return s.abandon(context.Cause(ctx))
	}
}

// keyboard is the far side's standard input, whose end is the channel's EOF.
type keyboard struct{ *remote }

func (k keyboard) Close() error { return k.CloseWrite() }

// feed copies a viewer's input to the far side, and its end. A far side that
// takes no more is no error: it goes on without.
func feed(remote io.WriteCloser, stdin io.Reader) error {
	if stdin == nil {
		_ = remote.Close() // a far side that has ended needs no end
		return nil
	}
	buf := make([]byte, bufferSize)
	for {
		n, err := stdin.Read(buf)
		if _, writeErr := remote.Write(buf[:n]); writeErr != nil {
			return nil
		}
		if err == io.EOF {
			_ = remote.Close() // a far side that has ended needs no end
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the viewer's input: %w", err)
		}
	}
}

// viewer is where output goes until the viewer is gone. The far side may take
// its time to end a session, and its output must not turn up later in what
// the caller does next.
type viewer struct {
	io.Writer
	gone *atomic.Bool
}

func (v viewer) Write(b []byte) (int, error) {
	if v.gone.Load() {
		return 0, errClosed
	}
	return v.Writer.Write(b)
}

// show copies output to a viewer. Only the viewer's side can fail: the far
// side's always ends with io.EOF, and supervise finds out why.
func show(v io.Writer, output io.Reader) error {
	if _, err := io.CopyBuffer(v, output, make([]byte, bufferSize)); err != nil {
		return fmt.Errorf("writing to the viewer: %w", err)
	}
	return nil
}

// abandon ends a session whose viewer is gone.
func (s *Session) abandon(cause error) (Exit, error) {
	s.cancel(cause)
	<-s.ended
	return s.exit(), cause
}

// drain waits a little for the copies that still run: for a write under way,
// not for a viewer that is stuck, nor for a far side that sends nothing.
func drain(output <-chan error, running int) {
	patience := time.NewTimer(grace)
	defer patience.Stop()
	for range running {
		select {
		case <-output:
		case <-patience.C:
			return
		}
	}
}

// exit is how the session ended; it has.
func (s *Session) exit() Exit { return *s.Status().Exit }
