package ui

import "slices"

// rank sorts what is found: by score, then the shorter alias, then file order.
func (x *index) rank(i, score int) uint64 {
	short := min(x.alias[i].chars.Length(), 1<<12-1)
	return uint64(1<<20-min(score, 1<<20))<<hostBits<<12 | uint64(short)<<hostBits | uint64(i)
}

// hostBits of a rank, the lowest, are the host.
const hostBits = 32

// ranks is the host that was ranked.
func ranks(rank uint64) int { return int(rank & (1<<hostBits - 1)) }

// fewRanks are sorted faster by comparing them.
const fewRanks = 1 << 10

// sortRanks sorts the ranks of hosts in file order. It goes through them once
// for each byte above the host, the lowest first, and puts them in the order
// of that byte, which keeps those with the same byte as they are; a quarter of
// what a key costs at 50,000 hosts would be their comparing. It needs as much
// room as they take, and returns it for the next time.
func sortRanks(ranks, spare []uint64) []uint64 {
	if len(ranks) < fewRanks {
		slices.Sort(ranks)
		return spare
	}
	spare = slices.Grow(spare[:0], len(ranks))[:len(ranks)]
	from, to := ranks, spare
	for shift := hostBits; shift < 64; shift += 8 {
		if place, differ := byByte(from, shift); differ {
			for _, r := range from {
				b := byte(r >> shift)
				to[place[b]] = r
				place[b]++
			}
			from, to = to, from
		}
	}
	copy(ranks, from)
	return spare
}

// byByte tells where the first rank with each value of a byte belongs, and
// whether there is more than one value.
func byByte(ranks []uint64, shift int) (first [256]int, differ bool) {
	for _, r := range ranks {
		first[byte(r>>shift)]++
	}
	sum := 0
	for b, n := range first {
		differ = differ || n > 0 && n < len(ranks)
		first[b], sum = sum, sum+n
	}
	return first, differ
}
