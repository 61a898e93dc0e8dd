package vt

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sequences are what is written to a screen of 10 columns and 5 rows, and what
// it shows then.
var sequences = []struct {
	does, written, shows string
	x, y                 int // of the cursor, from 0
}{
	{"text goes to the right", "abc", "abc", 3, 0},
	{"a newline keeps the column", "ab\ncd", "ab\n  cd", 4, 1},
	{"a carriage return goes back", "abc\rX", "Xbc", 1, 0},
	{"the last column is filled without a wrap", "0123456789", "0123456789", 9, 0},
	{"the next character wraps", "0123456789a", "0123456789\na", 1, 1},
	{"a newline at the edge does not wrap twice", "0123456789\r\na", "0123456789\na", 1, 1},
	{"without autowrap the last column is written over", "\x1b[?7l0123456789abc", "012345678c", 9, 0},
	{"a backspace at the edge goes to the last but one", "0123456789\bX", "01234567X9", 9, 0},
	{"the screen scrolls at its end", "1\r\n2\r\n3\r\n4\r\n5\r\n6", "2\n3\n4\n5\n6", 1, 4},
	{"CUP counts from 1", "\x1b[2;3HX", "\n  X", 3, 1},
	{"CUP stops at the borders", "\x1b[99;99HX", "\n\n\n\n         X", 9, 4},
	{"CUU, CUD, CUF and CUB count 0 as 1", "\x1b[3;3H\x1b[A\x1b[0B\x1b[C\x1b[0DX", "\n\n  X", 3, 2},
	{"CUU stops at the region", "\x1b[2;4r\x1b[3;1H\x1b[9AX", "\nX", 1, 1},
	{"CUD stops at the region", "\x1b[2;4r\x1b[3;1H\x1b[9BX", "\n\n\nX", 1, 3},
	{"CNL and CPL go to the first column", "\x1b[3;5H\x1b[EX\x1b[2FY", "\nY\n\nX", 1, 1},
	{"CHA, HPA, VPA, HPR and VPR", "\x1b[4GA\x1b[2`B\x1b[3dC\x1b[2aD\x1b[eE", " B A\n\n  C  D\n      E", 7, 3},
	{"ED 0 erases from here", "abcde\r\nfghij\x1b[1;3H\x1b[J", "ab", 2, 0},
	{"ED 1 erases up to here", "abcde\r\nfghij\x1b[2;3H\x1b[1J", "\n   ij", 2, 1},
	{"ED 2 erases all and stays", "abc\x1b[2JX", "   X", 4, 0},
	{"EL 0, 1 and 2", "abcde\r\nabcde\r\nabcde\x1b[1;3H\x1b[K\x1b[2;3H\x1b[1K\x1b[3;3H\x1b[2K", "ab\n   de", 2, 2},
	{"ECH leaves what follows", "abcdef\x1b[1;2H\x1b[3X", "a   ef", 1, 0},
	{"ICH moves to the right", "abcdef\x1b[1;2H\x1b[2@", "a  bcdef", 1, 0},
	{"ICH pushes out at the edge", "0123456789\x1b[1;2H\x1b[3@", "0   123456", 1, 0},
	{"DCH moves to the left", "abcdef\x1b[1;2H\x1b[2P", "adef", 1, 0},
	{"insert mode moves to the right", "abc\x1b[1;2H\x1b[4hXY\x1b[4lZ", "aXYZc", 4, 0},
	{"IL moves down and goes to the first column", "1\r\n2\r\n3\x1b[2;2H\x1b[L", "1\n\n2\n3", 0, 1},
	{"DL moves up", "1\r\n2\r\n3\x1b[1;1H\x1b[M", "2\n3", 0, 0},
	{"IL outside the region does nothing", "1\r\n2\x1b[3;4r\x1b[1;1H\x1b[L", "1\n2", 0, 0},
	{"a region scrolls alone", "1\r\n2\r\n3\r\n4\r\n5\x1b[2;4r\x1b[4;1H\nX", "1\n3\n4\nX\n5", 1, 3},
	{"RI scrolls a region down", "1\r\n2\r\n3\r\n4\r\n5\x1b[2;4r\x1b[2;1H\x1bMX", "1\nX\n2\n3\n5", 1, 1},
	{"below the region nothing scrolls", "1\x1b[1;3r\x1b[5;1H\n\nX", "1\n\n\n\nX", 1, 4},
	{"SU and SD", "1\r\n2\r\n3\x1b[S\x1b[2T", "\n\n2\n3", 1, 2},
	{"DECSTBM goes home", "abc\x1b[2;4rX", "Xbc", 1, 0},
	{"a region without a bottom goes to the last row", "\x1b[2;3r\x1b[0;0r\x1b[5;1H\nX", "\n\n\n\nX", 1, 4},
	{"a region of one row is none", "\x1b[2;2r\x1b[5;1H\nX", "\n\n\n\nX", 1, 4},
	{"in origin mode CUP counts from the region", "\x1b[2;4r\x1b[?6h\x1b[1;1HA\x1b[9;1HB", "\nA\n\nB", 1, 3},
	{"DECSC keeps place, mode and characters", "ab\x1b[?6h\x1b(0\x1b7\x1b[?6l\x1b(B\x1b[3;3Hq\x1b8q", "─b\n\n  q", 1, 0},
	{"DECRC without DECSC goes home", "\x1b[3;3H\x1b8X", "X", 1, 0},
	{"the alternate screen is another", "main\x1b[?1049h\x1b[Halt", "alt", 3, 0},
	{"1049 brings back the main one and the cursor", "main\x1b[?1049h\x1b[Halt\x1b[?1049l!", "main!", 5, 0},
	{"47 leaves the cursor where it is", "main\x1b[?47h\x1b[3;1Halt\x1b[?47l!", "main\n\n   !", 4, 2},
	{"the alternate screen is empty each time", "\x1b[?1049halt\x1b[?1049l\x1b[?1049h", "", 0, 0},
	{"tabs stop every eight columns", "a\tb\tc", "a       bc", 9, 0},
	{"HTS and TBC", "\x1b[3g\x1b[1;4H\x1bH\r\tX\r\x1b[1;4H\x1b[g\r\tY", "   X     Y", 9, 0},
	{"CHT and CBT", "\x1b[IX\x1b[ZY", "        Y", 9, 0},
	{"REP repeats what was printed", "a\x1b[3bc", "aaaac", 5, 0},
	{"DEC Special Graphics draws lines", "\x1b(0lqk\x1b(Blqk", "┌─┐lqk", 6, 0},
	{"SO and SI shift", "\x1b)0q\x0eq\x0fq", "q─q", 3, 0},
	{"DECALN fills the screen", "\x1b#8", "EEEEEEEEEE\nEEEEEEEEEE\nEEEEEEEEEE\nEEEEEEEEEE\nEEEEEEEEEE", 0, 0},
	{"LNM has a newline return", "ab\x1b[20h\ncd", "ab\ncd", 2, 1},
	{"NEL and IND", "ab\x1bEcd\x1bDef", "ab\ncd\n  ef", 4, 2},
	{"RIS begins anew", "abc\x1b[4h\x1b[2;3r\x1bcde", "de", 2, 0},
	{"DECSTR leaves the text", "abc\x1b[4h\x1b[!p\x1b[1;1HX", "Xbc", 1, 0},
	{"wide characters take two columns", "日本x", "日本x", 5, 0},
	{"a wide one that does not fit wraps", "012345678日x", "012345678\n日x", 3, 1},
	{"without autowrap a wide one that does not fit is not shown", "\x1b[?7l012345678日", "012345678", 9, 0},
	{"half of a wide one that is overwritten is a blank", "日本\x1b[1;2HX", " X本", 2, 0},
	{"the other half, too", "日本\x1b[1;3HX", "日X", 3, 0},
	{"erasing half of a wide one erases it", "a日b\x1b[1;3H\x1b[X", "a  b", 2, 0},
	{"combining characters join the one before", "e\u0301x", "e\u0301x", 2, 0},
	{"a combining one at the edge stays there", "012345678e\u0301x", "012345678e\u0301\nx", 1, 1},
	{"a combining one with nothing before is dropped", "\u0301x", "x", 1, 0},
	{"an emoji of several is one", "👩\u200d🚀x", "👩\u200d🚀x", 3, 0},
	{"what is no UTF-8 is shown as such", "a\xffb\xe2\x82c", "a\ufffdb\ufffd\ufffdc", 6, 0},
	{"a sequence goes on behind a control", "ab\x1b[1\r;3HX", "abX", 3, 0},
	{"CAN ends a sequence", "\x1b[1\x18ab", "ab", 2, 0},
	{"ESC in a sequence begins another", "\x1b[1\x1b[2;2HX", "\n X", 2, 1},
	{"unknown sequences show nothing", "a\x1b[99z\x1b[?9999h\x1b[>1;2x\x1b%Gb", "ab", 2, 0},
	{"texts for the terminal show nothing", "a\x1b]52;c;Zm9v\ab\x1bPq#0\x1b\\c\x1b_x\x1b\\d\x1b^y\x1b\\e\x1bXz\x1b\\f", "abcdef", 6, 0},
	{"a text ends with ST, too", "\x1b]2;t\x1b\\x", "x", 1, 0},
	{"reverse wrap goes to the row above", "\x1b[?45h0123456789a\b\bX", "012345678X\na", 9, 0},
}

