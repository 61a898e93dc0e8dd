package vt

import "strconv"

// kept are the modes that are on or off and nothing else. A mode that is not
// here and not a field of modes is not known.
var kept = [...]struct {
	private bool // DEC's or xterm's: CSI ? n h
	number  int
	initial bool
}{
	insertMode:          {false, 4, false},
	newlineMode:         {false, 20, false},
	cursorKeys:          {true, 1, false},
	reverseAll:          {true, 5, false},
	autowrap:            {true, 7, true},
	{true, 12, false},   // blinking cursor
	cursorShown:         {true, 25, true},
	reverseWrap:         {true, 45, false},
	keypad:              {true, 66, false},
	focus:               {true, 1004, false},
	{true, 1007, false}, // the wheel sends cursor keys
	paste:               {true, 2004, false},
	{true, 2031, false}, // reports of dark and light
}

const (
	insertMode = iota
	newlineMode
	cursorKeys
	reverseAll
	autowrap
	_
	cursorShown
	reverseWrap
	keypad
	focus
	_
	paste
)

// modes are the terminal's, but for those of the cursor and the screen.
type modes struct {
	set   uint32 // bit i is that of kept[i]
	mouse int    // 0, 9, 1000, 1002 or 1003: what is reported
	wire  int    // 0, 1005, 1006, 1015 or 1016: in which form
	shape int    // DECSCUSR

	otherKeys int          // modifyOtherKeys of xterm
	keyboard  [2]keyboards // of kitty, of the main and the alternate screen
}

// keyboards are the flags of the keyboard protocol of kitty that are in force,
// and before them those to come back to.
type keyboards struct {
	flags [8]uint8
	depth int
}

func newModes() (m modes) {
	for i, k := range kept {
		if k.initial {
			m.set |= 1 << i
		}
	}
	return m
}

func (m *modes) on(i int) bool { return m.set&(1<<i) != 0 }

func (m *modes) turn(i int, on bool) {
	m.set &^= 1 << i
	if on {
		m.set |= 1 << i
	}
}

// switchMode is SM, RM, DECSET and DECRST of one mode.
func (s *Screen) switchMode(private bool, n int, on bool) {
	for i, k := range kept {
		if k.private == private && k.number == n {
			s.modes.turn(i, on)
			s.cursor.pending = s.cursor.pending && s.modes.on(autowrap)
			return
		}
	}
	if !private {
		return
	}
	switch n {
	case 6:
		s.cursor.origin = on
		s.position(1, 1)
	case 9, 1000, 1002, 1003:
		s.modes.mouse = either(on, n)
	case 1005, 1006, 1015, 1016:
		s.modes.wire = either(on, n)
	case 47, 1047:
		s.alternate(on)
	case 1048:
		s.saveOrRestore(on)
	case 1049:
		s.alternateSaved(on)
	}
}

func either(on bool, n int) int {
	if on {
		return n
	}
	return 0
}

func (s *Screen) saveOrRestore(save bool) {
	if save {
		s.save()
	} else {
		s.restore()
	}
}

// alternateSaved switches screens, with the cursor of the main one saved
// meanwhile.
func (s *Screen) alternateSaved(show bool) {
	if show {
		if !s.onAlt {
			s.save()
		}
		s.alternate(true)
		return
	}
	s.alternate(false)
	s.restore()
}

// modeNow is the state of a mode as DECRQM has it: 0 not known, 1 set, 2
// reset.
func (s *Screen) modeNow(private bool, n int) int {
	for i, k := range kept {
		if k.private == private && k.number == n {
			return stated(s.modes.on(i))
		}
	}
	if !private {
		return 0
	}
	switch n {
	case 6:
		return stated(s.cursor.origin)
	case 9, 1000, 1002, 1003:
		return stated(s.modes.mouse == n)
	case 1005, 1006, 1015, 1016:
		return stated(s.modes.wire == n)
	case 47, 1047, 1049:
		return stated(s.onAlt)
	}
	return 0
}

func stated(on bool) int {
	if on {
		return 1
	}
	return 2
}

// softReset is DECSTR.
func (s *Screen) softReset() {
	for i, k := range kept {
		if i == insertMode || i == cursorKeys || i == autowrap || i == cursorShown || i == keypad {
			s.modes.turn(i, k.initial)
		}
	}
	s.top, s.bottom = 0, s.rows-1
	c := &s.cursor
	c.style, c.origin, c.sets, c.shift = style{}, false, [4]charset{}, 0
	*s.savedSlot() = cursor{}
}

// keyboard changes the flags of kitty's protocol: > adds some, < goes back,
// = changes those in force.
func (s *Screen) keyboard(how byte, p *params) {
	k := s.keyboardNow()
	switch how {
	case '>':
		if k.depth == len(k.flags)-1 {
			copy(k.flags[:], k.flags[1:])
			k.depth--
		}
		k.depth++
		k.flags[k.depth] = uint8(p.at(0, 0)) & 31
	case '<':
		for n := p.count(0); n > 0; n-- {
			k.flags[k.depth] = 0
			if k.depth == 0 {
				return
			}
			k.depth--
		}
	case '=':
		flags, now := uint8(p.at(0, 0))&31, &k.flags[k.depth]
		switch p.at(1, 1) {
		case 1:
			*now = flags
		case 2:
			*now |= flags
		case 3:
			*now &^= flags
		}
	}
}

func (s *Screen) keyboardNow() *keyboards {
	if s.onAlt {
		return &s.modes.keyboard[1]
	}
	return &s.modes.keyboard[0]
}

// append writes what makes of a fresh terminal's modes these, without those
// of the keyboard.
func (m *modes) append(b []byte) []byte {
	for i, k := range kept {
		switch on := m.on(i); {
		case on == k.initial:
		case i == keypad:
			b = append(b, "\x1b="...) // DECKPAM, for tmux and screen know no DECNKM
		default:
			b = appendMode(b, k.private, k.number, on)
		}
	}
	for _, n := range []int{m.mouse, m.wire} {
		if n != 0 {
			b = appendMode(b, true, n, true)
		}
	}
	if m.shape != 0 {
		b = append(strconv.AppendInt(append(b, "\x1b["...), int64(m.shape), 10), " q"...)
	}
	if m.otherKeys != 0 {
		b = append(strconv.AppendInt(append(b, "\x1b[>4;"...), int64(m.otherKeys), 10), 'm')
	}
	return b
}

// append writes what makes of fresh flags these.
func (k *keyboards) append(b []byte) []byte {
	for i := 0; i <= k.depth; i++ {
		flags, how := k.flags[i], byte('>')
		if i == 0 {
			if flags == 0 {
				continue
			}
			how = '='
		}
		b = append(b, "\x1b["...)
		b = append(strconv.AppendInt(append(b, how), int64(flags), 10), 'u')
	}
	return b
}

func appendMode(b []byte, private bool, n int, on bool) []byte {
	b = append(b, "\x1b["...)
	if private {
		b = append(b, '?')
	}
	b = strconv.AppendInt(b, int64(n), 10)
	if on {
		return append(b, 'h')
	}
	return append(b, 'l')
}
