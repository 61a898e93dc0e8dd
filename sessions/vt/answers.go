package vt

import (
	"fmt"
	"strconv"
)

func itoa(n int) string { return strconv.Itoa(n) }

func (s *Screen) answer(query, answer string) {
	if s.Asked != nil {
		s.Asked(query, answer)
	}
}

// asked answers a control sequence that is a question. What the answer says of
// the terminal is what a VT102 with ANSI colours says.
func (s *Screen) asked(f function, p *params, seq []byte) {
	query := "\x1b[" + string(seq)
	switch f {
	case function{final: 'c'}: // DA1
		s.answer(query, "\x1b[?1;2c")
	case function{private: '>', final: 'c'}: // DA2
		s.answer(query, "\x1b[>0;0;0c")
	case function{private: '=', final: 'c'}: // DA3
		s.answer(query, "\x1bP!|00000000\x1b\\")
	case function{final: 'n'}, function{private: '?', final: 'n'}: // DSR
		s.answerStatus(query, f, p.at(0, 0))
	case function{private: '>', final: 'q'}: // XTVERSION
		s.answer(query, "\x1bP>|sallyport\x1b\\")
	case function{private: '?', final: 'u'}: // of kitty
		k := s.keyboardNow()
		s.answer(query, fmt.Sprintf("\x1b[?%du", k.flags[k.depth]))
	case function{intermediate: '$', final: 'p'}: // DECRQM
		s.answer(query, fmt.Sprintf("\x1b[%d;%d$y", p.at(0, 0), s.modeNow(false, p.at(0, 0))))
	case function{private: '?', intermediate: '$', final: 'p'}:
		s.answer(query, fmt.Sprintf("\x1b[?%d;%d$y", p.at(0, 0), s.modeNow(true, p.at(0, 0))))
	}
}

func (s *Screen) answerStatus(query string, f function, what int) {
	switch {
	case what == 5 && f.private == 0:
		s.answer(query, "\x1b[0n")
	case what == 6 && f.private == 0: // CPR
		s.answer(query, fmt.Sprintf("\x1b[%d;%dR", s.lineNumber(), s.cursor.x+1))
	case what == 6:
		s.answer(query, fmt.Sprintf("\x1b[?%d;%dR", s.lineNumber(), s.cursor.x+1))
	}
}

func (s *Screen) answerSize(query string, what int) {
	s.answer(query, fmt.Sprintf("\x1b[%d;%d;%dt", what, s.rows, s.cols))
}

// askedDCS answers DECRQSS and XTGETTCAP.
func (s *Screen) askedDCS(text []byte) {
	if len(text) < 2 {
		return
	}
	query := "\x1bP" + string(text)
	switch string(text[:2]) {
	case "$q":
		s.answer(query, s.setting(string(text[2:])))
	case "+q":
		s.answer(query, "\x1bP0+r\x1b\\") // nothing is known of it
	}
}

// setting is the answer to DECRQSS.
func (s *Screen) setting(name string) string {
	var value string
	switch name {
	case "m":
		sgr := appendSGR(nil, s.cursor.style)
		if value = string(sgr[len("\x1b["):]); value == "m" {
			value = "0m"
		}
	case "r":
		value = fmt.Sprintf("%d;%dr", s.top+1, s.bottom+1)
	case " q":
		value = fmt.Sprintf("%d q", s.modes.shape)
	default:
		return "\x1bP0$r\x1b\\"
	}
	return "\x1bP1$r" + value + "\x1b\\"
}
