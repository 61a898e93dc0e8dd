package ui

import (
	"unicode/utf8"

	"github.com/gdamore/tcell/v2"
)

// fieldLimit is how many bytes a field takes. It never grows beyond, so that
// no copy of a secret stays behind.
const fieldLimit = 1024

// field is one line of typed text, as bytes so that a secret can be wiped.
type field struct {
	text   []byte
	secret bool
	marked bool // the text is of the time before: what is typed takes its place
}

func newField(secret bool) *field {
	return &field{text: make([]byte, 0, fieldLimit), secret: secret}
}

// key edits the text and tells whether the key was one for it.
func (f *field) key(ev *tcell.EventKey) bool {
	switch ev.Key() {
	case tcell.KeyRune:
		if ev.Modifiers()&tcell.ModAlt != 0 {
			return false
		}
		f.replace()
		f.add(ev.Rune())
	case tcell.KeyBackspace, tcell.KeyBackspace2:
		f.replace()
		_, n := utf8.DecodeLastRune(f.text)
		f.cut(len(f.text) - n)
	case tcell.KeyCtrlW:
		f.cut(lastWord(f.text))
	case tcell.KeyCtrlU:
		f.cut(0)
	default:
		return false
	}
	return true
}

// mark has what is typed next take the place of the text.
func (f *field) mark() { f.marked = len(f.text) > 0 }

// replace makes room for what is typed in place of a text that is marked.
func (f *field) replace() {
	if f.marked {
		f.wipe()
	}
}

func (f *field) add(r rune) {
	if len(f.text)+utf8.RuneLen(r) <= fieldLimit {
		f.text = utf8.AppendRune(f.text, r)
	}
}

// paste adds text up to its first line end.
func (f *field) paste(s string) {
	f.replace()
	for _, r := range s {
		if r == '\n' || r == '\r' {
			return
		}
		if r >= ' ' && r != 0x7f {
			f.add(r)
		}
	}
}

func (f *field) cut(n int) {
	clear(f.text[n:])
	f.text = f.text[:n]
	f.marked = false
}

func (f *field) wipe() { f.cut(0) }

// shown is what may be seen of the text.
func (f *field) shown() string {
	if !f.secret {
		return clean(string(f.text))
	}
	dots := make([]rune, utf8.RuneCount(f.text))
	for i := range dots {
		dots[i] = '•'
	}
	return string(dots)
}

// lastWord is where the last word of text begins.
func lastWord(text []byte) int {
	n := len(text)
	for n > 0 && text[n-1] == ' ' {
		n--
	}
	for n > 0 && text[n-1] != ' ' {
		n--
	}
	return n
}
