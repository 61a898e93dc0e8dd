package vt

// Screen is the model of one terminal. It is used by one goroutine at a time.
type Screen struct {
	// Asked is called when the program asks the terminal for something; answer
	// is what a terminal in this state says, "" where that is not known here.
	// It must not write to the Screen. Nil is for nobody who would answer.
	Asked func(query, answer string)

	cols, rows int
	main, alt  []row // alt is nil until the alternate screen is used
	onAlt      bool
	cursor     cursor
	saved      [2]cursor // by DECSC, of the main and the alternate screen
	top        int       // the scroll region, in rows, from 0
	bottom     int       // its last row
	tabs       []bool
	modes      modes
	titles     titles
	history    history
	marks      marks
	links      links

	parser  parser
	texts   bool   // there are textual rows
	written bool   // anything at all
	last    rune   // what REP repeats
	scratch []byte // of line
	joined  bool   // what was printed last ends with a joiner
}

// cursor is what DECSC saves.
type cursor struct {
	x, y    int
	pending bool // at the right edge: the next character goes to the next row
	origin  bool // DECOM
	style   style
	sets    [4]charset // G0 to G3
	shift   uint8      // which of them is in use
}

// maxSide bounds the size of a screen, in cells.
const maxSide = 1000

// New is a terminal that was just switched on.
func New(cols, rows int) *Screen {
	s := &Screen{}
	s.cols, s.rows = bounded(cols), bounded(rows)
	s.parser.handler = s
	s.reset()
	return s
}

func bounded(n int) int { return min(max(n, 1), maxSide) }

// reset is RIS. The history stays, as in xterm.
func (s *Screen) reset() {
	s.main, s.alt, s.onAlt, s.texts = newRows(s.cols, s.rows), nil, false, false
	s.cursor, s.saved = cursor{}, [2]cursor{}
	s.top, s.bottom = 0, s.rows-1
	s.tabs = appendTabs(nil, s.cols)
	s.modes = newModes()
	s.titles = titles{}
	s.marks = marks{}
	s.links = links{}
	s.last, s.joined = 0, false
}

// appendTabs adds the usual stops, one every eight columns.
func appendTabs(tabs []bool, cols int) []bool {
	for x := len(tabs); x < cols; x++ {
		tabs = append(tabs, x > 0 && x%8 == 0)
	}
	return tabs
}

// Write follows what a program writes. It never fails.
func (s *Screen) Write(p []byte) (int, error) {
	s.written = s.written || len(p) > 0
	s.parser.write(p)
	return len(p), nil
}

// Size is that of the screen, in cells.
func (s *Screen) Size() (cols, rows int) { return s.cols, s.rows }

// Title is what the program calls its window. It may hold anything but
// controls.
func (s *Screen) Title() string { return s.titles.window }

// grid is the screen that is shown.
func (s *Screen) grid() []row {
	if s.onAlt {
		return s.alt
	}
	return s.main
}

// row is that of the cursor, to be changed.
func (s *Screen) row() row {
	s.settle()
	return s.grid()[s.cursor.y]
}

// savedSlot is that of the screen that is shown.
func (s *Screen) savedSlot() *cursor {
	if s.onAlt {
		return &s.saved[1]
	}
	return &s.saved[0]
}

// alternate switches between the two screens. The alternate one is empty
// whenever it is shown.
func (s *Screen) alternate(show bool) {
	if show == s.onAlt {
		return
	}
	s.onAlt = show
	s.alt, s.saved[1] = nil, cursor{}
	if show {
		s.alt = newRows(s.cols, s.rows)
	}
}
