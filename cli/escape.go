package cli

import (
	"io"
	"sync/atomic"
)

// escapes reads a terminal and takes out the escapes of ssh(1): an escape
// character after a newline, and a key that says what to do. "~~" is one
// tilde, and what is no escape passes (process_escapes of clientloop.c).
type escapes struct {
	r            io.Reader
	char         byte            // 0 lets everything pass
	acts         map[byte]func() // called by Read, between what came before and after
	state        escapeState
	buf, rest    []byte // rest of buf was read, and not looked at yet
	due          func() // to be done once what came before it was taken; nil for nothing
	disconnected atomic.Bool
}

type escapeState int

const (
	lineStart escapeState = iota
	inLine
	afterEscape
)

// newEscapes filters r. What an escape does may take its time: nothing is
// read meanwhile.
func newEscapes(r io.Reader, char byte, acts map[byte]func()) *escapes {
	return &escapes{r: r, char: char, acts: acts}
}

// Read implements io.Reader. After "~." it is at its end, and disconnected is
// set.
func (e *escapes) Read(p []byte) (int, error) {
	if e.char == 0 || len(p) == 0 {
		return e.r.Read(p)
	}
	for {
		if e.due != nil {
			e.due()
			e.due = nil
		}
		if e.disconnected.Load() {
			return 0, io.EOF
		}
		var err error
		if len(e.rest) == 0 {
			err = e.refill(len(p))
		}
		if n := e.filter(p); n > 0 || err != nil {
			return n, err
		}
	}
}

func (e *escapes) refill(size int) error {
	if len(e.buf) < size {
		e.buf = make([]byte, size)
	}
	n, err := e.r.Read(e.buf[:size])
	e.rest = e.buf[:n]
	return err
}

// filter moves bytes from rest to p up to an escape, or to the end of either,
// and tells how many.
func (e *escapes) filter(p []byte) (n int) {
	for len(e.rest) > 0 && n < len(p) && e.due == nil && !e.disconnected.Load() {
		if b, ok := e.next(); ok {
			p[n] = b
			n++
		}
	}
	return n
}

// next looks at a byte of rest and tells what passes, if anything.
func (e *escapes) next() (b byte, passes bool) {
	key := e.rest[0]
	switch {
	case e.state == lineStart && key == e.char:
		e.state = afterEscape
		e.drop()
		return 0, false
	case e.state == afterEscape && e.isEscape(key):
		e.state = lineStart // another one may follow
		e.drop()
		return 0, false
	case e.state == afterEscape && key != e.char:
		e.state = inLine // it was no escape: key comes next
		return e.char, true
	}
	e.state = inLine
	if key == '\r' || key == '\n' {
		e.state = lineStart
	}
	e.drop()
	return key, true
}

// drop takes a byte off rest. What is typed may be a secret.
func (e *escapes) drop() {
	e.rest[0] = 0
	e.rest = e.rest[1:]
}

// isEscape tells whether key is one, and sees to it.
func (e *escapes) isEscape(key byte) bool {
	act, ok := e.acts[key]
	if ok {
		e.due = act
	}
	if key == '.' {
		e.disconnected.Store(true)
	}
	return ok || key == '.'
}
