package vt

// Much of what programs write are lines of plain text that scroll by. Until
// something else is done with it, a row of those is kept as its bytes alone: as
// the history will keep it, for a tenth of the time that its cells take.
//
//	blank by scrolling --> textual --addText--> textual --scroll--> history
//	                          '-----anything else: settle-----> cells

// addText adds printable ASCII, for which there is room, to the row of the
// cursor if it is textual and goes on being no more than text.
func (s *Screen) addText(text []byte) bool {
	c := &s.cursor
	r := &s.grid()[c.y]
	if !r.textual || c.x < len(r.text) || c.style != (style{}) || !s.modes.on(autowrap) {
		return false
	}
	for len(r.text) < c.x {
		r.text = append(r.text, ' ')
	}
	r.text = append(r.text, text...)
	s.advance(len(text))
	return true
}

// shown is the text of a textual row up to the last character that is to be
// seen, or to its end where it goes on in the next row.
func (r row) shown() []byte {
	n := len(r.text)
	for n > 0 && !r.wrapped && r.text[n-1] == ' ' {
		n--
	}
	return r.text[:n]
}

// settle makes cells of what textual rows show. Whoever reads or changes cells
// calls it first, and again when rows have scrolled.
func (s *Screen) settle() {
	if !s.texts {
		return
	}
	for _, rows := range [][]row{s.main, s.alt} {
		for i := range rows {
			r := &rows[i]
			if !r.textual {
				continue
			}
			for x, b := range r.text {
				if b != ' ' {
					r.cells[x].r = rune(b)
				}
			}
			r.textual, r.text = false, r.text[:0]
		}
	}
	s.texts = false
}
