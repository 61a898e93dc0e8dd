package ui

import (
	"strings"

	"github.com/gdamore/tcell/v2"
)

// theme is every style that the screen uses. The background is always the
// terminal's own and the colours are those of its palette, so that it looks
// right on dark and on light ones.
type theme struct {
	plain, dim, bold    tcell.Style
	accent, title       tcell.Style
	border, focus       tcell.Style // the frame of a pane without and with the focus
	match               tcell.Style // what the search has found
	tab, key            tcell.Style
	up, busy, ask, bad  tcell.Style
	button, chosen      tcell.Style
	field               tcell.Style
	cursor              tcell.Style
	cursorElse, heading tcell.Style
}

const (
	red = iota + 1
	green
	yellow
	blue
	magenta
	cyan
)

func newTheme(noColor bool) theme {
	plain := tcell.StyleDefault
	ink := func(n int) tcell.Style {
		if noColor {
			return plain
		}
		return plain.Foreground(tcell.PaletteColor(n))
	}
	return theme{
		plain:      plain,
		dim:        plain.Dim(true),
		bold:       plain.Bold(true),
		accent:     ink(cyan),
		title:      plain.Bold(true),
		border:     plain.Dim(true),
		focus:      ink(cyan),
		match:      ink(cyan).Bold(true).Underline(true),
		tab:        plain.Bold(true).Reverse(true),
		key:        ink(cyan).Bold(true),
		up:         ink(green),
		busy:       ink(yellow),
		ask:        ink(magenta).Bold(true),
		bad:        ink(red),
		button:     plain,
		chosen:     plain.Bold(true).Reverse(true),
		field:      plain.Underline(true),
		cursor:     ink(cyan).Bold(true),
		cursorElse: plain.Dim(true),
		heading:    plain.Bold(true),
	}
}

// asciiTable gives each character of ours outside ASCII one of ASCII, one
// cell for one cell, so that nothing moves.
var asciiTable = map[string]string{
	"●": "*", "◐": "/", "◌": "~", "✗": "X", "✓": "v", "○": "o", "◆": "#", "⌂": "^", "⇄": "=", "≈": "~",
	"▌": ">", "▸": ">", "▶": ">", "→": ">", "─": "-", "│": "|", "┌": "+", "┐": "+", "└": "+", "┘": "+", "├": "+", "┤": "+",
	"…": ".", "⟨": "<", "⟩": ">", "•": "*", "↑": "^", "↓": "v", "·": "-", "▏": "_", "—": "-",
	"▁": "_", "▂": ".", "▃": ":", "▄": "-", "▅": "=", "▆": "+", "▇": "#", "█": "@",
}

// asciiFor is what stands for a character of w cells where only ASCII may be
// drawn.
func asciiFor(cluster string, w int) string {
	if len(cluster) == 1 && cluster[0] < 0x7f {
		return cluster
	}
	if a, ok := asciiTable[cluster]; ok {
		return a
	}
	return strings.Repeat("?", w)
}