func TestSequences(t *testing.T) {
	for _, tt := range sequences {
		t.Run(tt.does, func(t *testing.T) {
			s := New(10, 5)
			s.Write([]byte(tt.written))
			if got := s.text(); got != tt.shows {
				t.Errorf("%q shows\n%s\nwant\n%s", tt.written, got, tt.shows)
			}
			if s.cursor.x != tt.x || s.cursor.y != tt.y {
				t.Errorf("%q: the cursor is in column %d of row %d, want %d of %d", tt.written, s.cursor.x, s.cursor.y, tt.x, tt.y)
			}
		})
	}
}

func TestRenditions(t *testing.T) {
	for _, tt := range []struct {
		sgr  string
		want style
	}{
		{"1;3", style{attrs: bold | italic}},
		{"1;2;22", style{}},
		{"31;42", style{fg: indexed | 1, bg: indexed | 2}},
		{"97;100", style{fg: indexed | 15, bg: indexed | 8}},
		{"38;5;200", style{fg: indexed | 200}},
		{"48;2;1;2;3", style{bg: direct | 0x010203}},
		{"38:2:1:2:3", style{fg: direct | 0x010203}},
		{"38:2::1:2:3;1", style{fg: direct | 0x010203, attrs: bold}},
		{"38:5:9;4", style{fg: indexed | 9, attrs: 1 << underlineShift}},
		{"4:3;58:2::9:8:7", style{attrs: 3 << underlineShift, line: direct | 0x090807}},
		{"21", style{attrs: 2 << underlineShift}},
		{"4;24", style{}},
		{"7;27;9;53", style{attrs: struck | overlined}},
		{"31;0", style{}},
		{"31;;1", style{attrs: bold}},
		{"38;5", style{}},
		{"38;2;1;2", style{}},
		{"38;5;999;1", style{attrs: bold}},
	} {
		s := New(10, 5)
		s.Write([]byte("\x1b[" + tt.sgr + "mx"))
		if got := s.main[0].cells[0].style; got != tt.want {
			t.Errorf("SGR %s makes %+v, want %+v", tt.sgr, got, tt.want)
		}
		if diff := cmp.Diff(s.state(), redrawn(s).state()); diff != "" {
			t.Errorf("SGR %s is redrawn otherwise: %s", tt.sgr, diff)
		}
	}
}

