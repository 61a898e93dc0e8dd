package ui

import (
	"strings"
	"unicode/utf8"

	"github.com/gdamore/tcell/v2"
)

// entry is the value of a row of a form while it is typed. The caret can be
// anywhere in it: field holds what stands before the caret.
type entry struct {
	*field
	after []byte // the caret
	of    formRow
	was   string // the value at first
	why   string // ssh would refuse it so
}

func newEntry(of formRow, text string) *entry {
	e := &entry{field: newField(false), of: of}
	e.put(text)
	e.was = e.value()
	return e
}

// fits tells a text that comes out of an entry as it went in, but for its tabs.
func fits(text string) bool {
	control := func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
	return len(text) <= fieldLimit && utf8.ValidString(text) && !strings.ContainsFunc(text, control)
}

// put makes a text the value, with the caret behind it.
func (e *entry) put(text string) {
	e.wipe()
	e.after = nil
	e.paste(strings.ReplaceAll(text, "\t", " "))
}

func (e *entry) value() string { return strings.TrimSpace(string(e.text) + string(e.after)) }

// key edits the value or moves the caret, and tells whether the key was one
// for that.
func (e *entry) key(ev *tcell.EventKey) bool {
	switch ev.Key() {
	case tcell.KeyLeft:
		_, n := utf8.DecodeLastRune(e.text)
		e.caret(len(e.text) - n)
	case tcell.KeyRight:
		_, n := utf8.DecodeRune(e.after)
		e.caret(len(e.text) + n)
	case tcell.KeyHome, tcell.KeyCtrlA:
		e.caret(0)
	case tcell.KeyEnd, tcell.KeyCtrlE:
		e.caret(len(e.text) + len(e.after))
	case tcell.KeyDelete:
		_, n := utf8.DecodeRune(e.after)
		e.after = e.after[n:]
	default:
		return e.field.key(ev)
	}
	return true
}

// caret puts the caret before the byte at.
func (e *entry) caret(at int) {
	all := string(e.text) + string(e.after)
	e.text, e.after = append(e.text[:0], all[:at]...), []byte(all[at:])
}

// draw draws what there is room for around the caret.
func (e *entry) draw(c canvas, r rect, style tcell.Style, caret bool) {
	before := fitEnd(e.shown(), r.w-1)
	c.text(r.x, r.y, pad(before+clean(string(e.after)), r.w), style)
	if caret {
		c.screen.ShowCursor(r.x+cells(before), r.y)
	}
}
