package daemon

import (
	"errors"
	"io"
	"net"
	"runtime"
	"sync"

	"sallyport/api"
)

// loan is the terminal of a viewer, if that has offered to lend it (see
// api.Offer). While it is ours, keys are read from it here and output is written
// to it here, so long as it takes that at once and its process is the one in
// front. For all else it is returned: what the viewer did not lend it for it
// does itself, and a terminal that is slow to take output holds up nobody here.
//
//	theirs --offer: FrameBorrow--> asked --FrameLend--> ours --FrameReturn--> theirs
//	                                 '---not now----------------------------------^
type loan struct {
	frames *api.FrameWriter
	pid    int                                   // of the viewer, 0 if it is not known
	types  func(p []byte, taken func(bytes int)) // nil where nothing is borrowed

	unread intake // what was typed and is not taken

	mu       sync.Mutex // guards what follows
	changed  *sync.Cond
	state    loanState
	tty      *foreign // nil while it is theirs: each wake-up of its writer would be one of ours
	barred   bool     // it cannot be opened
	escape   byte
	offered  bool // while frames are written, or before it was refused; it is borrowed after that
	framing  bool // frames are being written: what is direct would overtake them
	recalled bool // the reader shall return it
	closed   bool
}

type loanState int

const (
	theirs loanState = iota
	asked
	ours
)

func newLoan(frames *api.FrameWriter, pid int) *loan {
	l := &loan{frames: frames, pid: pid}
	l.changed = sync.NewCond(&l.mu)
	l.unread.less = sync.NewCond(&l.unread.mu)
	return l
}

// calm is up to how many bytes of output leave a terminal that may be borrowed:
// after more, more comes, which a terminal would not take at once.
const calm = 4 << 10

// offer is told of an offer.
func (l *loan) offer(o api.Offer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.types == nil || l.barred || l.closed || l.state == ours {
		return
	}
	l.escape, l.offered = o.Escape, true
	if l.state == theirs && !l.framing {
		l.borrow()
	}
}

// borrow asks for the terminal. The caller holds mu.
func (l *loan) borrow() {
	l.offered = false
	var err error
	if l.tty, err = openForeign(l.pid); err != nil {
		l.barred = true // another user's, after su; or another system's
		return
	}
	l.state = asked
	l.frames.Write(api.FrameBorrow, nil) // a viewer that has gone lends nothing
}

// lent is told of the answer, and reads the terminal in a goroutine of running.
func (l *loan) lent(a api.Lent, running *sync.WaitGroup) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != asked || l.closed {
		return
	}
	if a.Lent {
		l.state, l.recalled = ours, false
		l.unread.start()
		running.Go(func() { l.read(a.LineStart) })
	} else if l.shut(); l.offered { // since, and before we were told
		l.borrow()
	}
	l.changed.Broadcast()
}

// read passes on what is typed until the terminal is to be returned.
func (l *loan) read(lineStart bool) {
	buf := make([]byte, 4<<10)
	for {
		n, err := l.tty.Read(buf)
		typed, rest := split(buf[:n], l.escape, &lineStart)
		if len(typed) > 0 {
			l.unread.add(len(typed))
			l.types(typed, l.unread.taken)
			runtime.Gosched() // it goes on its way before the terminal is looked at again
		}
		if err != nil || len(rest) > 0 || !l.unread.wait(window-len(buf)) {
			l.giveBack(lineStart, rest)
			clear(buf[:n])
			return
		}
		clear(buf[:n]) // it may be a secret
	}
}

// split finds the escape character at the start of a line: it and what comes
// behind it are the viewer's (process_escapes of clientloop.c).
func split(p []byte, escape byte, lineStart *bool) (typed, rest []byte) {
	for i, b := range p {
		if *lineStart && b == escape && escape != 0 {
			return p[:i], p[i:]
		}
		*lineStart = b == '\r' || b == '\n'
	}
	return p, nil
}

// giveBack returns the terminal to the viewer.
func (l *loan) giveBack(lineStart bool, rest []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shut()
	if !l.closed {
		payload := append([]byte{0}, rest...)
		if lineStart {
			payload[0] = 1
		}
		l.frames.Write(api.FrameReturn, payload) // a viewer that has gone needs none
		clear(payload)
	}
	l.changed.Broadcast()
}

// shut leaves the terminal to the viewer. The caller holds mu.
func (l *loan) shut() {
	l.state = theirs
	if l.tty != nil {
		l.tty.close()
		l.tty = nil
	}
}

// recall has the reader give the terminal back. The caller holds mu.
func (l *loan) recall() {
	if !l.recalled {
		l.recalled = true
		l.tty.halt()
		l.unread.stop()
	}
}

// shown is where output goes: to the terminal, or as frames.
func (l *loan) shown(frames io.Writer) io.Writer { return loanOutput{l, frames, true} }

// apart is where output goes that the viewer writes itself.
func (l *loan) apart(frames io.Writer) io.Writer { return loanOutput{l, frames, false} }

type loanOutput struct {
	loan   *loan
	frames io.Writer
	direct bool
}

// Write is called by one goroutine at a time for all outputs of a loan.
func (o loanOutput) Write(p []byte) (int, error) {
	rest, err := o.loan.put(p, o.direct)
	if err != nil || len(rest) == 0 {
		return len(p) - len(rest), err
	}
	defer o.loan.framed(len(rest))
	n, err := o.frames.Write(rest)
	return len(p) - len(rest) + n, err
}

// put writes what the terminal takes at once. The rest is to be written as
// frames, and framed to be called.
func (l *loan) put(p []byte, direct bool) (rest []byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.state != theirs && !l.closed {
		if l.state == ours && direct && !l.recalled {
			if p = p[l.tty.put(p):]; len(p) == 0 {
				return nil, nil
			}
		}
		if l.state == ours {
			l.recall()
		}
		l.changed.Wait()
	}
	if l.closed {
		return p, net.ErrClosed
	}
	l.framing = true
	return p, nil
}

// framed says that so many bytes were written as frames.
func (l *loan) framed(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.framing = false
	if l.offered && n <= calm && !l.closed {
		l.borrow()
	}
}

// release lets go of the terminal for good, before it returns. It may be called
// again.
func (l *loan) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.changed.Broadcast()
	for l.state == ours {
		l.recall()
		l.changed.Wait()
	}
	l.shut()
}

// errBehind says that another process is in front of a terminal, or that the
// one that has lent it is stopped.
var errBehind = errors.New("the terminal is another's")

// intake is what was read and the far side has not taken.
type intake struct {
	mu      sync.Mutex // guards what follows
	less    *sync.Cond
	size    int // bytes
	stopped bool
}

func (i *intake) add(n int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.size += n
}

func (i *intake) taken(n int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.size -= n
	i.less.Broadcast()
}

// wait waits until it is at most limit, and tells whether it is; it is stopped
// by stop.
func (i *intake) wait(limit int) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	for i.size > limit && !i.stopped {
		i.less.Wait()
	}
	return !i.stopped
}

func (i *intake) start() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.stopped = false
}

func (i *intake) stop() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.stopped = true
	i.less.Broadcast()
}
