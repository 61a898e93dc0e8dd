package vt

// functions are the control sequences, by ECMA-48's or DEC's names in the
// comments.
var functions = map[function]func(*Screen, *params){
	{final: '@'}: func(s *Screen, p *params) { s.insertCells(p.count(0)) },                                   // ICH
	{final: 'A'}: func(s *Screen, p *params) { s.up(p.count(0)) },                                            // CUU
	{final: 'B'}: func(s *Screen, p *params) { s.down(p.count(0)) },                                          // CUD
	{final: 'C'}: func(s *Screen, p *params) { s.moveTo(s.cursor.x+p.count(0), s.cursor.y) },                 // CUF
	{final: 'D'}: func(s *Screen, p *params) { s.moveTo(s.cursor.x-p.count(0), s.cursor.y) },                 // CUB
	{final: 'E'}: func(s *Screen, p *params) { s.down(p.count(0)); s.cursor.x = 0 },                          // CNL
	{final: 'F'}: func(s *Screen, p *params) { s.up(p.count(0)); s.cursor.x = 0 },                            // CPL
	{final: 'G'}: func(s *Screen, p *params) { s.moveTo(p.count(0)-1, s.cursor.y) },                          // CHA
	{final: 'H'}: func(s *Screen, p *params) { s.position(p.count(0), p.count(1)) },                          // CUP
	{final: 'I'}: func(s *Screen, p *params) { s.tab(p.count(0)) },                                           // CHT
	{final: 'J'}: func(s *Screen, p *params) { s.eraseDisplay(p.at(0, 0)) },                                  // ED
	{final: 'K'}: func(s *Screen, p *params) { s.eraseLine(p.at(0, 0)) },                                     // EL
	{final: 'L'}: func(s *Screen, p *params) { s.insertLines(p.count(0)) },                                   // IL
	{final: 'M'}: func(s *Screen, p *params) { s.deleteLines(p.count(0)) },                                   // DL
	{final: 'P'}: func(s *Screen, p *params) { s.deleteCells(p.count(0)) },                                   // DCH
	{final: 'S'}: func(s *Screen, p *params) { s.scroll(p.count(0)) },                                        // SU
	{final: 'T'}: func(s *Screen, p *params) { s.panDown(p) },                                                // SD
	{final: 'X'}: func(s *Screen, p *params) { s.eraseHere(s.cursor.x, min(s.cursor.x+p.count(0), s.cols)) }, // ECH
	{final: 'Z'}: func(s *Screen, p *params) { s.tab(-p.count(0)) },                                          // CBT
	{final: '^'}: func(s *Screen, p *params) { s.scrollDown(s.top, p.count(0)) },                             // SD of ECMA-48's misprint
	{final: '`'}: func(s *Screen, p *params) { s.moveTo(p.count(0)-1, s.cursor.y) },                          // HPA
	{final: 'a'}: func(s *Screen, p *params) { s.moveTo(s.cursor.x+p.count(0), s.cursor.y) },                 // HPR
	{final: 'b'}: func(s *Screen, p *params) { s.repeat(p.count(0)) },                                        // REP
	{final: 'd'}: func(s *Screen, p *params) { s.position(p.count(0), s.cursor.x+1) },                        // VPA
	{final: 'e'}: func(s *Screen, p *params) { s.moveTo(s.cursor.x, s.cursor.y+p.count(0)) },                 // VPR
	{final: 'f'}: func(s *Screen, p *params) { s.position(p.count(0), p.count(1)) },                          // HVP
	{final: 'g'}: func(s *Screen, p *params) { s.clearTabs(p.at(0, 0)) },                                     // TBC
	{final: 'h'}: func(s *Screen, p *params) { s.switchModes(false, p, true) },                               // SM
	{final: 'l'}: func(s *Screen, p *params) { s.switchModes(false, p, false) },                              // RM
	{final: 'm'}: func(s *Screen, p *params) { s.cursor.style.rendition(p) },                                 // SGR
	{final: 'r'}: func(s *Screen, p *params) { s.region(p.count(0), p.at(1, 0)) },                            // DECSTBM
	{final: 's'}: func(s *Screen, p *params) { s.save() },                                                    // SCOSC
	{final: 'u'}: func(s *Screen, p *params) { s.restore() },                                                 // SCORC
	{final: 't'}: func(s *Screen, p *params) { s.window(p) },                                                 // XTWINOPS

	{private: '?', final: 'J'}:      func(s *Screen, p *params) { s.eraseDisplay(p.at(0, 0)) },    // DECSED
	{private: '?', final: 'K'}:      func(s *Screen, p *params) { s.eraseLine(p.at(0, 0)) },       // DECSEL
	{private: '?', final: 'h'}:      func(s *Screen, p *params) { s.switchModes(true, p, true) },  // DECSET
	{private: '?', final: 'l'}:      func(s *Screen, p *params) { s.switchModes(true, p, false) }, // DECRST
	{private: '>', final: 'm'}:      func(s *Screen, p *params) { s.keyOption(p) },                // XTMODKEYS
	{private: '>', final: 'n'}:      func(s *Screen, p *params) { s.modes.otherKeys = 0 },         // XTMODKEYS off
	{private: '>', final: 'u'}:      func(s *Screen, p *params) { s.keyboard('>', p) },            // of kitty
	{private: '<', final: 'u'}:      func(s *Screen, p *params) { s.keyboard('<', p) },
	{private: '=', final: 'u'}:      func(s *Screen, p *params) { s.keyboard('=', p) },
	{intermediate: '!', final: 'p'}: func(s *Screen, p *params) { s.softReset() },            // DECSTR
	{intermediate: ' ', final: 'q'}: func(s *Screen, p *params) { s.modes.shape = shape(p) }, // DECSCUSR
}

