package ui

import (
	"strings"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/uniseg"

	"sallyport/api"
)

// clean is the one way by which text from outside (host names, banners,
// prompts, comments, messages) comes onto the screen: nothing in the result
// acts on a terminal. Cells are drawn one by one, so that there is no markup
// in which such text could act either.
func clean(s string) string { return api.Printable(s) }

// rect is a part of the screen, in cells.
type rect struct{ x, y, w, h int }

func (r rect) has(x, y int) bool { return x >= r.x && x < r.x+r.w && y >= r.y && y < r.y+r.h }

// inner is what a border leaves.
func (r rect) inner() rect { return rect{r.x + 1, r.y + 1, max(0, r.w-2), max(0, r.h-2)} }

// span is text in one style.
type span struct {
	text  string
	style tcell.Style
}

// line is one row of text.
type line []span

func (l line) width() int {
	w := 0
	for _, s := range l {
		w += cells(s.text)
	}
	return w
}

// canvas draws on the screen, clipped to its rect; positions are those of the
// screen.
type canvas struct {
	screen tcell.Screen
	rect
	ascii bool
}

func (c canvas) within(r rect) canvas { c.rect = r; return c }

// text draws s from x on and returns the column after it.
func (c canvas) text(x, y int, s string, style tcell.Style) int {
	state := -1
	for s != "" {
		var cluster string
		var w int
		cluster, s, w, state = uniseg.FirstGraphemeClusterInString(s, state)
		if y < c.y || y >= c.y+c.h || x+w > c.x+c.w {
			return x
		}
		if w == 0 {
			continue // a combining mark without a base
		}
		if x >= c.x {
			c.put(x, y, cluster, w, style)
		}
		x += w
	}
	return x
}

func (c canvas) put(x, y int, cluster string, w int, style tcell.Style) {
	if c.ascii {
		cluster = asciiFor(cluster, w)
	}
	c.screen.Put(x, y, cluster, style)
	if c.ascii && w == 2 {
		c.screen.Put(x+1, y, cluster[1:], style)
	}
}

func (c canvas) line(x, y int, l line) {
	for _, s := range l {
		x = c.text(x, y, s.text, s.style)
	}
}

func (c canvas) fill(r rect, style tcell.Style) {
	for y := r.y; y < r.y+r.h; y++ {
		c.text(r.x, y, strings.Repeat(" ", r.w), style)
	}
}

// frame draws a border with a title in its upper edge.
func (c canvas) frame(r rect, title line, style tcell.Style) {
	if r.w < 2 || r.h < 2 {
		return
	}
	edge := strings.Repeat("─", r.w-2)
	c.text(r.x, r.y, "┌"+edge+"┐", style)
	for y := r.y + 1; y < r.y+r.h-1; y++ {
		c.text(r.x, y, "│", style)
		c.text(r.x+r.w-1, y, "│", style)
	}
	c.text(r.x, r.y+r.h-1, "└"+edge+"┘", style)
	if len(title) > 0 && r.w > 6 {
		c.line(r.x+1, r.y, fitLine(append(append(line{{" ", style}}, title...), span{" ", style}), r.w-3))
	}
}

// band is a frame without sides: what stands in it can be marked with a mouse.
func (c canvas) band(r rect, title line, style tcell.Style) {
	edge := strings.Repeat("─", r.w)
	c.text(r.x, r.y, edge, style)
	c.text(r.x, r.y+r.h-1, edge, style)
	c.line(r.x+1, r.y, append(append(line{{" ", style}}, title...), span{" ", style}))
}

// cells is the width of s on the screen.
func cells(s string) int {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return uniseg.StringWidth(s)
		}
	}
	return len(s)
}

// fit cuts s to w cells, with an ellipsis for what is missing.
func fit(s string, w int) string {
	if cells(s) <= w {
		return s
	}
	if w < 1 {
		return ""
	}
	head, _ := split(s, w-1)
	return head + "…"
}

