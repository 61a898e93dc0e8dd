package vt

// params are those of a control sequence.
type params struct {
	n      int
	values [maxParams]int  // -1 where none was given
	sub    [maxParams]bool // it follows a colon
}

const (
	maxParams = 32
	maxValue  = 65535
)

// at is a parameter, or what stands for it if it is missing.
func (p *params) at(i, missing int) int {
	if i >= p.n || p.values[i] < 0 {
		return missing
	}
	return p.values[i]
}

// count is a parameter that counts: 0 is 1 (ECMA-48, and DEC).
func (p *params) count(i int) int { return max(p.at(i, 1), 1) }

// function is what a control sequence asks for: its final byte, with the
// private and the intermediate byte if there are any.
type function struct{ private, intermediate, final byte }

// parseControl reads what follows CSI. Sequences whose bytes are not in order
// are none.
func parseControl(seq []byte) (f function, p params, ok bool) {
	f.final = seq[len(seq)-1]
	seq = seq[:len(seq)-1]
	if len(seq) > 0 && seq[0] >= '<' && seq[0] <= '?' {
		f.private = seq[0]
		seq = seq[1:]
	}
	if last := len(seq) - 1; last >= 0 && seq[last] < '0' {
		f.intermediate = seq[last]
		seq = seq[:last]
	}
	if len(seq) == 0 {
		return f, p, true
	}
	p.n, p.values[0] = 1, -1
	for _, c := range seq {
		switch {
		case c >= '0' && c <= '9':
			v := &p.values[p.n-1]
			*v = min(max(*v, 0)*10+int(c-'0'), maxValue)
		case c != ';' && c != ':':
			return f, p, false
		case p.n == maxParams:
			return f, p, true // further ones are nobody's
		default:
			p.values[p.n], p.sub[p.n] = -1, c == ':'
			p.n++
		}
	}
	return f, p, true
}
