package vt

import (
	"unicode"

	"github.com/rivo/uniseg"
)

const joiner = '\u200d' // ZERO WIDTH JOINER

// width is how many cells a character takes: 0 for one that combines with the
// one before. It is that of wcwidth(3), by which programs count.
func width(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case r >= 0x1160 && r <= 0x11ff: // vowels and finals of Hangul, which join their initial
		return 0
	case r >= 0x1f1e6 && r <= 0x1f1ff: // regional indicators: two make a flag of two cells
		return 1
	case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Me, r), unicode.Is(unicode.Cf, r):
		return 0
	}
	switch uniseg.StringWidth(string(r)) {
	case 0:
		return 0
	case 2:
		return 2
	}
	return 1
}