func TestErasedCellsHaveTheBackground(t *testing.T) {
	s := New(4, 1)
	s.Write([]byte("ab\x1b[41m\x1b[K"))
	if got := s.main[0].cells[3]; got != blank(indexed|1) {
		t.Errorf("erased with a red background: %+v", got)
	}
}

func TestQuestionsAreAnswered(t *testing.T) {
	for _, tt := range []struct{ written, want string }{
		{"\x1b[c", "\x1b[?1;2c"},
		{"\x1b[>c", "\x1b[>0;0;0c"},
		{"\x1b[5n", "\x1b[0n"},
		{"\x1b[3;4H\x1b[6n", "\x1b[3;4R"},
		{"\x1b[2;4r\x1b[?6h\x1b[2;1H\x1b[6n", "\x1b[2;1R"},
		{"\x1b[>q", "\x1bP>|sallyport\x1b\\"},
		{"\x1b[?2004h\x1b[?2004$p", "\x1b[?2004;1$y"},
		{"\x1b[?25l\x1b[?25$p", "\x1b[?25;2$y"},
		{"\x1b[?9999$p", "\x1b[?9999;0$y"},
		{"\x1b[4h\x1b[4$p", "\x1b[4;1$y"},
		{"\x1b[18t", "\x1b[8;5;10t"},
		{"\x1b[2;3r\x1bP$qr\x1b\\", "\x1bP1$r2;3r\x1b\\"},
		{"\x1b[1;31m\x1bP$qm\x1b\\", "\x1bP1$r0;1;31m\x1b\\"},
		{"\x1bP$qz\x1b\\", "\x1bP0$r\x1b\\"},
		{"\x1bP+q544e\x1b\\", "\x1bP0+r\x1b\\"},
		{"\x1b[>5u\x1b[?u", "\x1b[?5u"},
		{"\x1b]11;?\a", ""},
	} {
		s := New(10, 5)
		got := []string{}
		s.Asked = func(_, answer string) { got = append(got, answer) }
		s.Write([]byte(tt.written))
		if diff := cmp.Diff([]string{tt.want}, got); diff != "" {
			t.Errorf("%q is answered: %s", tt.written, diff)
		}
	}
}

