package vt

// marks are the texts of combining characters that cells refer to: the i-th
// is number i+1.
type marks struct {
	texts  []string
	number map[string]uint16
}

const (
	maxMarks    = 4096 // texts
	maxMarkSize = 28   // bytes of one: seven characters, or an emoji of a family
)

func (m *marks) text(n uint16) string {
	if n == 0 {
		return ""
	}
	return m.texts[n-1]
}

// add is the number of a text, or false if there is no room for it.
func (m *marks) add(text string) (n uint16, ok bool) {
	if n, known := m.number[text]; known {
		return n, true
	}
	if len(m.texts) == maxMarks {
		return 0, false
	}
	if m.number == nil {
		m.number = make(map[string]uint16)
	}
	m.texts = append(m.texts, text)
	n = uint16(len(m.texts))
	m.number[text] = n
	return n, true
}

// keepMarks forgets the texts that no cell refers to any more.
func (s *Screen) keepMarks() {
	before := s.marks
	s.marks = marks{}
	for _, rows := range [][]row{s.main, s.alt} {
		for _, r := range rows {
			for i, c := range r.cells {
				if c.marks != 0 {
					r.cells[i].marks, _ = s.marks.add(before.text(c.marks)) // there are no more than before
				}
			}
		}
	}
}

// combine adds a character without a width to the one before the cursor.
func (s *Screen) combine(r rune) {
	x, cells := s.cursor.x, s.row().cells
	if !s.cursor.pending {
		x--
	}
	if x > 0 && cells[x].half == tail {
		x--
	}
	if x < 0 {
		return
	}
	text := s.marks.text(cells[x].marks) + string(r)
	if len(text) > maxMarkSize {
		return
	}
	n, ok := s.marks.add(text)
	if !ok {
		s.keepMarks()
		if n, ok = s.marks.add(text); !ok {
			return // more texts on one screen than any language has
		}
	}
	cells[x].marks = n
}
