package vt

// Resize changes the size, as a window does it to its terminal: the text of
// the main screen flows into the new width, rows that find no room go to the
// history, and come back from it where there is room. Programs on the
// alternate screen draw it anew, so it is cut.
func (s *Screen) Resize(cols, rows int) {
	cols, rows = bounded(cols), bounded(rows)
	if cols == s.cols && rows == s.rows {
		return
	}
	s.settle()
	at := &s.cursor
	if s.onAlt {
		at = &s.saved[0]
	}
	main, place := s.reflow(*at, cols)
	s.cols, s.rows = cols, rows
	s.top, s.bottom = 0, rows-1
	s.tabs = appendTabs(s.tabs[:min(len(s.tabs), cols)], cols)
	s.main, place.y = s.fit(main, place.y)
	at.x, at.y, at.pending = place.x, place.y, place.full
	if s.onAlt {
		s.alt = crop(s.alt, cols, rows)
	}
	for _, c := range []*cursor{&s.cursor, &s.saved[0], &s.saved[1]} {
		c.x, c.y = min(c.x, cols-1), min(c.y, rows-1)
		c.pending = c.pending && c.x == cols-1 && c == at
	}
}

type place struct {
	x, y int
	full bool // the row ends with the text before it
}

// reflow is the main screen in another width, up to the last row that shows
// anything or has the cursor, and where the cursor is then.
func (s *Screen) reflow(c cursor, cols int) ([]row, place) {
	last := c.y
	for y, r := range s.main {
		if r.used() > 0 {
			last = max(last, y)
		}
	}
	if cols == s.cols {
		return s.main[:last+1], place{c.x, c.y, c.pending}
	}
	flowed, at := []row(nil), place{}
	before := s.takeContinued()
	for y := 0; y <= last; {
		text := before // of rows that belong together
		before = nil
		mark := -1 // where in it the cursor is
		for more := true; more; y++ {
			r := s.main[y]
			if y == c.y {
				mark = len(text) + c.x
				if c.pending {
					mark++
				}
			}
			more = r.wrapped && y < last
			if n := r.used(); !more {
				text = append(text, r.cells[:n]...)
			} else {
				text = append(text, r.cells...)
			}
		}
		rows, p := flow(text, cols, mark)
		if mark >= 0 {
			at = place{p.x, len(flowed) + p.y, p.full && c.pending}
		}
		flowed = append(flowed, rows...)
	}
	return flowed, at
}

// maxContinued is how many lines of the history flow together with the screen.
const maxContinued = 100

// takeContinued takes the text out of the history that goes on in the first
// row of the screen. What is longer than maxContinued lines is parted.
func (s *Screen) takeContinued() (text []cell) {
	for n := 0; s.history.continues(); n++ {
		if n == maxContinued {
			s.history.part()
			break
		}
		text = append(s.read(s.history.pop().text), text...)
	}
	return text
}

// flow lays text out in rows, and finds the place of its cell mark, which may
// be behind its end.
func flow(text []cell, cols, mark int) ([]row, place) {
	rows := newRows(cols, 1)
	x, at := 0, place{}
	for i, c := range text {
		need := 1
		if c.half == head {
			need = 2
		}
		if c.half != whole && cols < 2 {
			continue // there is no room for a wide one
		}
		if x+need > cols {
			rows[len(rows)-1].wrapped = true
			rows = append(rows, newRows(cols, 1)...)
			x = 0
		}
		if i == mark {
			at = place{x: x, y: len(rows) - 1}
		}
		rows[len(rows)-1].cells[x] = c
		x++
	}
	if mark >= len(text) {
		x += mark - len(text)
		at = place{min(x, cols-1), len(rows) - 1, x == cols}
	}
	return rows, at
}

// fit makes rows as many as the screen has; y is that of the cursor.
func (s *Screen) fit(rows []row, y int) ([]row, int) {
	over := min(len(rows)-s.rows, y)
	for i := range max(over, 0) {
		s.history.push(s.line(rows[i]))
	}
	if over > 0 {
		rows, y = rows[over:], y-over
	}
	for len(rows) < s.rows && s.history.len() > 0 {
		back, lines := s.unfold()
		if len(back) > s.rows-len(rows) {
			break
		}
		for range lines {
			s.history.pop()
		}
		s.history.part() // what is left of a longer text is as wide as the screen was
		rows, y = append(back, rows...), y+len(back)
	}
	return crop(rows, s.cols, s.rows), y
}

// unfold makes rows of the newest lines of the history that belong together,
// and tells how many those are.
func (s *Screen) unfold() (rows []row, lines int) {
	var text []cell
	last := s.history.len() - 1
	first := last
	for first > 0 && s.history.at(first-1).wrapped && last-first < s.rows {
		first--
	}
	for i := first; i <= last; i++ {
		text = append(text, s.read(s.history.at(i).text)...)
	}
	rows, _ = flow(text, s.cols, -1)
	rows[len(rows)-1].wrapped = s.history.at(last).wrapped
	return rows, last - first + 1
}

// read makes cells of the text of a line.
func (s *Screen) read(text []byte) []cell {
	flat := New(maxSide, 1)
	flat.Write(text)
	flat.settle()
	cells := flat.main[0].cells[:flat.main[0].used()]
	for i, c := range cells {
		if c.marks != 0 {
			cells[i].marks, _ = s.marks.add(flat.marks.text(c.marks)) // without them if there is no room
		}
	}
	return cells
}

// crop cuts rows at the right and at the bottom, or adds blanks there.
func crop(rows []row, cols, n int) []row {
	out := newRows(cols, n)
	for y := range min(n, len(rows)) {
		out[y].wrapped = rows[y].wrapped && len(rows[y].cells) == cols && y < n-1
		copied := copy(out[y].cells, rows[y].cells)
		if last := copied - 1; last >= 0 && out[y].cells[last].half == head {
			out[y].cells[last] = cell{style: out[y].cells[last].style}
		}
	}
	return out
}