// fitEnd is fit for text whose end matters.
func fitEnd(s string, w int) string {
	over := cells(s) - w
	if over <= 0 {
		return s
	}
	if w < 1 {
		return ""
	}
	_, tail := split(s, over+1)
	for tail != "" && cells(tail) > w-1 { // a wide character at the cut
		_, tail = split(tail, 2)
	}
	return "…" + tail
}

// fitLine is fit for a line of spans.
func fitLine(l line, w int) line {
	if l.width() <= w {
		return l
	}
	var out line
	for _, s := range l {
		n := cells(s.text)
		if n >= w {
			return append(out, span{fit(s.text+"…", w), s.style})
		}
		out = append(out, s)
		w -= n
	}
	return out
}

// pad fills s up to w cells, or cuts it.
func pad(s string, w int) string {
	s = fit(s, w)
	return s + strings.Repeat(" ", max(0, w-cells(s)))
}

// split takes as many characters from s as fit into w cells.
func split(s string, w int) (head, tail string) {
	rest, state, used := s, -1, 0
	for rest != "" {
		_, next, n, st := uniseg.FirstGraphemeClusterInString(rest, state)
		if used+n > w {
			break
		}
		used, rest, state = used+n, next, st
	}
	return s[:len(s)-len(rest)], rest
}

// wrapLimit is how many rows a text may have: what is longer was written to
// be in the way.
const wrapLimit = 200

// wrap breaks s into rows of at most w cells, at spaces where there are some.
// It takes time in proportion to the length of s.
func wrap(s string, w int) []string {
	if w < 1 {
		return nil
	}
	var rows []string
	for paragraph := range strings.SplitSeq(s, "\n") {
		text := strings.TrimLeft(paragraph, " ")
		row, used := "", 0
		word := func(word, before string) {
			n := cells(word)
			if used+len(before)+n > w {
				if used > 0 {
					rows = append(rows, row)
				}
				row, used, before = "", 0, ""
			}
			if n > w {
				var cut []string
				cut, word = chop(word, w)
				rows, n = append(rows, cut...), cells(word)
			}
			row, used = row+before+word, used+len(before)+n
		}
		before := paragraph[:len(paragraph)-len(text)]
		for part := range strings.SplitSeq(text, " ") {
			word(part, before)
			before = " "
			if len(rows) >= wrapLimit {
				return append(rows[:wrapLimit-1], "…")
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// chop cuts pieces of w cells from s and returns them and the rest.
func chop(s string, w int) (pieces []string, rest string) {
	for len(pieces) < wrapLimit {
		head, tail := split(s, w)
		if tail == "" || head == "" {
			break
		}
		pieces, s = append(pieces, head), tail
	}
	return pieces, fit(s, w)
}

// wrapPath is wrap for one value, which had better break after a slash or a
// comma than within a word. The rows after the first have a width of their
// own.
func wrapPath(s string, first, others int) []string {
	if cells(s) <= first {
		return []string{s}
	}
	var rows []string
	row, used, w := "", 0, first
	end := func() { rows, row, used, w = append(rows, row), "", 0, others }
	for s != "" {
		n := strings.IndexAny(s, "/, ") + 1
		if n == 0 {
			n = len(s)
		}
		part := s[:n]
		s = s[n:]
		if used > 0 && used+cells(strings.TrimRight(part, " ")) > w {
			end()
		}
		for used == 0 && len(rows) < wrapLimit {
			head, tail := split(part, w)
			if head == "" || strings.Trim(tail, " ") == "" {
				break
			}
			if _, over := split(part, others); over != "" || len(rows) > 0 {
				row, part = head, tail
			} // else it need not be broken in the next row
			end()
		}
		if len(rows) >= wrapLimit {
			return append(rows[:wrapLimit-1], "…")
		}
		row, used = row+part, used+cells(part)
	}
	return append(rows, row)
}
