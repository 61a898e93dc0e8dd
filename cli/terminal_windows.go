package cli

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"sallyport/api"
)

// terminal is the console on standard input, in the hands of a session.
type terminal struct {
	fd      int
	in, out *os.File // the console, if opened for asking
}

// openTerminal is the console on standard input, if that is one.
func openTerminal() (*terminal, bool) {
	fd := int(os.Stdin.Fd())
	return &terminal{fd: fd}, term.IsTerminal(fd)
}

// openControlling is the console that a person sits at, whatever the standard
// streams are.
func openControlling() (*terminal, bool) {
	in, err := os.OpenFile("CONIN$", os.O_RDWR, 0)
	if err != nil {
		return nil, false
	}
	out, err := os.OpenFile("CONOUT$", os.O_RDWR, 0)
	if err != nil {
		in.Close()
		return nil, false
	}
	return &terminal{fd: int(in.Fd()), in: in, out: out}, true
}

func (t *terminal) close() { t.in.Close(); t.out.Close() }

// print writes words to the console.
func (t *terminal) print(s string) { io.WriteString(t.out, s) } // a console that has gone cannot be told

// line asks for one line. It cannot be cancelled while it waits.
func (t *terminal) line(ctx context.Context, prompt string, echo bool) ([]byte, error) {
	t.print(prompt)
	if echo {
		line, err := bufio.NewReader(t.in).ReadBytes('\n')
		if err != nil {
			return nil, errDeclined
		}
		return bytes.TrimRight(line, "\r\n"), context.Cause(ctx)
	}
	line, err := term.ReadPassword(t.fd)
	t.print("\n")
	if err != nil {
		return nil, errDeclined
	}
	return line, context.Cause(ctx)
}

func ttyName() string { return "" }

// size is that of the window, 80x24 when it is not known.
func (t *terminal) size() api.Size {
	cols, rows, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		return api.Size{Cols: 80, Rows: 24}
	}
	return api.Size{Cols: cols, Rows: rows}
}

// modes are those of a Unix terminal in its usual state: a console has none.
func (t *terminal) modes() map[uint8]uint32 { return nil }

// raw gives the console's every byte to the session.
func (t *terminal) raw() (restore func(), err error) {
	before, err := term.MakeRaw(t.fd)
	if err != nil {
		return nil, err
	}
	var once sync.Once
	return func() { once.Do(func() { term.Restore(t.fd, before) }) }, nil // nothing can be done about a failure
}

func (t *terminal) Read(p []byte) (int, error) { return os.Stdin.Read(p) }

// cancel does nothing: a read of the console cannot be cancelled, and takes
// one key more.
func (t *terminal) cancel() {}

// windowCheck is how often the console's size is looked at: there is no
// signal for it.
const windowCheck = 500 * time.Millisecond

// lend does nothing: a console belongs to the processes that are on it.
func (t *terminal) lend(*api.Terminal, *escapes) (end func()) { return func() {} }

// follow tells f the window's size at each change until unfollow is called.
func (t *terminal) follow(f func(api.Size)) (unfollow func()) {
	stop, done := make(chan struct{}), make(chan struct{})
	last := t.size()
	go func() { // ends with unfollow
		defer close(done)
		tick := time.NewTicker(windowCheck)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			if now := t.size(); now != last {
				last = now
				f(now)
			}
		}
	}()
	return func() { close(stop); <-done }
}
