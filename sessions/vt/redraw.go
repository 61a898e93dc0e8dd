package vt

import "strconv"

// Redraw is what brings a fresh terminal of the same size, whose cursor is at
// the top left, to this state, the history first, so that it is in that
// terminal's own.
func (s *Screen) Redraw() []byte {
	s.settle()
	b := s.titles.append(nil)
	b = s.appendHistory(b)
	return s.appendState(b)
}

// Repaint is what brings a terminal, whatever it shows of this session, to
// this state, but for its history.
func (s *Screen) Repaint() []byte {
	s.settle()
	b := append([]byte("\x1b[?1047l\x1b[?6l\x1b[r"), usual...)
	b = s.links.end(b)
	if s.modes.keyboard != [2]keyboards{} {
		b = append(b, noKeyboard...)
	}
	b = append(b, "\x1b[H\x1b[2J"...)
	b = s.titles.append(b)
	return s.appendState(b)
}

// Picture is what shows the screen in a terminal of another size, from its top
// left: as much of it as there is room for, up to the row of the cursor at
// least, and with the modes of keyboard and mouse.
func (s *Screen) Picture(cols, rows int) []byte {
	s.settle()
	cols, rows = bounded(cols), bounded(rows)
	b := append([]byte("\x1b[?1047l\x1b[?6l\x1b[r"), usual...)
	b = s.links.end(b)
	b = append(b, "\x1b[?7l\x1b[H\x1b[2J"...)
	first := max(0, s.cursor.y-rows+1)
	for y := first; y < min(first+rows, s.rows); y++ {
		r := s.grid()[y]
		b = appendCSI(b, 'H', y-first+1, 1)
		b = s.appendCells(b, r.cells[:min(r.used(), cols)])
	}
	b = append(b, "\x1b[?7h"...)
	b = s.modes.append(b)
	return appendCSI(b, 'H', s.cursor.y-first+1, min(s.cursor.x, cols-1)+1)
}

// Transcript is the history and what the screen shows, as lines.
func (s *Screen) Transcript() []byte {
	s.settle()
	b := s.appendHistory(nil)
	if s.history.continues() {
		b = append(b, "\r\n"...)
	}
	b = s.appendLines(b, s.main)
	if s.onAlt {
		b = s.appendLines(b, s.alt)
	}
	return b
}

func (s *Screen) appendLines(b []byte, rows []row) []byte {
	last := len(rows) - 1
	for last >= 0 && rows[last].used() == 0 {
		last--
	}
	for _, r := range rows[:last+1] {
		b = append(s.appendCells(b, r.cells[:r.used()]), "\r\n"...)
	}
	return b
}

// Leave is what makes a terminal that is in this state serve another program,
// below what it shows. It need not have shown the session from its beginning,
// so where on it the cursor is is not known here.
func (s *Screen) Leave() []byte {
	var b []byte
	if s.onAlt {
		b = append(b, "\x1b[?1049l"...)
	}
	b = s.links.end(append(b, usual...))
	if s.modes.keyboard != [2]keyboards{} {
		b = append(b, noKeyboard...)
	}
	if s.top != 0 || s.bottom != s.rows-1 || s.cursor.origin {
		b = append(b, "\x1b[?6l\x1b[r\x1b[999;1H"...)
	}
	return append(b, "\r\n"...)
}

// LastScreen is what the alternate screen shows, as lines, if that is the one
// which is shown: Leave takes it away.
func (s *Screen) LastScreen() []byte {
	s.settle()
	if !s.onAlt {
		return nil
	}
	return s.appendLines(nil, s.alt)
}

// usual are the modes in which a terminal is switched on. A terminal that
// knows nothing of XTMODKEYS may take it for colours, which follow.
const usual = "\x1b[!p\x1b[>4;0m\x1b[m\x1b(B\x0f\x1b[4l\x1b[20l\x1b[?1l\x1b[?5l\x1b[?7h\x1b[?12l\x1b[?25h\x1b[?45l\x1b>" +
	"\x1b[?9l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1016l\x1b[?2004l\x1b[?2031l\x1b[0 q"

const noKeyboard = "\x1b[<8u\x1b[=0u"

func (s *Screen) appendHistory(b []byte) []byte {
	for i := range s.history.len() {
		l := s.history.at(i)
		if i > 0 && s.history.at(i-1).wrapped && (len(l.text) == 0 || l.text[0] == esc) {
			b = append(b, intoNext...)
		}
		b = append(b, l.text...)
		if !l.wrapped {
			b = append(b, "\r\n"...)
		}
	}
	return b
}

// intoNext brings the cursor from behind a full row to the start of the next,
// which a character with a background would fill with that.
const intoNext = " \r"

// Untouched tells that nothing was written yet.
func (s *Screen) Untouched() bool { return !s.written }