// states are what is written, besides sequences, to bring a screen into states
// that are hard to redraw.
var states = []string{
	"\x1b[?1h\x1b=\x1b[?2004h\x1b[?1002h\x1b[?1006h\x1b[?1004h\x1b[?25l\x1b[4 q\x1b[?12h\x1b[>4;2m",
	"\x1b]0;both\a\x1b]1;icon\a\x1b[22;0t\x1b]2;window\a",
	"text\x1b[?1049h\x1b[2;4r\x1b[?6h\x1b[31m\x1b7\x1b[2;2Halt\x1b[>1u\x1b[>3u",
	"0123456789\x1b[?1049h",
	"0123456789\x1b7\x1b[2;2H",
	"\x1b(0\x1b)A\x0e\x1b7\x1b(B\x0f\x1b[2;3rlqk",
	"1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n\x1b[1;31m7\x1b[m8",
	"0123456789abcdefghij0123456789abcdefghij0123456789abcdefghijklm",
	"\x1b[3;4r0123456789abcdefghij0123456789\n\n",
	"\x1b[44m\x1b[2J\x1b[7mx",
	"012345678日本語\r\n\r\n\r\n\r\n\x1b[4h",
	"👩\u200d\x1b[C🚀\x1b[1;3H\x1b[P",
	"\x1b[3g\x1b[1;3H\x1bH\x1b[?7l\x1b[20h\x1b[?5h",
	"half a sequence\x1b[38;5", "half a character \xe6\x97", "half a title\x1b]2;ab", "nearly a title\x1b]2;ab\x1b",
	strings.Repeat("e\u0301\u0302 ", 9),
	"\x1b]8;;http://a/\x1b\\link\x1b]8;;\x1b\\ none", "\x1b]8;id=7:x=y;http://a/;b\a\x1b[1mbold li\x1b[mnk over rows",
	"\x1b]8;;a:\a0123456789", "\x1b]8;;a:\ax\x1b7\x1b]8;;b:\ay\x1b[?1049hz", "\x1b]8;;a:\ax\x1b[?1049h\x1b]8;;\ay",
	"\x1b]8;;a:\a" + strings.Repeat("rows ", 20), "\x1b]8;;a:\ax\x1b[!py", "\x1b]8;;a:\a\x1b[44m\x1b[2Jx", "\x1b]8;;http://\xe9/\ax",
}

