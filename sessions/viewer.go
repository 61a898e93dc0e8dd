package sessions

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// View is how somebody looks at a Shell.
type View struct {
	Size     Size   `json:"size"`
	ReadOnly bool   `json:"readOnly,omitempty"` // it types nothing, and its size is nobody else's affair
	PID      int    `json:"pid,omitempty"`      // of its process
	TTY      string `json:"tty,omitempty"`      // printable
}

// ErrDetached is the end of a viewer that has left a session which goes on.
var ErrDetached = errors.New("detached")

// maxPending is how much of the output may wait for a viewer, in bytes.
const maxPending = 1 << 20

// Viewer is somebody who looks at a Shell.
type Viewer struct {
	shell *Shell
	view  View          // guarded by shell.mu
	wake  chan struct{} // of size 1: there is something to write
	room  chan struct{} // of size 1: something was written
	left  chan struct{} // closed by Leave
	leave sync.Once
	late  bool // the session had ended before it came

	mu      sync.Mutex // guards what follows
	pending []byte     // to be written
	limit   int        // of what is pending, in bytes
	spare   []byte     // was written, and is used again
	words   []byte     // for standard error
	behind  bool       // it is owed a picture, and what is pending is not all
}

// Join adds a viewer, which Run then shows the session to. One of a session
// that has ended is shown its lines.
func (sh *Shell) Join(view View) *Viewer {
	v := &Viewer{
		shell: sh, view: view,
		wake: make(chan struct{}, 1), room: make(chan struct{}, 1), left: make(chan struct{}),
		limit: maxPending,
	}
	sh.mu.Lock()
	select {
	case <-sh.over:
		v.late = true
		v.show(sh.screen.Transcript())
	default:
		sh.viewers = append(sh.viewers, v)
		sh.fit()
		if !v.behind && !sh.screen.Untouched() {
			past := append(makeRoom(view.Size.Rows), sh.screen.Redraw()...)
			v.limit += len(past) // what comes meanwhile must not cost the history
			v.show(past)
		}
	}
	sh.mu.Unlock()
	sh.tell()
	return v
}

// makeRoom has a terminal keep what it shows in its own history.
func makeRoom(rows int) []byte {
	return []byte("\x1b[m\x1b[" + strconv.Itoa(rows) + ";1H" + strings.Repeat("\r\n", rows) + "\x1b[H")
}

// Run writes what the viewer sees until the session has ended, which is no
// error, the viewer has left, which is ErrDetached, ctx ends or a write fails.
// The session goes on unless it has ended.
func (v *Viewer) Run(ctx context.Context, stdout, stderr io.Writer) (Exit, error) {
	defer v.shell.part(v)
	for {
		ended, detached := false, false
		select {
		case <-v.wake:
		case <-v.left:
			detached = true
		case <-v.shell.over:
			ended = true
		case <-ctx.Done():
			return Exit{}, context.Cause(ctx)
		}
		if err := v.flush(stdout, stderr); err != nil {
			return Exit{}, err
		}
		if ended || detached {
			return v.farewell(stdout, detached)
		}
	}
}

// farewell makes the viewer's terminal usual again where the session did not.
func (v *Viewer) farewell(stdout io.Writer, detached bool) (Exit, error) {
	sh := v.shell
	sh.mu.Lock()
	leave, last := sh.screen.Leave(), sh.screen.LastScreen()
	sh.mu.Unlock()
	if detached {
		_, _ = stdout.Write(leave) // a viewer that has gone needs none
		return Exit{}, ErrDetached
	}
	if sh.last.Failure != nil && !v.late {
		_, _ = stdout.Write(append(leave, last...)) // likewise
	}
	return sh.last, nil
}

// part removes a viewer.
func (sh *Shell) part(v *Viewer) {
	sh.mu.Lock()
	sh.viewers = slices.DeleteFunc(sh.viewers, func(w *Viewer) bool { return w == v })
	select {
	case <-sh.over:
	default:
		sh.fit()
	}
	sh.mu.Unlock()
	sh.tell()
}

// Leave has Run end with ErrDetached.
func (v *Viewer) Leave() { v.leave.Do(func() { close(v.left) }) }

// Type sends what the viewer types once the far side takes it, also if the
// viewer has left by then. See Typing.Type.
func (v *Viewer) Type(p []byte, taken func(n int)) {
	passes := v.shell.typed(v, p)
	v.shell.typing.Type(passes, taken)
	if taken != nil {
		taken(len(p) - len(passes))
	}
}

// ReadOnly tells whether the viewer may only look.
func (v *Viewer) ReadOnly() bool {
	v.shell.mu.Lock()
	defer v.shell.mu.Unlock()
	return v.view.ReadOnly
}

// Resize says that the viewer's window has another size.
func (v *Viewer) Resize(size Size) {
	v.shell.mu.Lock()
	v.view.Size = size
	if v.view.ReadOnly {
		v.fallBehind()
	}
	v.shell.fit()
	v.shell.mu.Unlock()
	v.shell.tell()
}

// show adds to what is pending.
func (v *Viewer) show(p []byte) {
	v.mu.Lock()
	if !v.behind && len(v.pending) > v.limit {
		v.behind, v.pending = true, nil
	}
	if !v.behind {
		v.pending = append(v.pending, p...)
	}
	v.mu.Unlock()
	poke(v.wake)
}

// say adds words for standard error.
func (v *Viewer) say(p []byte) {
	v.mu.Lock()
	v.words = append(v.words, p...)
	v.mu.Unlock()
	poke(v.wake)
}

// fallBehind has the viewer get a picture.
func (v *Viewer) fallBehind() {
	v.mu.Lock()
	v.behind, v.pending = true, nil
	v.mu.Unlock()
	poke(v.wake)
}

func (v *Viewer) isBehind() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.behind
}

func (v *Viewer) hasRoom() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.behind || len(v.pending) <= maxPending/4
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// flush writes what there is.
func (v *Viewer) flush(stdout, stderr io.Writer) error {
	v.mu.Lock()
	words, pending, behind := v.words, v.pending, v.behind
	v.words, v.pending, v.spare, v.limit = nil, v.spare[:0], nil, maxPending
	v.mu.Unlock()
	poke(v.room)
	if len(words) > 0 {
		if _, err := stderr.Write(words); err != nil {
			return err
		}
	}
	if behind {
		pending = v.shell.picture(v)
	}
	if len(pending) > 0 {
		if _, err := stdout.Write(pending); err != nil {
			return err
		}
	}
	v.mu.Lock()
	if v.spare == nil && cap(pending) <= maxPending {
		v.spare = pending
	}
	v.mu.Unlock()
	return nil
}

// picture is what a viewer that is behind is shown: one of the session's size
// goes on from there with the others.
func (sh *Shell) picture(v *Viewer) []byte {
	const begin, end = "\x1b[?2026h", "\x1b[?2026l" // terminals that know it show all of it at once
	sh.mu.Lock()
	defer sh.mu.Unlock()
	size := v.view.Size
	if !size.same(sh.size) {
		return append(append([]byte(begin), sh.screen.Picture(size.Cols, size.Rows)...), end...)
	}
	v.mu.Lock()
	v.behind = false
	v.mu.Unlock()
	return sh.screen.Repaint()
}