// appendState begins where the first row of the main screen is to be.
func (s *Screen) appendState(b []byte) []byte {
	b = s.appendRows(b, s.main)
	b = s.appendTabStops(b)
	now := s.cursor
	if s.onAlt {
		b = s.modes.keyboard[0].append(b)
		b = s.appendCursor(b, s.main, s.saved[0])
		b = append(b, "\x1b[?1049h\x1b[?6l\x1b[m\x1b(B\x0f\x1b[H"...)
		b = s.appendNoLink(b, s.saved[0])
		b = s.appendRows(b, s.alt)
		b = s.modes.keyboard[1].append(b)
	} else {
		b = s.modes.keyboard[0].append(b)
	}
	if saved := *s.savedSlot(); saved != (cursor{}) {
		b = s.appendCursor(b, s.grid(), saved)
		b = append(b, "\x1b7"...)
		b = s.appendNoLink(b, saved)
	}
	b = append(b, "\x1b[?6l"...)
	if s.top != 0 || s.bottom != s.rows-1 {
		b = appendCSI(b, 'r', s.top+1, s.bottom+1)
	}
	y := now.y
	if now.origin {
		now.y -= s.top // the position counts from the scroll region
	}
	b = s.appendCursorAt(b, s.grid(), now, y)
	b = s.modes.append(b)
	return append(b, s.parser.seq...) // the rest of it follows
}

// appendRows shows rows from where the cursor is.
func (s *Screen) appendRows(b []byte, rows []row) []byte {
	last := len(rows) - 1
	for y, r := range rows {
		n := r.used()
		if y > 0 && rows[y-1].wrapped || y == 0 && s.history.continues() {
			if n == 0 || r.cells[0].style != (style{}) {
				b = append(b, intoNext...)
			}
		}
		if r.wrapped && y < last {
			n = len(r.cells)
		}
		b = s.appendCells(b, r.cells[:n])
		if !r.wrapped && y < last {
			b = append(b, "\r\n"...)
		}
	}
	return b
}

// continues tells whether the newest line goes on in the first row.
func (h *history) continues() bool { return h.len() > 0 && h.at(h.len()-1).wrapped }

// appendCells shows cells, beginning and ending without a style.
func (s *Screen) appendCells(b []byte, cells []cell) []byte {
	var now style
	for i := range cells {
		c := &cells[i]
		if c.style == now && c.r > 0 && c.r < 0x80 && c.marks == 0 {
			b = append(b, byte(c.r)) // nearly all are of this kind
			continue
		}
		if c.half == tail {
			continue
		}
		if c.style != now {
			b = s.appendStyle(b, now, c.style)
			now = c.style
		}
		b = s.appendText(b, c)
	}
	if now != (style{}) {
		b = s.appendStyle(b, now, style{})
	}
	return b
}

// appendStyle goes from one style to another.
func (s *Screen) appendStyle(b []byte, from, to style) []byte {
	if from.link != to.link {
		b = s.links.append(b, to.link)
		from.link = to.link
	}
	if from != to {
		b = appendSGR(b, to)
	}
	return b
}

// appendNoLink ends the hyperlink of a cursor that was made the one in force.
func (s *Screen) appendNoLink(b []byte, c cursor) []byte {
	if c.style.link == 0 {
		return b
	}
	return s.links.append(b, 0)
}

func (s *Screen) appendText(b []byte, c *cell) []byte {
	switch {
	case c.r == 0:
		b = append(b, ' ')
	case c.r < 0x80:
		b = append(b, byte(c.r))
	default:
		b = append(b, string(c.r)...)
	}
	if c.marks == 0 {
		return b
	}
	marks := s.marks.text(c.marks)
	b = append(b, marks...)
	if last := []rune(marks); last[len(last)-1] == joiner {
		b = append(b, 0) // the next character does not join it
	}
	return b
}

func (s *Screen) appendTabStops(b []byte) []byte {
	usual := appendTabs(nil, s.cols)
	for x := range usual {
		if usual[x] == s.tabs[x] {
			continue
		}
		b = appendCSI(b, 'G', x+1)
		if s.tabs[x] {
			b = append(b, "\x1bH"...)
		} else {
			b = append(b, "\x1b[g"...)
		}
	}
	return b
}

// appendCursor makes a cursor the one in force, with all that belongs to it.
// The scroll region must be the whole screen.
func (s *Screen) appendCursor(b []byte, rows []row, c cursor) []byte {
	return s.appendCursorAt(b, rows, c, c.y)
}

// appendCursorAt does it for a cursor in row y of rows, which c.y counts from
// the scroll region.
func (s *Screen) appendCursorAt(b []byte, rows []row, c cursor, y int) []byte {
	b = appendMode(b, true, 6, c.origin)
	if !c.pending {
		b = appendCSI(b, 'H', c.y+1, c.x+1)
	} else { // by the character that is there
		x := c.x
		if x > 0 && rows[y].cells[x].half == tail {
			x--
		}
		b = append(b, "\x1b(B\x0f"...)
		b = appendCSI(b, 'H', c.y+1, x+1)
		there := rows[y].cells[x].style
		b = s.appendStyle(appendSGR(b, style{}), style{}, there)
		b = s.appendText(b, &rows[y].cells[x])
		b = s.appendStyle(b, there, style{})
	}
	if c.style.link != 0 {
		b = s.links.append(b, c.style.link)
	}
	b = appendSGR(b, c.style)
	for g, set := range c.sets {
		if set == 0 {
			set = 'B'
		}
		if set != 'B' || g == 0 || g == 1 {
			b = append(b, esc, "()*+"[g], byte(set))
		}
	}
	return append(b, []string{"\x0f", "\x0e", "\x1bn", "\x1bo"}[c.shift]...)
}

func appendCSI(b []byte, final byte, values ...int) []byte {
	b = append(b, "\x1b["...)
	for i, v := range values {
		if i > 0 {
			b = append(b, ';')
		}
		b = strconv.AppendInt(b, int64(v), 10)
	}
	return append(b, final)
}
