package vt

// Color is that of a cell: 0 is the terminal's own, else one of the palette or
// red, green and blue.
type Color uint32

const (
	indexed Color = 1 << 24
	direct  Color = 2 << 24
)

// attrs are what else SGR says of a cell.
type attrs uint16

const (
	bold attrs = 1 << iota
	faint
	italic
	blinking
	inverse
	hidden
	struck
	overlined

	underlineShift = 8 // three bits: none, single, double, curly, dotted, dashed
	underlines     = attrs(7) << underlineShift
)

type style struct {
	fg, bg, line Color // line is the underline's
	attrs        attrs
	link         uint16 // the hyperlink, see links; SGR leaves it alone
}

// half tells a cell that is a whole character from the two of a wide one.
type half uint8

const (
	whole half = iota
	head
	tail
)

// cell is one place of the screen. The zero value is a blank.
type cell struct {
	r     rune   // 0 is a space
	marks uint16 // the combining characters that follow r, see marks
	half  half
	style style
}

// row is a line of the screen. What scrolls moves all of them, so they are no
// more than references.
type row struct{ *content }

type content struct {
	cells   []cell
	wrapped bool // the text goes on in the next row, without a newline
	textual bool // it shows text, and its cells are blank, see text.go
	text    []byte
}

func blank(bg Color) cell { return cell{style: style{bg: bg}} }

func fill(cells []cell, c cell) {
	if c == (cell{}) {
		clear(cells)
		return
	}
	for i := range cells {
		cells[i] = c
	}
}

func newRows(cols, n int) []row {
	rows, contents := make([]row, n), make([]content, n)
	for i := range rows {
		rows[i].content = &contents[i]
		rows[i].cells = make([]cell, cols)
	}
	return rows
}

// used is how many cells there are up to the last that shows anything.
func (r row) used() int {
	n := len(r.cells)
	for n > 0 && r.cells[n-1] == (cell{}) {
		n--
	}
	return n
}

// split makes blanks of a wide character that lies across the border before
// column x: one half of it will be overwritten or moved.
func (r row) split(x int) {
	if x <= 0 || x >= len(r.cells) || r.cells[x].half != tail {
		return
	}
	for i := x - 1; i <= x; i++ {
		r.cells[i] = cell{style: r.cells[i].style}
	}
}
