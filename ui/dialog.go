package ui

import (
	"slices"
	"strings"

	"github.com/gdamore/tcell/v2"
)

// dialog is a box over the page that wants an answer: some text, fields to
// fill in, buttons. It takes all keys until it is answered.
type dialog struct {
	question string // ID of what it asks for the background process
	title    string
	body     []paragraph
	fields   []*prompt
	buttons  []button
	focus    int // fields, then buttons; -1 is none of them
	escape   func()
	said     string      // why the last key did nothing
	live     func() line // what is typed means; nil says nothing
	up       int         // how many rows above those of the focus are shown
	held     bool        // until Tab: what is being typed is for another one, which has gone
}

// paragraph is text of a dialog. Verbatim text keeps its lines and is centred
// as a block.
type paragraph struct {
	text     string
	style    tcell.Style
	verbatim bool
	quoted   bool // somebody else's words
}

type prompt struct {
	label string
	*field
}

type button struct {
	label string
	key   rune // chooses it
	do    func()
}

// wipe forgets what was typed.
func (d *dialog) wipe() {
	for _, f := range d.fields {
		f.wipe()
	}
}

func (d *dialog) stops() int { return len(d.fields) + len(d.buttons) }

// typed tells whether somebody has begun to answer.
func (d *dialog) typed() bool {
	return slices.ContainsFunc(d.fields, func(f *prompt) bool { return len(f.text) > 0 })
}

// hold has a dialog that came in place of one in which somebody was typing take
// nothing of that: the rest of a password is not for the next host.
func (d *dialog) hold() {
	d.held, d.focus = true, -1
	d.said = behindAnother
}

const behindAnother = "The question before it has gone. Tab goes to this one."

func (d *dialog) turn(n int) {
	d.up = 0
	if d.held {
		d.held, d.said = false, ""
	}
	if d.focus < 0 && n < 0 {
		d.focus = 0
	}
	d.focus = (d.focus + n + d.stops()) % d.stops()
}

// field is the one that is typed into, nil if a button has the focus.
func (d *dialog) field() *field {
	if d.focus < 0 || d.focus >= len(d.fields) {
		return nil
	}
	return d.fields[d.focus].field
}

// pick moves to the button with that letter; Enter presses it, so that what
// was typed for somewhere else answers nothing.
func (d *dialog) pick(r rune) {
	if d.held {
		d.said = behindAnother
		return
	}
	for i, b := range d.buttons {
		if b.key == r {
			d.focus = len(d.fields) + i
		}
	}
}

func (d *dialog) enter() {
	switch n := len(d.fields); {
	case d.focus < 0 && d.held:
		d.said = behindAnother
	case d.focus < 0:
		d.said = "Choose with ← → or a letter first, then Enter."
	case d.focus < n-1:
		d.focus++
	case d.focus == n-1:
		d.buttons[0].do()
	default:
		d.buttons[d.focus-n].do()
	}
}

// dialogRow is a row of a dialog, and what a click on it means.
type dialogRow struct {
	line
	field   int // from 1, 0 for none
	buttons []clickable
	at      int // of the buttons, the column of the first
}

// dialogFrame is where the dialog is, with its rows; the art of a host key is
// left out where there is no room for it.
func (s *screen) dialogFrame() (rect, []dialogRow) {
	_, _, w, h := s.GetRect()
	frame := rect{w: min(w, max(66, min(w-8, 76)))}
	rows := s.dialogRows(frame.w-4, true)
	if len(rows)+2 > h {
		rows = s.dialogRows(frame.w-4, false)
	}
	frame.h = min(h, len(rows)+2)
	frame.x, frame.y = (w-frame.w)/2, (h-frame.h)/2
	return frame, rows
}

func (s *screen) dialogRows(w int, art bool) []dialogRow {
	d := s.dialog
	var out []dialogRow
	for _, p := range d.body {
		if p.verbatim && !art {
			continue
		}
		for _, l := range s.paragraphRows(p, w) {
			out = append(out, dialogRow{line: l})
		}
	}
	for i, f := range d.fields {
		if i == 0 {
			out = append(out, dialogRow{})
		}
		out = append(out, s.fieldRows(f, i, w)...)
	}
	said := line{{d.said, s.busy}}
	if d.said == "" && d.live != nil {
		said = d.live()
	}
	out = append(out, dialogRow{line: fitLine(said, w)}, s.buttonRow(w))
	return out
}