func (s *Screen) control(seq []byte) {
	s.settle()
	s.joined = false
	f, p, ok := parseControl(seq)
	if !ok {
		return
	}
	if do := functions[f]; do != nil {
		do(s, &p)
		return
	}
	s.asked(f, &p, seq)
}

// panDown is SD; with five parameters it is another sequence of xterm's.
func (s *Screen) panDown(p *params) {
	if p.n <= 1 {
		s.scrollDown(s.top, p.count(0))
	}
}

// repeat is REP, up to the end of the row: as tmux has it.
func (s *Screen) repeat(n int) {
	if s.last == 0 {
		return
	}
	for range min(n, s.cols-s.cursor.x) {
		s.print(s.last)
	}
}

func (s *Screen) clearTabs(what int) {
	switch what {
	case 0:
		s.tabs[s.cursor.x] = false
	case 3:
		clear(s.tabs)
	}
}

func (s *Screen) switchModes(private bool, p *params, on bool) {
	for i := range p.n {
		s.switchMode(private, p.at(i, 0), on)
	}
}

func (s *Screen) keyOption(p *params) {
	if p.n == 0 || p.at(0, 0) == 4 {
		s.modes.otherKeys = min(p.at(1, 0), 3)
	}
}

func shape(p *params) int {
	if n := p.at(0, 0); n <= 6 {
		return n
	}
	return 0
}

// execute does a control character.
func (s *Screen) execute(c byte) {
	s.joined = false
	switch c {
	case '\b':
		s.backspace()
	case '\t':
		s.tab(1)
	case '\n', '\v', '\f':
		s.lineFeed()
	case '\r':
		s.cursor.x, s.cursor.pending = 0, false
	case 0x0e: // SO
		s.cursor.shift = 1
	case 0x0f: // SI
		s.cursor.shift = 0
	}
}

// escapes are the sequences of ESC and one byte.
var escapes = map[byte]func(*Screen){
	'7': (*Screen).save,                                      // DECSC
	'8': (*Screen).restore,                                   // DECRC
	'D': (*Screen).lineFeedOnly,                              // IND
	'E': (*Screen).nextLine,                                  // NEL
	'H': func(s *Screen) { s.tabs[s.cursor.x] = true },       // HTS
	'M': (*Screen).reverseIndex,                              // RI
	'c': (*Screen).reset,                                     // RIS
	'n': func(s *Screen) { s.cursor.shift = 2 },              // LS2
	'o': func(s *Screen) { s.cursor.shift = 3 },              // LS3
	'=': func(s *Screen) { s.modes.turn(keypad, true) },      // DECKPAM
	'>': func(s *Screen) { s.modes.turn(keypad, false) },     // DECKPNM
	'Z': func(s *Screen) { s.answer("\x1bZ", "\x1b[?1;2c") }, // DECID
}

func (s *Screen) escape(seq []byte) {
	s.settle()
	s.joined = false
	if len(seq) == 1 {
		if do := escapes[seq[0]]; do != nil {
			do(s)
		}
		return
	}
	switch seq[0] {
	case '(', ')', '*', '+':
		s.designate(int(seq[0]-'('), seq[len(seq)-1])
	case '#':
		if seq[1] == '8' {
			s.align()
		}
	}
}

// lineFeedOnly is IND, which newlineMode does not change.
func (s *Screen) lineFeedOnly() {
	s.index()
	s.cursor.pending = false
}

func (s *Screen) nextLine() {
	s.lineFeedOnly()
	s.cursor.x = 0
}

// align is DECALN: the screen is full of E.
func (s *Screen) align() {
	s.top, s.bottom = 0, s.rows-1
	s.moveTo(0, 0)
	rows := s.grid()
	for y := range rows {
		fill(rows[y].cells, cell{r: 'E'})
		rows[y].wrapped = false
	}
}
