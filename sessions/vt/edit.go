package vt

// erase makes blanks of the cells of a row from column x to before end.
func (s *Screen) erase(y, x, end int, bg Color) {
	s.settle()
	r := &s.grid()[y]
	r.split(x)
	r.split(end)
	fill(r.cells[x:end], blank(bg))
	if end == s.cols {
		r.wrapped = false
	}
}

func (s *Screen) eraseHere(x, end int) {
	s.erase(s.cursor.y, x, end, s.cursor.style.bg)
	s.cursor.pending = false
}

func (s *Screen) eraseRows(from, to int) {
	for y := from; y < to; y++ {
		s.erase(y, 0, s.cols, s.cursor.style.bg)
	}
}

// eraseDisplay is ED.
func (s *Screen) eraseDisplay(what int) {
	c := &s.cursor
	switch what {
	case 0:
		s.eraseHere(c.x, s.cols)
		s.eraseRows(c.y+1, s.rows)
	case 1:
		s.eraseRows(0, c.y)
		s.eraseHere(0, c.x+1)
	case 2:
		s.eraseRows(0, s.rows)
		c.pending = false
	case 3: // of xterm
		s.history.clear()
	}
}

// eraseLine is EL.
func (s *Screen) eraseLine(what int) {
	switch what {
	case 0:
		s.eraseHere(s.cursor.x, s.cols)
	case 1:
		s.eraseHere(0, s.cursor.x+1)
	case 2:
		s.eraseHere(0, s.cols)
	}
}

// insertCells is ICH.
func (s *Screen) insertCells(n int) {
	x, r := s.cursor.x, s.row()
	n = min(n, s.cols-x)
	r.split(x)
	r.split(s.cols - n)
	copy(r.cells[x+n:], r.cells[x:])
	s.unwrap()
	fill(r.cells[x:x+n], blank(s.cursor.style.bg))
}

// deleteCells is DCH.
func (s *Screen) deleteCells(n int) {
	x, r := s.cursor.x, s.row()
	n = min(n, s.cols-x)
	r.split(x)
	r.split(x + n)
	copy(r.cells[x:], r.cells[x+n:])
	s.unwrap()
	fill(r.cells[s.cols-n:], blank(s.cursor.style.bg))
}

// unwrap ends the row of the cursor with a newline: its end was moved.
func (s *Screen) unwrap() {
	s.grid()[s.cursor.y].wrapped = false
	s.cursor.pending = false
}

// insertLines is IL, deleteLines DL. Outside the scroll region they do
// nothing.
func (s *Screen) insertLines(n int) {
	if s.inRegion() {
		s.scrollDown(s.cursor.y, n)
		s.cursor.x, s.cursor.pending = 0, false
	}
}

func (s *Screen) deleteLines(n int) {
	if s.inRegion() {
		s.scrollUp(s.cursor.y, n)
		s.cursor.x, s.cursor.pending = 0, false
	}
}

func (s *Screen) inRegion() bool { return s.cursor.y >= s.top && s.cursor.y <= s.bottom }

// scroll moves the rows of the scroll region up. What leaves the main screen
// at its top goes to the history.
func (s *Screen) scroll(n int) {
	if s.top == 0 && !s.onAlt {
		for _, r := range s.main[:min(n, s.bottom+1)] {
			s.history.push(s.line(r))
		}
	}
	s.scrollUp(s.top, n)
}

// scrollUp moves the rows from top to the end of the scroll region up.
func (s *Screen) scrollUp(top, n int) {
	rows := s.grid()[top : s.bottom+1]
	n = min(n, len(rows))
	s.cut(s.bottom)
	rotate(rows, n)
	s.clearRows(rows[len(rows)-n:])
	s.cut(top - 1)
}

// scrollDown moves them down.
func (s *Screen) scrollDown(top, n int) {
	rows := s.grid()[top : s.bottom+1]
	n = min(n, len(rows))
	rotate(rows, len(rows)-n)
	s.clearRows(rows[:n])
	s.cut(top - 1)
	s.cut(s.bottom)
}

// cut ends a row with a newline: what follows it is its continuation no more.
func (s *Screen) cut(y int) {
	if y >= 0 {
		s.grid()[y].wrapped = false
	}
}

// rotate moves the first n rows behind the others.
func rotate(rows []row, n int) {
	if n == 1 {
		first := rows[0]
		copy(rows, rows[1:])
		rows[len(rows)-1] = first
		return
	}
	turned := append(append([]row(nil), rows[n:]...), rows[:n]...)
	copy(rows, turned)
}

func (s *Screen) clearRows(rows []row) {
	bg := s.cursor.style.bg
	if bg != 0 {
		s.settle()
	}
	for i := range rows {
		r := &rows[i]
		if !r.textual { // else its cells are blank
			fill(r.cells, blank(bg))
		}
		r.wrapped, r.textual, r.text = false, bg == 0, r.text[:0]
		s.texts = s.texts || r.textual
	}
}