func (s *screen) paragraphRows(p paragraph, w int) []line {
	if p.text == "" {
		return []line{nil}
	}
	var out []line
	if p.verbatim {
		rows := strings.Split(p.text, "\n")
		wide := 0
		for _, r := range rows {
			wide = max(wide, cells(r))
		}
		for _, r := range rows {
			out = append(out, line{{strings.Repeat(" ", max(0, (w-wide)/2)) + clean(r), p.style}})
		}
		return out
	}
	mark := line{}
	if p.quoted {
		mark = line{{quoteMark, s.dim}}
	}
	for _, paragraph := range strings.Split(p.text, "\n") {
		for _, r := range wrap(clean(paragraph), w-mark.width()) {
			out = append(out, append(line{}, append(mark, span{r, p.style})...))
		}
	}
	return out
}

// fieldRows are the label of a field and its text, in one row if they fit.
func (s *screen) fieldRows(f *prompt, i, w int) []dialogRow {
	var out []dialogRow
	label := strings.TrimRight(clean(f.label), " ")
	style := s.plain
	if s.dialog.focus == i {
		style = s.bold
	}
	room := w
	head := line{}
	if cells(label) > w/2 {
		for _, r := range wrap(label, w) {
			out = append(out, dialogRow{line: line{{r, style}}, field: i + 1})
		}
	} else {
		head = line{{label + " ", style}}
		room = w - head.width()
	}
	text := fitEnd(f.shown(), room-1)
	return append(out, dialogRow{line: append(head, span{pad(text, room), s.field}), field: i + 1, at: head.width() + cells(text)})
}

func (s *screen) buttonRow(w int) dialogRow {
	d := s.dialog
	var out dialogRow
	x := 0
	for i, b := range d.buttons {
		style := s.button
		if d.focus == len(d.fields)+i {
			style = s.chosen
		}
		text := "[ " + b.label + " ]"
		if i > 0 {
			out.line = append(out.line, span{"  ", s.plain})
			x += 2
		}
		out.line = append(out.line, span{text, style})
		out.buttons = append(out.buttons, clickable{rect{x, 0, cells(text), 1}, nil, b.do})
		x += cells(text)
	}
	indent := max(0, (w-x)/2)
	out.line = append(line{{strings.Repeat(" ", indent), s.plain}}, out.line...)
	for i := range out.buttons {
		out.buttons[i].x += indent
	}
	return out
}

// first is the first row of a dialog that is shown where it is longer than the
// screen. What to answer with matters more than its explanation, and of many
// fields the one that is typed into.
func (d *dialog) first(rows []dialogRow, h int) int {
	last := max(0, len(rows)-h)
	at := last
	for i, r := range rows {
		if r.field > 0 && r.field-1 == d.focus { // the last row of several has the text
			at = min(last, i-h/2)
		}
	}
	return max(0, min(max(0, at)-d.up, last))
}

// readDialog goes n rows down in a dialog that is longer than the screen.
func (s *screen) readDialog(n int) {
	frame, rows := s.dialogFrame()
	d, h := s.dialog, frame.inner().h
	now := d.first(rows, h)
	d.up = 0
	d.up = d.first(rows, h) - max(0, min(now+n, len(rows)-h))
}

func (s *screen) drawDialog(c canvas) {
	frame, rows := s.dialogFrame()
	c.fill(frame, s.plain)
	c.frame(frame, line{{s.dialog.title, s.title}}, s.focus)
	in := c.within(frame.inner())
	skip := s.dialog.first(rows, in.h)
	if skip > 0 {
		c.text(frame.x+frame.w-15, frame.y, " more ↑ PgUp ", s.dim)
	}
	if skip+in.h < len(rows) {
		c.text(frame.x+frame.w-15, frame.y+frame.h-1, " more ↓ PgDn ", s.dim)
	}
	for i, r := range rows[skip:min(len(rows), skip+in.h)] {
		in.line(in.x+1, in.y+i, r.line)
		if r.field > 0 && s.dialog.focus == r.field-1 && r.at > 0 {
			c.screen.ShowCursor(in.x+1+r.at, in.y+i)
		}
	}
}

// clickDialog presses or chooses what is at x, y.
func (s *screen) clickDialog(x, y int) {
	frame, rows := s.dialogFrame()
	in := frame.inner()
	i := y - in.y + s.dialog.first(rows, in.h)
	if !in.has(x, y) || i >= len(rows) {
		return
	}
	if rows[i].field > 0 {
		s.dialog.focus = rows[i].field - 1
	}
	for _, b := range rows[i].buttons {
		if b.has(x-in.x-1, 0) {
			b.do()
			return
		}
	}
}
