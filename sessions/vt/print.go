package vt

// printASCII shows a run of printable ASCII.
func (s *Screen) printASCII(text []byte) {
	if s.cursor.sets[s.cursor.shift] != 0 || s.modes.on(insertMode) || s.joined {
		for _, c := range text {
			s.print(rune(c))
		}
		return
	}
	s.last = rune(text[len(text)-1])
	for len(text) > 0 {
		s.wrapPending()
		c := &s.cursor
		n := min(len(text), s.cols-c.x)
		if s.addText(text[:n]) {
			text = text[n:]
			continue
		}
		r := s.row()
		r.split(c.x)
		r.split(c.x + n)
		cells := r.cells[c.x : c.x+n]
		for i, b := range text[:n] {
			if b == ' ' {
				b = 0
			}
			cells[i] = cell{r: rune(b), style: c.style}
		}
		text = text[n:]
		if s.advance(n); !s.modes.on(autowrap) && len(text) > 0 {
			text = text[len(text)-1:] // they go over each other at the right edge
		}
	}
}

// print shows a character.
func (s *Screen) print(r rune) {
	if r < 0x80 {
		r = s.cursor.sets[s.cursor.shift].translate(byte(r))
	}
	if r >= 0x80 && r < 0xa0 {
		return // C1 controls: with UTF-8 nobody uses them
	}
	w := width(r)
	if w == 0 || s.joined {
		s.combine(r)
		s.joined = r == joiner
		return
	}
	s.last = r
	s.wrapPending()
	if s.cursor.x+w > s.cols {
		if !s.modes.on(autowrap) || w > s.cols {
			return
		}
		s.erase(s.cursor.y, s.cursor.x, s.cols, 0)
		s.wrap()
	}
	s.place(r, w)
	s.advance(w)
}

func (s *Screen) place(r rune, w int) {
	x := s.cursor.x
	if s.modes.on(insertMode) {
		s.insertCells(w)
	}
	row := s.row()
	row.split(x)
	row.split(x + w)
	if r == ' ' {
		r = 0
	}
	row.cells[x] = cell{r: r, style: s.cursor.style}
	if w == 2 {
		row.cells[x].half = head
		row.cells[x+1] = cell{half: tail, style: s.cursor.style}
	}
}

// advance moves the cursor behind what was printed.
func (s *Screen) advance(w int) {
	if s.cursor.x += w; s.cursor.x >= s.cols {
		s.cursor.x = s.cols - 1
		s.cursor.pending = s.modes.on(autowrap)
	}
}

func (s *Screen) wrapPending() {
	if s.cursor.pending {
		s.wrap()
	}
}

// wrap goes to the next row without a newline. In the last row below the
// scroll region it stays there.
func (s *Screen) wrap() {
	s.cursor.x, s.cursor.pending = 0, false
	if y := s.cursor.y; y == s.bottom || y < s.rows-1 {
		s.index()
		if above := s.cursor.y - 1; above >= 0 {
			s.grid()[above].wrapped = true
		} else if !s.onAlt {
			s.history.wrapLast() // the screen has one row
		}
	}
}

// charset is what a set of 94 characters was designated to be. 0 is ASCII.
type charset byte

const (
	graphics charset = '0' // DEC Special Graphics
	british  charset = 'A'
)

// specials are the characters of DEC Special Graphics from '_' on.
var specials = [...]rune{' ', '◆', '▒', '␉', '␌', '␍', '␊', '°', '±', '␤', '␋', '┘', '┐', '┌', '└', '┼',
	'⎺', '⎻', '─', '⎼', '⎽', '├', '┤', '┴', '┬', '│', '≤', '≥', 'π', '≠', '£', '·'}

func (c charset) translate(b byte) rune {
	switch {
	case c == graphics && b >= '_' && b <= '~':
		return specials[b-'_']
	case c == british && b == '#':
		return '£'
	}
	return rune(b)
}

// designate names a set. What is not known counts as ASCII.
func (s *Screen) designate(g int, name byte) {
	set := charset(name)
	if set != graphics && set != british {
		set = 0
	}
	s.cursor.sets[g] = set
}
