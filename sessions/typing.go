package sessions

import (
	"bytes"
	"io"
	"sync"
)

// Typing is what was typed and waits for the far side, which may take none for
// a while: who types can still leave, or end the session. It is the session's
// standard input. Who types is held back by whoever knows how much waits.
type Typing struct {
	more *sync.Cond // its lock guards what follows

	waiting []piece
	size    int  // of all that waits, in bytes
	ended   bool // nothing more comes
	closed  bool // nobody reads any more
}

// piece is a part of what was typed.
type piece struct {
	text  []byte
	taken func(n int)
}

// NewTyping is an empty one.
func NewTyping() *Typing { return &Typing{more: sync.NewCond(new(sync.Mutex))} }

// Type adds a copy of p, and does not block. Where taken is not nil it is told
// how many bytes of p were read; it must not block either.
func (t *Typing) Type(p []byte, taken func(n int)) {
	t.more.L.Lock()
	defer t.more.L.Unlock()
	if len(p) == 0 || t.ended || t.closed {
		return
	}
	t.waiting = append(t.waiting, piece{bytes.Clone(p), taken})
	t.size += len(p)
	t.more.Signal()
}

// End says that nothing more is typed: a reader is told once it has all.
func (t *Typing) End() {
	t.more.L.Lock()
	defer t.more.L.Unlock()
	t.ended = true
	t.more.Broadcast()
}

// Close forgets what waits, and has Read fail.
func (t *Typing) Close() {
	t.more.L.Lock()
	defer t.more.L.Unlock()
	for _, next := range t.waiting {
		clear(next.text) // it may be a secret
	}
	t.closed, t.waiting, t.size = true, nil, 0
	t.more.Broadcast()
}

// Waiting is how much waits, in bytes.
func (t *Typing) Waiting() int {
	t.more.L.Lock()
	defer t.more.L.Unlock()
	return t.size
}

// Read implements io.Reader. It waits for something.
func (t *Typing) Read(p []byte) (int, error) {
	n, taken, err := t.read(p)
	for _, tell := range taken {
		tell()
	}
	return n, err
}

// read also returns who is to be told, which is done without the lock.
func (t *Typing) read(p []byte) (n int, taken []func(), err error) {
	t.more.L.Lock()
	defer t.more.L.Unlock()
	for len(t.waiting) == 0 && !t.ended && !t.closed {
		t.more.Wait()
	}
	switch {
	case t.closed:
		return 0, nil, io.ErrClosedPipe
	case len(t.waiting) == 0:
		return 0, nil, io.EOF
	}
	for len(t.waiting) > 0 && n < len(p) {
		first := &t.waiting[0]
		part := copy(p[n:], first.text)
		clear(first.text[:part]) // it may be a secret
		first.text = first.text[part:]
		n += part
		if tell := first.taken; tell != nil {
			taken = append(taken, func() { tell(part) })
		}
		if len(first.text) == 0 {
			t.waiting = t.waiting[1:]
		}
	}
	t.size -= n
	return n, taken, nil
}