func TestRedrawBringsAnotherScreenToTheSameState(t *testing.T) {
	written := states
	for _, tt := range sequences {
		written = append(written, tt.written)
	}
	for _, w := range written {
		s := New(10, 5)
		s.Write([]byte(w))
		if diff := cmp.Diff(s.state(), redrawn(s).state()); diff != "" {
			t.Errorf("%q is redrawn by %q, otherwise: %s", w, s.Redraw(), diff)
		}
		other := New(10, 5)
		other.Write([]byte("\x1b[31mother\x1b[?1049h\x1b[?1000h\x1b[2;3r\x1b[4h"))
		other.Write(s.Repaint())
		s.history = history{}
		s.modes.keyboard, other.modes.keyboard = [2]keyboards{}, [2]keyboards{}
		s.titles.stack, other.titles.stack = nil, nil
		if !s.onAlt && s.saved[0] == (cursor{}) {
			other.saved[0] = cursor{}
		}
		if diff := cmp.Diff(s.state(), other.state()); diff != "" {
			t.Errorf("%q is repainted by %q, otherwise: %s", w, s.Repaint(), diff)
		}
	}
}

func TestLeaveMakesATerminalUsualAgain(t *testing.T) {
	for _, w := range states {
		s := New(10, 5)
		s.Write([]byte(w))
		s.parser.end() // what was half of a sequence is never more
		s.Write(s.Leave())
		if s.onAlt || s.modes.set != newModes().set || s.modes.mouse != 0 || s.cursor.style != (style{}) || s.cursor.origin || s.top != 0 || s.cursor.x != 0 {
			t.Errorf("%q was left in the state %s", w, s.state())
		}
	}
}

func TestPiecesMakeTheSameScreen(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var all []byte
	for _, tt := range sequences {
		all = append(all, tt.written...)
	}
	whole := New(10, 5)
	whole.Write(all)
	for range 50 {
		pieces := New(10, 5)
		for rest := all; len(rest) > 0; {
			n := min(1+r.IntN(7), len(rest))
			pieces.Write(rest[:n])
			rest = rest[n:]
		}
		if diff := cmp.Diff(whole.state(), pieces.state()); diff != "" {
			t.Fatal(diff)
		}
	}
}

