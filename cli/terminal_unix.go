//go:build linux || darwin || freebsd

package cli

import (
	"context"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"sallyport/api"
	"sallyport/mux"
)

// terminal is the terminal on standard input, in the hands of a session. Its
// reads can be cancelled, so that no key is taken from whoever comes next.
type terminal struct {
	fd         int
	file       *os.File // what fd belongs to, if it is ours to close
	wake, stop *os.File // a pipe: closing wake ends Read
	once       sync.Once

	mu     sync.Mutex  // guards before
	before *term.State // while the terminal is raw: what it was
}

// openTerminal is the terminal on standard input, if that is one.
func openTerminal() (*terminal, bool) {
	fd := int(os.Stdin.Fd())
	if !term.IsTerminal(fd) {
		return nil, false
	}
	return &terminal{fd: fd}, true
}

// openControlling is the terminal that a person sits at, whatever the standard
// streams are.
func openControlling() (*terminal, bool) {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, false
	}
	return &terminal{fd: int(f.Fd()), file: f}, true
}

func (t *terminal) close() { t.file.Close() }

func (t *terminal) modes() map[uint8]uint32 { return mux.TerminalModes(t.fd) }

// ttyName is the terminal on standard input, as /proc or /dev/fd has it; "" if
// it is not known.
func ttyName() string {
	name, err := os.Readlink("/proc/self/fd/0")
	if err != nil {
		return ""
	}
	return name
}

// print writes words to the terminal.
func (t *terminal) print(s string) { io.WriteString(t.file, s) } // a terminal that has gone cannot be told

// line asks for one line, without its newline. The end of input is
// errDeclined.
func (t *terminal) line(ctx context.Context, prompt string, echo bool) ([]byte, error) {
	before, err := unix.IoctlGetTermios(t.fd, getTermios)
	if err != nil {
		return nil, os.NewSyscallError("tcgetattr", err)
	}
	asking := *before
	asking.Lflag |= unix.ICANON | unix.ISIG
	asking.Iflag |= unix.ICRNL
	if !echo {
		asking.Lflag &^= unix.ECHO | unix.ECHONL
	}
	if t.stop, t.wake, err = os.Pipe(); err != nil {
		return nil, err
	}
	t.once = sync.Once{}
	defer t.stop.Close()
	defer t.cancel()
	defer context.AfterFunc(ctx, t.cancel)()
	if err := unix.IoctlSetTermios(t.fd, setTermios, &asking); err != nil {
		return nil, os.NewSyscallError("tcsetattr", err)
	}
	restore := uint(setTermios)
	defer func() { unix.IoctlSetTermios(t.fd, restore, before) }() // nothing can be done about a failure
	t.print(prompt)
	line, err := t.readLine()
	if !echo || err != nil {
		t.print("\n")
	}
	if ctx.Err() != nil {
		restore = forgetTermios // what was typed of this answer begins no other, nor a command of the shell
		return nil, context.Cause(ctx)
	}
	return line, err
}

// readLine reads to the end of a line, which the terminal hands over whole up
// to its limit of 4095 bytes.
func (t *terminal) readLine() ([]byte, error) {
	line := make([]byte, 0, 4096)
	for {
		n, err := t.Read(line[len(line):cap(line)])
		line = line[:len(line)+n]
		switch {
		case n > 0 && line[len(line)-1] == '\n':
			return line[:len(line)-1], nil
		case err == io.EOF || len(line) == cap(line):
			clear(line)
			return nil, errDeclined
		case err != nil:
			clear(line)
			return nil, err
		}
	}
}

// size is that of the window, 80x24 when it is not known.
func (t *terminal) size() api.Size {
	ws, err := unix.IoctlGetWinsize(t.fd, unix.TIOCGWINSZ)
	if err != nil || ws.Col == 0 {
		return api.Size{Cols: 80, Rows: 24}
	}
	return api.Size{Cols: int(ws.Col), Rows: int(ws.Row), Width: int(ws.Xpixel), Height: int(ws.Ypixel)}
}

// raw gives the terminal's every byte to the session; restore undoes it and
// may be called twice.
func (t *terminal) raw() (restore func(), err error) {
	if t.stop, t.wake, err = os.Pipe(); err != nil {
		return nil, err
	}
	t.before, err = term.MakeRaw(t.fd)
	return t.restore, err
}

func (t *terminal) restore() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.before != nil {
		term.Restore(t.fd, t.before) // nothing can be done about a failure
	}
	t.before = nil
}

// cooked runs f with the terminal as it was before raw. Afterwards it is raw
// again, unless it was restored meanwhile; what f has changed counts as what
// it was.
func (t *terminal) cooked(f func()) {
	t.mu.Lock()
	if t.before != nil {
		term.Restore(t.fd, t.before) // nothing can be done about a failure
	}
	t.mu.Unlock()
	f()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.before == nil {
		return
	}
	if now, err := term.MakeRaw(t.fd); err == nil {
		t.before = now
	}
}

// Read implements io.Reader; it is at its end after cancel.
func (t *terminal) Read(p []byte) (int, error) {
	fds := []unix.PollFd{
		{Fd: int32(t.fd), Events: unix.POLLIN},
		{Fd: int32(t.stop.Fd()), Events: unix.POLLIN},
	}
	for {
		if _, err := unix.Poll(fds, -1); err == unix.EINTR {
			continue
		} else if err != nil {
			return 0, os.NewSyscallError("poll", err)
		}
		if fds[1].Revents != 0 {
			return 0, io.EOF
		}
		n, err := unix.Read(t.fd, p)
		switch {
		case err == unix.EINTR, err == unix.EAGAIN:
			continue
		case err != nil:
			return 0, os.NewSyscallError("read", err)
		case n == 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

// cancel ends Read, now and later.
func (t *terminal) cancel() { t.once.Do(func() { t.wake.Close() }) }

// follow tells f the window's size at each change until unfollow is called.
func (t *terminal) follow(f func(api.Size)) (unfollow func()) {
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGWINCH)
	f(t.size()) // it may have changed since the session was asked for
	done := make(chan struct{})
	go func() { // ends with unfollow
		defer close(done)
		for range changed {
			f(t.size())
		}
	}()
	return func() {
		signal.Stop(changed)
		close(changed)
		<-done
	}
}
