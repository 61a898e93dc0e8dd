package cli

import (
	"io"
	"sync/atomic"
)

// escapes reads a terminal and takes out the escapes of ssh(1) that follow a
// newline: "~." disconnects, "~~" is one tilde. Anything else passes.
type escapes struct {
	r            io.Reader
	char         byte
	state        escapeState
	disconnected atomic.Bool
	leave        func() // called by Read after "~."; may be nil
}

type escapeState int

const (
	lineStart escapeState = iota
	inLine
	afterEscape
)

// newEscapes filters r; char 0 lets everything pass.
func newEscapes(r io.Reader, char byte) *escapes { return &escapes{r: r, char: char} }

// Read implements io.Reader. After "~." it is at its end, and disconnected is
// set.
func (e *escapes) Read(p []byte) (int, error) {
	if e.char == 0 {
		return e.r.Read(p)
	}
	// An escape that turns out to be none gives one byte more than was read.
	for {
		n, err := e.r.Read(p[:len(p)-1])
		n = e.filter(p, n)
		if e.disconnected.Load() {
			err = io.EOF
			if e.leave != nil {
				e.leave()
			}
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// filter takes the escapes out of the first n bytes of p and tells how many
// are left.
func (e *escapes) filter(p []byte, n int) int {
	in := append([]byte(nil), p[:n]...)
	defer clear(in) // what is typed may be a secret
	out := p[:0]
	for _, b := range in {
		switch {
		case e.state == afterEscape && b == '.':
			e.disconnected.Store(true)
			return len(out)
		case e.state == afterEscape && b != e.char:
			out = append(out, e.char, b)
		case e.state == lineStart && b == e.char:
			e.state = afterEscape
			continue
		default:
			out = append(out, b)
		}
		e.state = inLine
		if b == '\r' || b == '\n' {
			e.state = lineStart
		}
	}
	return len(out)
}
