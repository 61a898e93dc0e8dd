package demo

import (
	"bytes"
	"context"
	"io"
	"sync"
	"time"

	"golang.org/x/term"
)

// size is that of a terminal in characters; 0 is unknown.
type size struct{ columns, rows int }

// orDefault is a size to draw in.
func (s size) orDefault() size {
	if s.columns <= 0 || s.rows <= 0 {
		return size{80, 24}
	}
	return s
}

// tty is the terminal of a session: line editing and echo, Ctrl-C, the size,
// and the screen for programs that draw all of it.
type tty struct {
	input   *input
	raw     *lockedWriter // to the client, as it is
	history term.History

	mu         sync.Mutex // guards all below
	size       size
	editing    *term.Terminal     // nil while no line is being edited
	foreground context.CancelFunc // ends what runs now
	redraw     context.CancelFunc // tells a full-screen program of a new size
}

func newTTY(in *input, raw io.Writer, s size) *tty {
	t := &tty{input: in, raw: &lockedWriter{w: raw}, size: s, history: term.NewTerminal(nil, "").History}
	in.mu.Lock()
	in.interrupt = t.interrupt
	in.mu.Unlock()
	return t
}

// attach makes t the terminal of sh.
func (t *tty) attach(sh *shell) {
	sh.tty = t
	sh.in, sh.out, sh.err = t, crlfWriter{t.raw}, crlfWriter{t.raw}
}

func (t *tty) resize(s size) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.size = s
	if t.redraw != nil {
		t.redraw()
	}
	if t.editing != nil {
		_ = t.editing.SetSize(s.orDefault().columns, s.orDefault().rows) // fails only with the channel
	}
}

func (t *tty) currentSize() size {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.size
}

// interrupt is Ctrl-C.
func (t *tty) interrupt() {
	_, _ = io.WriteString(t.raw, "^C\r\n") // fails only with the channel
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.foreground != nil {
		t.foreground()
	}
}

// inForeground runs f with a context that Ctrl-C ends.
func (t *tty) inForeground(ctx context.Context, f func(context.Context)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t.setForeground(cancel)
	defer t.setForeground(nil)
	f(ctx)
}

func (t *tty) setForeground(cancel context.CancelFunc) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.foreground = cancel
}

// prompt reads a line with editing and history.
func (t *tty) prompt(ctx context.Context, prompt string) (string, error) {
	return t.edit(ctx, prompt, t.history)
}

// line reads a line as a program without a prompt of its own does.
func (t *tty) line(ctx context.Context) (string, error) { return t.edit(ctx, "", nil) }

// reader reads what is typed, line by line.
func (t *tty) reader(ctx context.Context) io.Reader {
	var rest []byte
	return readerFunc(func(p []byte) (int, error) {
		if len(rest) == 0 {
			line, err := t.line(ctx)
			if err != nil {
				return 0, err
			}
			rest = []byte(line + "\n")
		}
		n := copy(p, rest)
		rest = rest[n:]
		return n, nil
	})
}

// edit reads a line. Each has a term.Terminal of its own: one that has seen
// Ctrl-D sees it again at the next line.
func (t *tty) edit(ctx context.Context, prompt string, history term.History) (string, error) {
	editor := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{t.typed(ctx), t.raw}, prompt)
	if history != nil {
		editor.History = history
	}
	t.setEditing(editor)
	defer t.setEditing(nil)
	return editor.ReadLine()
}

func (t *tty) setEditing(editor *term.Terminal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.editing = editor
	if editor != nil {
		s := t.size.orDefault()
		_ = editor.SetSize(s.columns, s.rows) // writes nothing yet
	}
}

// typed reads what is typed, never past the end of a line or a Ctrl-D: what
// comes after is not the editor's but the next program's.
func (t *tty) typed(ctx context.Context) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		taken, err := t.input.take(ctx, func(all []byte) int {
			all = all[:min(len(p), len(all))]
			if i := bytes.IndexAny(all, "\r\n\x04"); i >= 0 {
				return i + 1
			}
			return len(all)
		})
		return copy(p, taken), err
	})
}

// The alternate screen without cursor and without wrapping: the terminal cuts
// lines that are too long (XTerm control sequences, DECSET).
const (
	enterScreen = "\x1b[?1049h\x1b[?25l\x1b[?7l"
	leaveScreen = "\x1b[?7h\x1b[?25h\x1b[?1049l"
)

// screen gives the whole screen to a program: draw makes its lines, again
// after each key, each new size and each period (0 for none), until press
// says that it is done or ctx ends.
func (t *tty) screen(ctx context.Context, period time.Duration, draw func(size) []string, press func(key string, s size) (done bool)) error {
	_, _ = io.WriteString(t.raw, enterScreen) // this and the other writes fail only with the channel, which ends ctx
	defer func() { _, _ = io.WriteString(t.raw, leaveScreen) }()
	for {
		wait, stop := context.WithCancel(ctx)
		t.setRedraw(stop)
		s := t.currentSize().orDefault()
		_, _ = t.raw.Write(frame(draw(s), s))
		key, err := t.key(wait, period)
		stop()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == io.EOF:
			return err
		case err == nil && press(key, s):
			return nil
		}
	}
}

func (t *tty) setRedraw(f context.CancelFunc) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.redraw = f
}

// key waits for one key: a byte, or an escape sequence of three.
func (t *tty) key(ctx context.Context, patience time.Duration) (string, error) {
	if patience > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, patience)
		defer stop()
	}
	taken, err := t.input.take(ctx, func(all []byte) int {
		if len(all) >= 3 && all[0] == 0x1b && (all[1] == '[' || all[1] == 'O') {
			return 3
		}
		return 1
	})
	return string(taken), err
}

// frame is lines as a redraw of a screen of that size. It does not clear the
// screen first, so that nothing flickers.
func frame(lines []string, s size) []byte {
	var b bytes.Buffer
	b.WriteString("\x1b[H")
	for i, line := range lines[:min(len(lines), s.rows)] {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(line)
		b.WriteString("\x1b[K")
	}
	b.WriteString("\x1b[J")
	return b.Bytes()
}

// hangUp drops all further output: that of a Ctrl-C or a new size that comes
// when the program has ended.
func (t *tty) hangUp() {
	t.raw.mu.Lock()
	defer t.raw.mu.Unlock()
	t.raw.ended = true
}

// lockedWriter lets one write after the other through, and none after the
// end. An ssh.Channel wants both of its users: two writes at once share a
// buffer, and the client gets a broken packet.
type lockedWriter struct {
	mu    sync.Mutex // held while writing to w; guards ended
	w     io.Writer
	ended bool
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return 0, io.ErrClosedPipe
	}
	return l.w.Write(p)
}

// crlfWriter writes "\n" as "\r\n", as a terminal does with a program's
// output (termios ONLCR).
type crlfWriter struct{ w io.Writer }

func (c crlfWriter) Write(p []byte) (int, error) {
	if _, err := c.w.Write(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n"))); err != nil {
		return 0, err
	}
	return len(p), nil
}
