package config

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable is s with everything that a terminal could act on made visible:
// control characters (C0, DEL, C1), invalid UTF-8, and bidirectional marks.
// Newlines and tabs are shown too. Text from outside passes through it before
// it reaches a person.
//
// A byte is shown as \x1b, a character as \u202e. Text that is already
// printable comes back as it is, without a copy, so applying it twice does
// nothing more.
func Printable(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return printableFrom(s, i)
		}
	}
	return s
}

// printableFrom does the work once something other than plain ASCII was met.
func printableFrom(s string, i int) string {
	var b strings.Builder
	start := 0
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		if shown := visible(r, size, s[i]); shown != "" {
			b.WriteString(s[start:i])
			b.WriteString(shown)
			start = i + size
		}
		i += size
	}
	if start == 0 {
		return s
	}
	b.WriteString(s[start:])
	return b.String()
}

// visible is how to show a character that must not reach a terminal, "" for
// one that may.
func visible(r rune, size int, first byte) string {
	switch {
	case r == utf8.RuneError && size <= 1, r < ' ', r == 0x7f:
		return fmt.Sprintf(`\x%02x`, first)
	case r < 0x7f, unicode.IsGraphic(r) && !unicode.Is(unicode.Zl, r) && !unicode.Is(unicode.Zp, r) && !tagOrFiller(r):
		return ""
	case joiner(r):
		return ""
	case r > 0xffff:
		return fmt.Sprintf(`\U%08x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// joiner tells the format characters without which scripts and emoji fall
// apart: they have no direction and do nothing to a terminal.
func joiner(r rune) bool { return r == 0x200c || r == 0x200d }

// tagOrFiller tells graphic characters that show nothing: they would hide in
// a name.
func tagOrFiller(r rune) bool {
	return r == 0x115f || r == 0x1160 || r == 0x3164 || r == 0xffa0
}
