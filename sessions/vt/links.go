package vt

import "bytes"

// links are the hyperlinks that cells refer to (OSC 8): the i-th is number i+1.
// Each is its parameters, a semicolon and its address.
type links struct {
	texts  []string
	number map[string]uint16
	bytes  int // of texts
}

const (
	maxLinks     = 4096
	maxLinkBytes = 256 << 10 // of all
	maxLinkSize  = 2083      // of one, as VTE's
)

// append begins the hyperlink of a number, or ends the one before: 0 is none.
func (l *links) append(b []byte, n uint16) []byte {
	text := ";"
	if n != 0 {
		text = l.texts[n-1]
	}
	return append(append(append(b, "\x1b]8;"...), text...), "\x1b\\"...)
}

// end ends a hyperlink in a terminal that may be showing one.
func (l *links) end(b []byte) []byte {
	if len(l.texts) == 0 {
		return b
	}
	return l.append(b, 0)
}

// add is the number of a hyperlink, or false if there is no room for it.
func (l *links) add(text string) (n uint16, ok bool) {
	if n, known := l.number[text]; known {
		return n, true
	}
	if len(l.texts) == maxLinks || l.bytes+len(text) > maxLinkBytes {
		return 0, false
	}
	if l.number == nil {
		l.number = make(map[string]uint16)
	}
	l.texts = append(l.texts, text)
	l.bytes += len(text)
	n = uint16(len(l.texts))
	l.number[text] = n
	return n, true
}

// link is what OSC 8 says: what is printed from now on belongs to it. Without
// an address it is none.
func (s *Screen) link(text []byte) {
	s.cursor.style.link = 0
	_, address, found := bytes.Cut(text, []byte{';'})
	if !found || len(address) == 0 || len(text) > maxLinkSize || !isASCII(text) {
		return
	}
	n, ok := s.links.add(string(text))
	if !ok {
		s.keepLinks()
		n, _ = s.links.add(string(text)) // else it is shown without
	}
	s.cursor.style.link = n
}

// isASCII tells whether a text is printable ASCII, as those of OSC 8 are.
func isASCII(text []byte) bool {
	for _, b := range text {
		if b < ' ' || b > '~' {
			return false
		}
	}
	return true
}

// keepLinks forgets the hyperlinks that nothing on the screen refers to any
// more.
func (s *Screen) keepLinks() {
	before := s.links
	s.links = links{}
	keep := func(st *style) {
		if st.link != 0 {
			st.link, _ = s.links.add(before.texts[st.link-1]) // there are no more than before
		}
	}
	keep(&s.cursor.style)
	for i := range s.saved {
		keep(&s.saved[i].style)
	}
	for _, rows := range [][]row{s.main, s.alt} {
		for _, r := range rows {
			for i := range r.cells {
				keep(&r.cells[i].style)
			}
		}
	}
}
