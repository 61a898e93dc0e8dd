package sessions

import (
	"context"
	"sync"
	"time"

	"sallyport/config"
	"sallyport/sessions/vt"
)

// Shell is a session with a terminal that outlives its viewers: they come and
// go, and each is shown the screen as it is.
//
//	the far side --output--> Write --> each Viewer's queue --> its terminal
//	                            '----> screen, which a new viewer is shown
//	the far side <--typing-- Viewer.Type, or answers while nobody watches
//
// The bytes go to the viewers as they are; only after that the screen follows
// them. A viewer of another size than the session's gets pictures of the
// screen instead.
type Shell struct {
	*Session
	ctx     context.Context // ends with the session
	stop    context.CancelFunc
	typing  *Typing       // the far side's input
	changed chan struct{} // of size 1: viewers were added or removed
	over    chan struct{} // closed when the session has ended and the screen is its last
	last    Exit          // set before over is closed
	watched bool          // somebody saw the end; likewise

	telling   sync.Mutex // held while the viewers' changes are told, in order
	forgotten bool       // guarded by telling

	mu      sync.Mutex // guards what follows
	screen  *vt.Screen
	viewers []*Viewer
	size    Size
	output  time.Time
	stale   bool // the Status lacks what the far side wrote, until tell
	asked   asked

	recording *Recording // nil for none
	done      bool       // nothing more is shown
}

// Keep has a session, which runs and has a terminal, outlive its viewers. Once
// Begin was called it ends when the session does: by itself, by Close, or with
// ctx.
func Keep(ctx context.Context, s *Session) *Shell {
	ctx, stop := context.WithCancel(ctx)
	size := s.spec.Size
	sh := &Shell{
		Session: s,
		ctx:     ctx,
		stop:    stop,
		typing:  NewTyping(),
		changed: make(chan struct{}, 1),
		over:    make(chan struct{}),
		screen:  vt.New(size.Cols, size.Rows),
		size:    size,
	}
	sh.screen.Asked = sh.question
	return sh
}

// Begin has the far side's output read from now on: who has joined by then
// sees it from the first byte, as it comes.
func (sh *Shell) Begin() {
	go sh.run() // ends with the session
}

func (sh *Shell) run() {
	defer sh.stop()
	exit, _ := sh.Session.Attach(sh.ctx, sh.typing, follower{sh}, words{sh}) // exit says what there is to say
	sh.typing.Close()
	sh.mu.Lock()
	sh.last, sh.watched, sh.done = exit, len(sh.viewers) > 0, true
	sh.mu.Unlock()
	sh.StopRecording()
	close(sh.over)
}

// Over is closed when the session has ended. Its screen can still be looked
// at.
func (sh *Shell) Over() <-chan struct{} { return sh.over }

// Watched tells, once it is over, whether somebody saw the end.
func (sh *Shell) Watched() bool { return sh.watched }

// Close ends the session.
func (sh *Shell) Close() {
	sh.stop()
	sh.Session.Close()
	<-sh.over
}

// outputEvery is how late the title and the time of the latest output may be
// told, and so how often at most.
const outputEvery = time.Second

// Status is that of the session, with the title and the time of the latest
// output as they are now.
func (sh *Shell) Status() Status {
	s := sh.Session.Status()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s.Title, s.Output = config.Printable(sh.screen.Title()), sh.output
	return s
}

// follower takes what the far side writes.
type follower struct{ sh *Shell }

// Write never fails, so that the session goes on whoever watches it.
func (f follower) Write(p []byte) (int, error) {
	sh := f.sh
	sh.waitForRoom()
	sh.mu.Lock()
	sh.output = time.Now()
	for _, v := range sh.viewers {
		v.show(p)
	}
	sh.screen.Write(p)
	recording := sh.recording
	if !sh.stale {
		sh.stale = true
		time.AfterFunc(outputEvery, sh.tell) // after the end it tells what is so anyway
	}
	sh.mu.Unlock()
	if recording != nil && recording.output(p) {
		sh.tell()
	}
	return len(p), nil
}

// waitForRoom holds the far side back while its only viewer does not keep up,
// as ssh does. Of several, those that don't keep up get pictures, as does one
// that may only look.
func (sh *Shell) waitForRoom() {
	for {
		sh.mu.Lock()
		alone := sh.answering()
		if len(sh.viewers) != 1 {
			alone = nil
		}
		sh.mu.Unlock()
		if alone == nil || alone.hasRoom() {
			return
		}
		select {
		case <-alone.room:
		case <-sh.changed:
		case <-sh.ctx.Done():
			return
		}
	}
}

// words are ssh's, which are no part of the screen.
type words struct{ sh *Shell }

func (w words) Write(p []byte) (int, error) {
	w.sh.mu.Lock()
	defer w.sh.mu.Unlock()
	for _, v := range w.sh.viewers {
		v.say(p)
	}
	return len(p), nil
}

// fit gives the session the size of its smallest viewer that may type, and has
// the viewers of other sizes get pictures. The caller holds mu.
func (sh *Shell) fit() {
	size := sh.size
	first := true
	for _, v := range sh.viewers {
		switch {
		case v.view.ReadOnly:
		case first:
			size, first = v.view.Size, false
		default:
			size = smaller(size, v.view.Size)
		}
	}
	if size != sh.size {
		sh.size = size
		sh.screen.Resize(size.Cols, size.Rows)
		sh.Session.Resize(size)
		if sh.recording != nil {
			sh.recording.resize(size)
		}
	}
	for _, v := range sh.viewers {
		if v.isBehind() || !v.view.Size.same(size) {
			v.fallBehind()
		}
	}
}

// same compares the cells.
func (s Size) same(t Size) bool { return s.Cols == t.Cols && s.Rows == t.Rows }

// smaller has room in both; how many pixels that is is not known then.
func smaller(s, t Size) Size {
	if s.Cols <= t.Cols && s.Rows <= t.Rows {
		return s
	}
	return Size{Cols: min(s.Cols, t.Cols), Rows: min(s.Rows, t.Rows)}
}

// tell puts the viewers, the size and what the far side wrote into the Status.
func (sh *Shell) tell() {
	sh.telling.Lock()
	defer sh.telling.Unlock()
	if sh.forgotten {
		return
	}
	sh.mu.Lock()
	sh.stale = false
	size, title, output := sh.size, config.Printable(sh.screen.Title()), sh.output
	var viewers []View
	for _, v := range sh.viewers {
		viewers = append(viewers, v.view)
	}
	var recorded *Recorded
	if sh.recording != nil {
		to := sh.recording.status()
		recorded = &to
	}
	sh.mu.Unlock()
	sh.change(func(s *Status) {
		s.Viewers, s.Size, s.Recorded, s.Title, s.Output = viewers, size, recorded, title, output
	})
	poke(sh.changed)
}

// Forget has nobody told of what becomes of a shell that has ended. Viewers
// may still be leaving it.
func (sh *Shell) Forget() {
	sh.telling.Lock()
	defer sh.telling.Unlock()
	sh.forgotten = true
}
