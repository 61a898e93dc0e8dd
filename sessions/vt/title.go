package vt

import (
	"bytes"
	"strings"
	"unicode"
)

// titles are those of the window and of its icon, and what was put aside.
type titles struct {
	window, icon string
	stack        []titles // without stacks of their own
}

const (
	maxTitle = 1024 // bytes
	maxStack = 10   // as xterm
)

// textual does OSC and DCS. The other texts mean nothing.
func (s *Screen) textual(kind byte, text []byte) {
	s.joined = false
	switch kind {
	case 'P':
		s.askedDCS(text)
	case ']':
		s.command(text)
	}
}

// command does OSC: a number, and what it is about.
func (s *Screen) command(text []byte) {
	number, rest, _ := bytes.Cut(text, []byte{';'})
	switch string(number) {
	case "0":
		s.titles.window, s.titles.icon = title(rest), title(rest)
	case "1":
		s.titles.icon = title(rest)
	case "2":
		s.titles.window = title(rest)
	case "8":
		s.link(rest)
	default:
		if bytes.HasSuffix(rest, []byte{'?'}) {
			s.answer("\x1b]"+string(text), "")
		}
	}
}

// title is a text without controls, of a bounded length.
func title(text []byte) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(string(text), "\ufffd"))
	return strings.ToValidUTF8(clean[:min(len(clean), maxTitle)], "")
}

// window is XTWINOPS: of it the titles that are put aside, and questions.
func (s *Screen) window(p *params) {
	what := p.at(1, 0)
	switch p.at(0, 0) {
	case 18:
		s.answerSize("\x1b[18t", 8)
	case 19:
		s.answerSize("\x1b[19t", 9)
	case 14, 16:
		s.answer("\x1b["+itoa(p.at(0, 0))+"t", "")
	case 22:
		s.pushTitles()
	case 23:
		s.popTitles(what)
	}
}

func (s *Screen) pushTitles() {
	t := &s.titles
	if len(t.stack) == maxStack {
		copy(t.stack, t.stack[1:])
		t.stack = t.stack[:maxStack-1]
	}
	t.stack = append(t.stack, titles{window: t.window, icon: t.icon})
}

// popTitles takes back both titles, or one of them: 1 is the icon's, 2 the
// window's.
func (s *Screen) popTitles(what int) {
	t := &s.titles
	last := len(t.stack) - 1
	if last < 0 {
		return
	}
	if what != 2 {
		t.icon = t.stack[last].icon
	}
	if what != 1 {
		t.window = t.stack[last].window
	}
	t.stack = t.stack[:last]
}

func (t *titles) append(b []byte) []byte {
	for _, put := range t.stack {
		b = append(appendTitles(b, put.window, put.icon), "\x1b[22;0t"...)
	}
	if t.window != "" || t.icon != "" || len(t.stack) > 0 {
		b = appendTitles(b, t.window, t.icon)
	}
	return b
}

func appendTitles(b []byte, window, icon string) []byte {
	if window == icon {
		return append(append(append(b, "\x1b]0;"...), window...), bel)
	}
	b = append(append(append(b, "\x1b]1;"...), icon...), bel)
	return append(append(append(b, "\x1b]2;"...), window...), bel)
}
