package vt

import (
	"fmt"
	"strings"
	"testing"
)

func TestHyperlinksComeBack(t *testing.T) {
	for _, row := range []struct{ name, written, want string }{
		{"one in a row", "a\x1b]8;;http://x/\x1b\\b\x1b]8;;\x1b\\c", "a\x1b]8;;http://x/\x1b\\b\x1b]8;;\x1b\\c\r\n"},
		{"ended by BEL, with parameters", "\x1b]8;id=1;http://x/?a;b\ab\x1b]8;;\ac", "\x1b]8;id=1;http://x/?a;b\x1b\\b\x1b]8;;\x1b\\c\r\n"},
		{"SGR does not end it", "\x1b]8;;x:\a\x1b[1mb\x1b[mc", "\x1b]8;;x:\x1b\\\x1b[0;1mb\x1b[mc\x1b]8;;\x1b\\\r\n"},
		{"one after the other", "\x1b]8;;x:\ab\x1b]8;;y:\ac", "\x1b]8;;x:\x1b\\b\x1b]8;;y:\x1b\\c\x1b]8;;\x1b\\\r\n"},
		{"over the end of a row", "\x1b]8;;x:\a0123456789ab", "\x1b]8;;x:\x1b\\0123456789\x1b]8;;\x1b\\\r\n\x1b]8;;x:\x1b\\ab\x1b]8;;\x1b\\\r\n"},
		{"no address", "\x1b]8;id=1;\ab", "b\r\n"},
		{"no parameters", "\x1b]8;x:\ab", "b\r\n"},
		{"what is no address", "\x1b]8;;x:\xe9\ab", "b\r\n"},
		{"one that is too long", "\x1b]8;;" + strings.Repeat("x", maxLinkSize) + "\ab", "b\r\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := New(10, 5)
			s.Write([]byte(row.written))
			if got := string(s.Transcript()); got != row.want {
				t.Errorf("it is shown by %q, want %q", got, row.want)
			}
		})
	}
}

// TestHyperlinksAreForgotten once nothing on the screen belongs to them, so that
// they take a bounded room.
func TestHyperlinksAreForgotten(t *testing.T) {
	s := New(10, 5)
	long := strings.Repeat("x", 1000)
	for i := range 3 * maxLinkBytes / len(long) {
		fmt.Fprintf(s, "\x1b]8;;%s%d\a%d\r\n", long, i, i%10)
	}
	fmt.Fprintf(s, "\x1b]8;;%slast\alast", long)
	if s.links.bytes > maxLinkBytes {
		t.Errorf("they take %d bytes", s.links.bytes)
	}
	if got, want := s.styleState(s.row().cells[0].style), "xlast\""; !strings.Contains(got, want) {
		t.Errorf("the last one is %s, want %s", got, want)
	}
	fmt.Fprint(s, "\x1b]8;;\a\x1b[2J")
	for i := range 2 * maxLinks {
		fmt.Fprintf(s, "\x1b]8;;%d\ax\r", i)
	}
	if n := len(s.links.texts); n > maxLinks {
		t.Errorf("there are %d", n)
	}
}

// TestAHyperlinkEndsWithItsSession in the terminal that shows it.
func TestAHyperlinkEndsWithItsSession(t *testing.T) {
	s := New(10, 5)
	fmt.Fprint(s, "\x1b]8;;x:\ahalf of it")
	for name, shown := range map[string][]byte{"left": s.Leave(), "repainted": s.Repaint()} {
		if !strings.Contains(string(shown), "\x1b]8;;\x1b\\") {
			t.Errorf("%s by %q", name, shown)
		}
	}
	if quiet := New(10, 5); strings.Contains(string(quiet.Leave())+string(quiet.Repaint()), "]8;") {
		t.Error("where there was none one is ended")
	}
}
