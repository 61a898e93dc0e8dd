package vt

// index goes down a row, and scrolls at the end of the scroll region (IND).
func (s *Screen) index() {
	switch {
	case s.cursor.y == s.bottom:
		s.scroll(1)
	case s.cursor.y < s.rows-1:
		s.cursor.y++
	}
}

// reverseIndex goes up a row (RI).
func (s *Screen) reverseIndex() {
	switch {
	case s.cursor.y == s.top:
		s.scrollDown(s.top, 1)
	case s.cursor.y > 0:
		s.cursor.y--
	}
	s.cursor.pending = false
}

func (s *Screen) lineFeed() {
	s.index()
	s.cursor.pending = false
	if s.modes.on(newlineMode) {
		s.cursor.x = 0
	}
}

// up and down stop at the borders of the scroll region, or of the screen
// where the cursor is outside.
func (s *Screen) up(n int) {
	first := 0
	if s.cursor.y >= s.top {
		first = s.top
	}
	s.moveTo(s.cursor.x, max(s.cursor.y-n, first))
}

func (s *Screen) down(n int) {
	last := s.rows - 1
	if s.cursor.y <= s.bottom {
		last = s.bottom
	}
	s.moveTo(s.cursor.x, min(s.cursor.y+n, last))
}

// moveTo stops at the borders: of the screen, or in origin mode of the scroll
// region.
func (s *Screen) moveTo(x, y int) {
	first, last := 0, s.rows-1
	if s.cursor.origin {
		first, last = s.top, s.bottom
	}
	s.cursor.x = min(max(x, 0), s.cols-1)
	s.cursor.y = min(max(y, first), last)
	s.cursor.pending = false
}

// position is CUP: row y and column x from 1. With DECOM they count from the
// scroll region, and don't leave it.
func (s *Screen) position(y, x int) {
	if s.cursor.origin {
		y += s.top
	}
	s.moveTo(x-1, y-1)
}

// lineNumber is the cursor's row as position counts it.
func (s *Screen) lineNumber() int {
	if s.cursor.origin {
		return s.cursor.y - s.top + 1
	}
	return s.cursor.y + 1
}

// region is DECSTBM; a bottom of 0 is the last row.
func (s *Screen) region(top, bottom int) {
	if bottom == 0 || bottom > s.rows {
		bottom = s.rows
	}
	if top >= bottom {
		return
	}
	s.top, s.bottom = top-1, bottom-1
	s.position(1, 1)
}

// backspace goes left, with the mode for it also to the row above.
func (s *Screen) backspace() {
	if s.cursor.x == 0 && s.modes.on(reverseWrap) && s.modes.on(autowrap) && s.cursor.y > 0 {
		s.moveTo(s.cols-1, s.cursor.y-1)
		return
	}
	s.moveTo(s.cursor.x-1, s.cursor.y)
}

// tab goes n stops on, or back where n is negative.
func (s *Screen) tab(n int) {
	x, step := s.cursor.x, 1
	if n < 0 {
		n, step = -n, -1
	}
	for ; n > 0; n-- {
		for x += step; x > 0 && x < s.cols-1 && !s.tabs[x]; x += step {
		}
		if x <= 0 || x >= s.cols-1 {
			break
		}
	}
	s.moveTo(x, s.cursor.y)
}

func (s *Screen) save() { *s.savedSlot() = s.cursor }

func (s *Screen) restore() {
	saved := *s.savedSlot()
	s.cursor = saved
	s.moveTo(saved.x, saved.y)
	s.cursor.pending = saved.pending && s.modes.on(autowrap)
}
