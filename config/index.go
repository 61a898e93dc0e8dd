package config

import "slices"

// index finds the blocks of a file that may apply to a host. It is made when
// the first host is resolved: the list of all hosts is there sooner without.
type index struct {
	exact map[string]int32 // the last of the links of a plain Host name
	links []link
	open  []int32 // blocks that a look-up by name does not settle, in order
}

// link chains the blocks that name a host.
type link struct {
	block    int32
	previous int32 // -1 for the first
}

func (f *file) newIndex() *index {
	x := &index{exact: make(map[string]int32, len(f.blocks)), links: make([]link, 0, len(f.blocks))}
	for i, b := range f.blocks {
		if b.kind == kMatch || b.loud || b.kind == kHost && !x.enter(int32(i), f.directives[b.from].rest) {
			x.open = append(x.open, int32(i))
		}
	}
	return x
}

// enter takes the names of a Host line. It reports false where they hold
// patterns, so that the line must be looked at for each host.
func (x *index) enter(block int32, line string) bool {
	var buf [8]string
	patterns, _ := splitWords(line, buf[:0])
	for _, p := range patterns {
		if !plain(p) {
			return false
		}
	}
	for _, p := range patterns {
		previous := int32(-1)
		if at, ok := x.exact[p]; ok {
			previous = at
		}
		x.links = append(x.links, link{block, previous})
		x.exact[p] = int32(len(x.links) - 1)
	}
	return true
}

// named are the blocks that name a host without patterns, in order.
func (x *index) named(host string, blocks []int32) []int32 {
	at, ok := x.exact[host]
	for ok && at >= 0 {
		if n := len(blocks); n == 0 || blocks[n-1] != x.links[at].block {
			blocks = append(blocks, x.links[at].block)
		}
		at = x.links[at].previous
	}
	slices.Reverse(blocks)
	return blocks
}