// TestTextIsWhatItsCellsWouldBe compares a screen with one that keeps no row as
// text.
func TestTextIsWhatItsCellsWouldBe(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	parts := []string{"word", "word ", "  ", "a line of text, longer than the row", strings.Repeat("0123456789", 3), "\r\n", "\r\n", "\r\n", "\n", "\t", "\r", "\b",
		"\x1b[31mred", "\x1b[m", "\x1b[44m", "\x1b[K", "\x1b[2L", "\x1b[4h", "\x1b[4l", "\x1b[?7l", "\x1b[?7h", "\x1b[2;4r", "\x1b[r", "\x1bM", "\x1b7", "\x1b8",
		"\x1b[?1049h", "\x1b[?1049l", "日本", "é", "e\u0301", "\x1b(0", "\x1b(B", "\x1b[5b", "\x1b[99;1H"}
	plain := 12 // as many of them are, and come more often
	for range 300 {
		s, cells := New(10, 5), New(10, 5)
		var written []string
		for range 60 {
			part := parts[r.IntN(plain)]
			if r.IntN(8) == 0 {
				part = parts[r.IntN(len(parts))]
			}
			written = append(written, part)
			s.Write([]byte(part))
			for i := range len(part) {
				cells.Write([]byte(part[i : i+1]))
				cells.settle()
			}
		}
		if diff := cmp.Diff(cells.state(), s.state()); diff != "" {
			t.Fatalf("%q (-cells +text): %s", written, diff)
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	s := New(80, 24)
	for i := range HistoryLines + 100 {
		fmt.Fprintf(s, "line %d\r\n", i)
	}
	if n := s.history.len(); n != HistoryLines {
		t.Errorf("it keeps %d lines, want %d", n, HistoryLines)
	}
	if got := string(s.history.at(0).text); got != "line 77" {
		t.Errorf("the oldest line is %q", got)
	}
	wide := New(maxSide, 2)
	var long bytes.Buffer
	for i := range maxSide {
		fmt.Fprintf(&long, "\x1b[38;2;%d;%d;9m#", i%256, i/256)
	}
	for range 900 {
		wide.Write(long.Bytes())
	}
	if wide.history.bytes > HistoryBytes || wide.history.bytes < HistoryBytes/2 {
		t.Errorf("it keeps %d bytes, want nearly %d", wide.history.bytes, HistoryBytes)
	}
}

func TestResize(t *testing.T) {
	const lines = "1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7"
	for _, tt := range []struct {
		does, written string
		cols, rows    int
		shows         string
		x, y          int
	}{
		{"text flows into a narrower screen", "0123456789", 5, 5, "01234\n56789", 4, 1},
		{"and back into a wider one", "0123456789abc", 20, 5, "0123456789abc", 13, 0},
		{"rows without room go to the history", lines, 10, 3, "5\n6\n7", 1, 2},
		{"and come back", lines, 10, 7, "1\n2\n3\n4\n5\n6\n7", 1, 6},
		{"blanks below the cursor go first", "1\r\n2", 10, 2, "1\n2", 1, 1},
		{"the cursor stays in sight", lines + "\x1b[H", 10, 2, "3\n4", 0, 0},
		{"wide characters stay whole", "日本語", 5, 5, "日本\n語", 2, 1},
		{"lines of the history flow as well", "0123456789abc\r\n2\r\n3\r\n4\r\n5", 20, 5, "0123456789abc\n2\n3\n4\n5", 1, 4},
		{"and go on in the first row", "0123456789abc\r\n2\r\n3\r\n4\r\n5", 8, 6, "01234567\n89abc\n2\n3\n4\n5", 1, 5},
		{"the alternate screen is cut", "\x1b[?1049h\x1b[H0123456789\x1b[5;9Hx", 5, 3, "01234", 4, 2},
	} {
		t.Run(tt.does, func(t *testing.T) {
			s := New(10, 5)
			s.Write([]byte(tt.written))
			s.Resize(tt.cols, tt.rows)
			if got := s.text(); got != tt.shows || s.cursor.x != tt.x || s.cursor.y != tt.y {
				t.Errorf("it shows\n%s\nwith the cursor in column %d of row %d, want %d of %d and\n%s", got, s.cursor.x, s.cursor.y, tt.x, tt.y, tt.shows)
			}
			if diff := cmp.Diff(s.state(), redrawn(s).state()); diff != "" {
				t.Errorf("it is redrawn otherwise: %s", diff)
			}
		})
	}
}

func FuzzScreen(f *testing.F) {
	for _, tt := range sequences {
		f.Add([]byte(tt.written), uint16(3), uint8(7), uint8(4))
	}
	for _, w := range states {
		f.Add([]byte(w), uint16(9), uint8(12), uint8(3))
	}
	f.Fuzz(func(t *testing.T, written []byte, at uint16, cols, rows uint8) {
		s, pieces := New(10, 5), New(10, 5)
		s.Write(written)
		border := int(at) % (len(written) + 1)
		pieces.Write(written[:border])
		pieces.settle()
		pieces.Write(written[border:])
		if diff := cmp.Diff(s.state(), pieces.state()); diff != "" {
			t.Fatalf("cut at %d: %s", border, diff)
		}
		if diff := cmp.Diff(s.state(), redrawn(s).state()); diff != "" {
			t.Fatalf("redrawn by %q: %s", s.Redraw(), diff)
		}
		s.Resize(int(cols), int(rows))
		s.Write(written)
		s.Picture(int(rows), int(cols))
		s.Transcript()
		s.Resize(int(rows)+1, int(cols)+1)
		// The lines of the history are as wide as the screen was; only what they
		// say in a row is the same.
		again := redrawn(s)
		s.history, again.history = history{}, history{}
		if diff := cmp.Diff(s.state(), again.state()); diff != "" {
			t.Fatalf("resized and redrawn: %s", diff)
		}
		if len(s.parser.seq) > maxSequence || s.history.bytes > HistoryBytes {
			t.Fatalf("it has grown to %d and %d bytes", len(s.parser.seq), s.history.bytes)
		}
	})
}
