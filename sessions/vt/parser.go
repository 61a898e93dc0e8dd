package vt

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// parser cuts a stream into text, controls and sequences.
//
//	ground --ESC--> escape --[--> control --final byte--> ground
//	                  |--]PX^_--> text --BEL, ESC \--> ground
//	                  '--final byte--> ground
//
// CAN and SUB end any sequence, ESC begins another one.
type parser struct {
	state   parseState
	seq     []byte // the sequence under way, from its ESC on; or a part of a character
	handler handler
}

type parseState uint8

const (
	ground parseState = iota
	escape
	control    // CSI
	textual    // OSC, DCS, APC, PM, SOS
	terminator // in text, after an ESC
)

// maxSequence is how much of a sequence is kept, in bytes. Longer ones are
// skipped.
const maxSequence = 4096

// handler does what the parser finds.
type handler interface {
	printASCII(text []byte)
	print(r rune)
	execute(c byte)
	escape(seq []byte)  // what follows ESC
	control(seq []byte) // what follows CSI
	textual(kind byte, text []byte)
}

const (
	bel = 0x07
	can = 0x18
	sub = 0x1a
	esc = 0x1b
	del = 0x7f
)

func (p *parser) write(b []byte) {
	for len(b) > 0 {
		if p.state == ground && len(p.seq) == 0 {
			n := plain(b)
			if n > 0 {
				p.handler.printASCII(b[:n])
				b = b[n:]
				continue
			}
		}
		if p.state == textual {
			n := inert(b)
			p.keep(b[:n])
			if b = b[n:]; len(b) == 0 {
				return
			}
		}
		p.next(b[0])
		b = b[1:]
	}
}

// plain is how many bytes at the start of b are printable ASCII.
func plain(b []byte) int {
	n := 0
	for ; len(b)-n >= 8; n += 8 { // eight at a time: of each byte the top bit tells
		const ones, tops = 0x0101010101010101, 0x8080808080808080
		eight := binary.LittleEndian.Uint64(b[n:])
		if (eight|(eight-ones*' ')|(eight+ones))&tops != 0 {
			break
		}
	}
	for n < len(b) && b[n] >= ' ' && b[n] < del {
		n++
	}
	return n
}

// inert is how many bytes at the start of b end no text.
func inert(b []byte) int {
	if i := bytes.IndexFunc(b, func(r rune) bool { return r == bel || r == can || r == sub || r == esc }); i >= 0 {
		return i
	}
	return len(b)
}

func (p *parser) next(c byte) {
	switch p.state {
	case ground:
		p.ground(c)
	case escape:
		p.escape(c)
	case control:
		p.control(c)
	case textual:
		p.textual(c)
	case terminator:
		if c == '\\' {
			p.seq = p.seq[:len(p.seq)-1]
			p.dispatch()
			return
		}
		p.begin()
		p.escape(c)
	}
}

func (p *parser) ground(c byte) {
	switch {
	case len(p.seq) > 0 || c >= utf8.RuneSelf:
		p.character(c)
	case c == esc:
		p.begin()
	case c < ' ' || c == del:
		p.handler.execute(c)
	default:
		p.handler.print(rune(c))
	}
}

// character gathers the bytes of a character of UTF-8. What is none is shown
// as U+FFFD.
func (p *parser) character(c byte) {
	p.seq = append(p.seq, c)
	if !utf8.FullRune(p.seq) {
		return
	}
	r, size := utf8.DecodeRune(p.seq)
	var rest [utf8.UTFMax]byte
	n := copy(rest[:], p.seq[size:])
	p.end()
	p.handler.print(r)
	for _, c := range rest[:n] {
		p.next(c)
	}
}

func (p *parser) begin() { p.state, p.seq = escape, append(p.seq[:0], esc) }

func (p *parser) end() {
	p.state, p.seq = ground, p.seq[:0]
	if cap(p.seq) > maxSequence/8 {
		p.seq = nil
	}
}

func (p *parser) keep(b []byte) { p.seq = append(p.seq, b[:min(len(b), maxSequence-len(p.seq))]...) }

// general sees to what means the same in every sequence.
func (p *parser) general(c byte) (seen bool) {
	switch {
	case c == esc:
		p.begin()
	case c == can || c == sub:
		p.end()
	case c < ' ':
		p.handler.execute(c)
	case c == del, c >= utf8.RuneSelf:
	default:
		return false
	}
	return true
}

func (p *parser) escape(c byte) {
	if p.general(c) {
		return
	}
	p.keep([]byte{c})
	switch {
	case c < '0': // intermediate bytes
	case len(p.seq) > 2: // they had been
		p.dispatch()
	case c == '[':
		p.state = control
	case c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_':
		p.state = textual
	default:
		p.dispatch()
	}
}

func (p *parser) control(c byte) {
	if p.general(c) {
		return
	}
	p.keep([]byte{c})
	if c >= '@' {
		p.dispatch()
	}
}

func (p *parser) textual(c byte) {
	switch c {
	case esc:
		p.keep([]byte{c})
		p.state = terminator
		if len(p.seq) == maxSequence {
			p.seq[maxSequence-1] = esc // so that what is replayed is in this state, too
		}
	case can, sub:
		p.end()
	case bel:
		if p.seq[1] == ']' {
			p.dispatch()
		} else {
			p.keep([]byte{c})
		}
	}
}

// dispatch hands a whole sequence over.
func (p *parser) dispatch() {
	state, seq := p.state, p.seq
	p.state, p.seq = ground, nil // what is done may write
	switch {
	case len(seq) >= maxSequence-1:
	case state == escape:
		p.handler.escape(seq[1:])
	case state == control:
		p.handler.control(seq[2:])
	default:
		p.handler.textual(seq[1], seq[2:])
	}
	p.seq = seq
	p.end()
}
