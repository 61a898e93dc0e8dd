package vt

import (
	"fmt"
	"strings"
)

// state is all of a screen that another can be brought to.
func (s *Screen) state() string {
	s.settle()
	var b strings.Builder
	fmt.Fprintf(&b, "%dx%d alternate %v region %d-%d\n", s.cols, s.rows, s.onAlt, s.top, s.bottom)
	fmt.Fprintf(&b, "cursor %s\nsaved %s %s\n", s.cursorState(s.cursor), s.cursorState(s.saved[0]), s.cursorState(s.saved[1]))
	fmt.Fprintf(&b, "tabs %v\nmodes %+v\ntitles %+v\n", s.tabs, s.modes, s.titles)
	fmt.Fprintf(&b, "parser %d %q\n", s.parser.state, s.parser.seq)
	for i := range s.history.len() {
		fmt.Fprintf(&b, "history %q %v\n", s.history.at(i).text, s.history.at(i).wrapped)
	}
	for name, rows := range [][]row{s.main, s.alt} {
		for y, r := range rows {
			wrapped := r.wrapped && y < len(rows)-1
			fmt.Fprintf(&b, "screen %d row %d wrapped %v:", name, y, wrapped)
			for _, c := range r.cells[:r.used()] {
				fmt.Fprintf(&b, " %q%q%v%v", c.r, s.marks.text(c.marks), c.half, s.styleState(c.style))
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func (s *Screen) cursorState(c cursor) string {
	st := c.style
	c.style = style{}
	return fmt.Sprintf("%+v in %s", c, s.styleState(st))
}

// styleState has no number of a hyperlink, which two screens may give otherwise.
func (s *Screen) styleState(st style) string {
	link := ""
	if st.link != 0 {
		link = s.links.texts[st.link-1]
		st.link = 0
	}
	return fmt.Sprintf("%v%q", st, link)
}

// text is what the screen shows.
func (s *Screen) text() string {
	s.settle()
	var b strings.Builder
	for _, r := range s.grid() {
		var line []byte
		for i := range r.cells {
			if r.cells[i].half != tail {
				line = s.appendText(line, &r.cells[i])
			}
		}
		b.WriteString(strings.TrimRight(string(line), " ") + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}

// redrawn is a fresh screen that was brought to the state of s.
func redrawn(s *Screen) *Screen {
	fresh := New(s.cols, s.rows)
	fresh.Write(s.Redraw())
	return fresh
}
