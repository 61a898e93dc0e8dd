package vt

import "bytes"

// What is kept of the lines that have left the screen.
const (
	HistoryLines = 10_000
	HistoryBytes = 16 << 20
)

// line is one that has left the screen: the bytes that show it, beginning and
// ending without any style.
type line struct {
	text    []byte
	wrapped bool // as in row
}

// lineOverhead is what a line costs besides its text, in bytes.
const lineOverhead = 48

// history is a ring that grows up to HistoryLines.
type history struct {
	lines []line
	first int
	bytes int
	block []byte // where the next texts are copied to
}

// blockSize is how much memory lines are given at once, in bytes. It is free
// again when the last of them is forgotten.
const blockSize = 16 << 10

// copy is a text as the history may keep it.
func (h *history) copy(text []byte) []byte {
	if len(text) > blockSize/16 {
		return bytes.Clone(text) // what is left of a block is lost
	}
	if len(text) > cap(h.block)-len(h.block) {
		h.block = make([]byte, 0, blockSize)
	}
	n := len(h.block)
	h.block = append(h.block, text...)
	return h.block[n:len(h.block):len(h.block)]
}

func (h *history) len() int { return len(h.lines) }

func (h *history) at(i int) *line { return &h.lines[(h.first+i)%len(h.lines)] }

func (h *history) push(l line) {
	h.bytes += len(l.text) + lineOverhead
	if len(h.lines) == HistoryLines {
		h.bytes -= len(h.lines[h.first].text) + lineOverhead
		h.lines[h.first] = l
		h.first = (h.first + 1) % HistoryLines
	} else {
		if h.first != 0 {
			h.straighten()
		}
		h.lines = append(h.lines, l)
	}
	for h.bytes > HistoryBytes {
		h.drop()
	}
}

// drop forgets the oldest line.
func (h *history) drop() {
	h.straighten()
	n := 0 // as many as make room for more than one
	for ; n < len(h.lines) && (n == 0 || h.bytes > HistoryBytes/16*15); n++ {
		h.bytes -= len(h.lines[n].text) + lineOverhead
	}
	kept := copy(h.lines, h.lines[n:])
	clear(h.lines[kept:])
	h.lines = h.lines[:kept]
}

// pop takes the newest line back.
func (h *history) pop() line {
	h.straighten()
	last := len(h.lines) - 1
	l := h.lines[last]
	h.lines[last] = line{}
	h.lines = h.lines[:last]
	h.bytes -= len(l.text) + lineOverhead
	return l
}

// straighten has the ring begin at index 0.
func (h *history) straighten() {
	if h.first == 0 {
		return
	}
	h.lines = append(append(make([]line, 0, len(h.lines)), h.lines[h.first:]...), h.lines[:h.first]...)
	h.first = 0
}

func (h *history) clear() { *h = history{} }

// part ends the newest line with a newline.
func (h *history) part() {
	if n := h.len(); n > 0 {
		h.at(n - 1).wrapped = false
	}
}

func (h *history) wrapLast() {
	if n := h.len(); n > 0 {
		h.at(n - 1).wrapped = true
	}
}

// line is a row as the history keeps it.
func (s *Screen) line(r row) line {
	if r.textual {
		return line{s.history.copy(r.shown()), r.wrapped}
	}
	n := len(r.cells)
	if !r.wrapped {
		n = r.used()
	}
	s.scratch = s.appendCells(s.scratch[:0], r.cells[:n])
	return line{s.history.copy(s.scratch), r.wrapped}
}
