package vt

import "strconv"

// rendition changes a style as SGR says (ECMA-48 section 8.3.117, and xterm's
// colours).
func (st *style) rendition(p *params) {
	if p.n == 0 {
		*st = style{link: st.link}
	}
	for i := 0; i < p.n; i++ {
		end := i + 1
		for end < p.n && p.sub[end] {
			end++ // what follows a colon belongs to its parameter
		}
		switch v := p.at(i, 0); v {
		case 4:
			st.underline(1)
			if end > i+1 {
				st.underline(p.at(i+1, 0))
			}
		case 38, 48, 58:
			c, used := color(p, i+1, end)
			switch {
			case c == 0:
			case v == 38:
				st.fg = c
			case v == 48:
				st.bg = c
			default:
				st.line = c
			}
			end = max(end, i+1+used)
		default:
			st.set(v)
		}
		i = end - 1
	}
}

// on and off are the attributes that a parameter switches.
var (
	on  = map[int]attrs{1: bold, 2: faint, 3: italic, 5: blinking, 6: blinking, 7: inverse, 8: hidden, 9: struck, 53: overlined}
	off = map[int]attrs{22: bold | faint, 23: italic, 24: underlines, 25: blinking, 27: inverse, 28: hidden, 29: struck, 55: overlined}
)

func (st *style) set(v int) {
	switch {
	case v == 0:
		*st = style{link: st.link}
	case v == 21:
		st.underline(2)
	case v >= 30 && v <= 37:
		st.fg = indexed | Color(v-30)
	case v == 39:
		st.fg = 0
	case v >= 40 && v <= 47:
		st.bg = indexed | Color(v-40)
	case v == 49:
		st.bg = 0
	case v == 59:
		st.line = 0
	case v >= 90 && v <= 97:
		st.fg = indexed | Color(v-90+8)
	case v >= 100 && v <= 107:
		st.bg = indexed | Color(v-100+8)
	default:
		st.attrs = st.attrs&^off[v] | on[v]
	}
}

func (st *style) underline(kind int) {
	if kind <= 5 {
		st.attrs = st.attrs&^underlines | attrs(kind)<<underlineShift
	}
}

// color reads what follows 38, 48 or 58 from parameter i on, and how many
// parameters it took; 0 is no colour. With colons, up to end, there may be a
// colour space before red, green and blue (ISO 8613-6).
func color(p *params, i, end int) (c Color, used int) {
	switch p.at(i, 0) {
	case 5:
		if v := p.at(i+1, -1); v >= 0 && v <= 255 {
			c = indexed | Color(v)
		}
		return c, 2
	case 2:
		first := i + 1
		if end-i >= 5 {
			first++
		}
		c = direct
		for k := range 3 {
			v := p.at(first+k, 0)
			if v > 255 || first+k >= p.n {
				return 0, first + 3 - i
			}
			c |= Color(v) << (16 - 8*k)
		}
		return c, first + 3 - i
	}
	return 0, 0
}

// sgrOrder are the attributes by their parameters.
var sgrOrder = []struct {
	a attrs
	n byte
}{{bold, '1'}, {faint, '2'}, {italic, '3'}, {blinking, '5'}, {inverse, '7'}, {hidden, '8'}, {struck, '9'}}

// appendSGR writes the sequence that sets a style, whatever it was before. It
// leaves hyperlinks alone.
func appendSGR(b []byte, st style) []byte {
	st.link = 0
	b = append(b, "\x1b["...)
	if st == (style{}) {
		return append(b, 'm')
	}
	b = append(b, '0')
	for _, o := range sgrOrder {
		if st.attrs&o.a != 0 {
			b = append(b, ';', o.n)
		}
	}
	if st.attrs&overlined != 0 {
		b = append(b, ";53"...)
	}
	switch kind := st.attrs & underlines >> underlineShift; kind {
	case 0:
	case 1:
		b = append(b, ";4"...)
	case 2:
		b = append(b, ";21"...)
	default:
		b = append(b, ";4:"...)
		b = append(b, '0'+byte(kind))
	}
	b = appendColor(b, st.fg, 30)
	b = appendColor(b, st.bg, 40)
	if st.line != 0 {
		b = appendFar(append(b, ";58"...), st.line, ':')
	}
	return append(b, 'm')
}

// appendColor writes a colour whose first parameter is base: the first 16 of
// the palette have parameters of their own.
func appendColor(b []byte, c Color, base int64) []byte {
	n := int64(c & 0xff)
	switch {
	case c == 0:
		return b
	case c&indexed != 0 && n < 8:
		return strconv.AppendInt(append(b, ';'), base+n, 10)
	case c&indexed != 0 && n < 16:
		return strconv.AppendInt(append(b, ';'), base+60+n-8, 10)
	}
	return appendFar(strconv.AppendInt(append(b, ';'), base+8, 10), c, ';')
}

func appendFar(b []byte, c Color, sep byte) []byte {
	if c&indexed != 0 {
		return strconv.AppendInt(append(b, sep, '5', sep), int64(c&0xff), 10)
	}
	b = append(b, sep, '2')
	if sep == ':' {
		b = append(b, sep) // no colour space
	}
	for shift := 16; shift >= 0; shift -= 8 {
		b = strconv.AppendInt(append(b, sep), int64(c>>shift&0xff), 10)
	}
	return b
}
