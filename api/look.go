package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"sallyport/sessions"
	"sallyport/transport"
)

// scriptLimit is the most that a script may write, in bytes.
const scriptLimit = 8 << 20

// StartScript begins a POSIX shell on a host that Terminal.Script feeds. The
// script goes over its standard input: nothing is left on the host, and a
// login shell of any kind has nothing to quote.
func (c *Client) StartScript(ctx context.Context, t Target) (*Terminal, error) {
	return c.StartSession(ctx, scriptOn(t))
}

func scriptOn(t Target) SessionRequest {
	return SessionRequest{
		Target: t,
		Spec:   sessions.Spec{Command: "exec sh", ForwardAgent: "no", ForwardX11: sessions.NoX11},
		TTY:    "no",
	}
}

// lookPause is how long a look around rests after a break: a host that ends
// each of them is not stormed.
const lookPause = time.Second

// Look runs f with a shell for a script, and anew with another one after each
// break of the connection, of which broken is told. It waits for the way back
// as a tunnel does. A first connection that cannot be had is a failure.
func (c *Client) Look(ctx context.Context, t Target, broken func(error), f func(*Terminal) error) error {
	request := scriptOn(t)
	for {
		ran, err := c.look(ctx, request, f)
		if request.Await = request.Await || ran; err == nil || !request.Await || !isBreak(err) {
			return err
		}
		broken(err)
		select {
		case <-time.After(lookPause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// look is one shell of Look; ran tells that f had it.
func (c *Client) look(ctx context.Context, request SessionRequest, f func(*Terminal) error) (ran bool, err error) {
	t, err := c.StartSession(ctx, request)
	if err != nil {
		return false, err
	}
	defer t.Close()
	if err := t.Ready(ctx); err != nil {
		return false, err
	}
	return true, f(t)
}

// isBreak tells that err is a connection that ended by itself, or no longer
// answered.
func isBreak(err error) bool {
	code := AsError(err).Code
	return code == transport.CodeClosed || code == transport.CodeTimeout
}

// Script runs a script and gives what it writes. The caller has waited until
// the session is Ready.
func (t *Terminal) Script(ctx context.Context, script string) ([]byte, error) {
	var out bounded
	err := t.run(ctx, strings.NewReader(script), &out)
	return out.Bytes(), err
}

// Feed runs a script that reads data of its own once it has written a mark, and
// gives what it writes. What does not write the mark is sent no data, and a shell
// that reads ahead of what it runs does not swallow any. The script ends with the
// line that reads the data.
func (t *Terminal) Feed(ctx context.Context, script, mark string, data io.Reader) ([]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f := &feed{ctx: ctx, mark: []byte(mark), data: data, marked: make(chan struct{})}
	err := t.run(ctx, io.MultiReader(strings.NewReader(script), f), f)
	return f.written.Bytes(), err
}

// markLimit is how long a script has to write its mark. What reads all that it is
// told, and is no shell, has then read all.
const markLimit = 30 * time.Second

// feed is what a script reads after itself, and what it writes.
type feed struct {
	ctx     context.Context
	mark    []byte
	data    io.Reader
	marked  chan struct{} // closed when the mark has come
	written bounded
}

// Write takes what the script writes.
func (f *feed) Write(p []byte) (int, error) {
	came := bytes.Contains(f.written.Bytes(), f.mark)
	n, err := f.written.Write(p)
	if !came && bytes.Contains(f.written.Bytes(), f.mark) {
		close(f.marked)
	}
	return n, err
}

// Read gives the data, after the mark, and none without it.
func (f *feed) Read(p []byte) (int, error) {
	select {
	case <-f.marked:
		return f.data.Read(p)
	case <-time.After(markLimit):
		return 0, io.EOF
	case <-f.ctx.Done():
		return 0, io.EOF
	}
}

func (t *Terminal) run(ctx context.Context, script io.Reader, out io.Writer) error {
	var problems bounded
	exit, err := t.Attach(ctx, script, out, &problems)
	switch {
	case err != nil:
		return err
	case exit.Failure != nil:
		return exit.Failure
	case exit.Status != 0 || exit.Signal != "":
		return &Error{
			Code:    CodeInternal,
			Message: fmt.Sprintf("looking around on %q: %s", Printable(t.Host()), Printable(strings.TrimSpace(problems.String()))),
			Hints:   []string{"the account needs a POSIX sh: sallyport " + Printable(t.Host()) + " 'exec sh -c id'"},
		}
	}
	return nil
}

// bounded keeps what is written, up to scriptLimit.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > scriptLimit {
		return 0, io.ErrShortWrite
	}
	return b.Buffer.Write(p)
}

// Repeat runs a script again and again over the one channel of the session,
// with a pause between two runs, and gives f what each has written, until ctx
// ends. It returns before that only with the reason. The caller has waited
// until the session is Ready.
func (t *Terminal) Repeat(ctx context.Context, script string, pause time.Duration, f func([]byte)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in, out := repeated(ctx, script, pause, f)
	if err := t.run(ctx, in, out); err != nil {
		return err
	}
	return &Error{Code: CodeInternal, Message: fmt.Sprintf("the shell that looked around on %q has ended", Printable(t.Host()))}
}

// repeated is what a shell reads and writes that repeats a script. A run begins
// with a line; none is sent before the first run has ended, for dash(1) reads
// ahead of what it does.
func repeated(ctx context.Context, script string, pause time.Duration, f func([]byte)) (io.Reader, io.Writer) {
	r := &runs{ctx: ctx, pause: pause, f: f, ended: make(chan struct{}, 1)}
	loop := "while :; do (" + script + ")\necho @end\nread -r again || exit 0\ndone\n"
	return io.MultiReader(strings.NewReader(loop), r), r
}

// runs is what a repeated script writes, and what it reads.
type runs struct {
	ctx     context.Context
	pause   time.Duration
	f       func([]byte)
	ended   chan struct{} // of size 1: gets a value with the end of each run
	written bounded       // by the run that goes on
}

var endOfRun = []byte("\n@end\n")

// Write takes what a run writes. A far side that has more ends than it was
// asked for has to wait.
func (r *runs) Write(p []byte) (int, error) {
	n, err := r.written.Write(p)
	for err == nil {
		run, _, ok := bytes.Cut(r.written.Bytes(), endOfRun)
		if !ok {
			break
		}
		r.f(run)
		r.written.Next(len(run) + len(endOfRun))
		select {
		case r.ended <- struct{}{}:
		case <-r.ctx.Done():
			err = context.Cause(r.ctx)
		}
	}
	return n, err
}

// Read gives the line that begins the next run.
func (r *runs) Read(p []byte) (int, error) {
	select {
	case <-r.ended:
	case <-r.ctx.Done():
		return 0, io.EOF
	}
	select {
	case <-time.After(r.pause):
	case <-r.ctx.Done():
		return 0, io.EOF
	}
	return copy(p, "\n"), nil
}
