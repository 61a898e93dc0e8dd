package ui

import (
	"slices"
	"strings"
	"unicode"

	"github.com/junegunn/fzf/src/algo"
	"github.com/junegunn/fzf/src/util"
)

func init() { algo.Init("default") }

// aliasBonus lets the alias win over an equally good match elsewhere.
const aliasBonus = 12

// searchable is a text that can be searched.
type searchable struct {
	chars util.Chars
	mask  uint64 // the letters and digits in it, for a quick no
	memo  [4]struct{ term, score int }
}

func newSearchable(s string) searchable {
	return searchable{chars: util.ToChars([]byte(s)), mask: letters([]rune(s))}
}

const anyLetter = 1<<36 - 1

// letters has a bit for each letter and digit of text. What is outside ASCII
// may be normalized to any letter, so it sets them all.
func letters(text []rune) uint64 {
	var m uint64
	for _, r := range text {
		switch r = unicode.ToLower(r); {
		case r >= 'a' && r <= 'z':
			m |= 1 << (r - 'a')
		case r >= '0' && r <= '9':
			m |= 1 << (26 + r - '0')
		case r > unicode.MaxASCII:
			return anyLetter
		}
	}
	return m
}

// index is what is known of each host for searching, in file order.
type index struct {
	alias []searchable
	more  [][]*searchable        // HostName, User, comment, file and tags, once they are known
	same  map[string]*searchable // fields by their text: many hosts have the same User
	place map[string]int
	slab  *util.Slab
	keys  []uint64 // kept for the next search
	terms int      // searched for so far, to number them
}

func newIndex(names []string) *index {
	x := &index{
		alias: make([]searchable, len(names)),
		more:  make([][]*searchable, len(names)),
		same:  map[string]*searchable{},
		place: make(map[string]int, len(names)),
		slab:  util.MakeSlab(16*1024, 2*1024),
	}
	for i, n := range names {
		x.alias[i] = newSearchable(clean(n))
		x.place[n] = i
	}
	return x
}

// add makes the fields of a name searchable.
func (x *index) add(name string, more []string) {
	i, ok := x.place[name]
	if !ok || x.more[i] != nil {
		return
	}
	fields := make([]*searchable, 0, 4)
	for _, f := range more {
		if f == "" || f == name {
			continue
		}
		if x.same[f] == nil {
			s := newSearchable(f)
			x.same[f] = &s
		}
		fields = append(fields, x.same[f])
	}
	x.more[i] = fields
}

// term is one word of a query. A capital in it makes capitals matter, as in
// fzf.
type term struct {
	runes []rune
	mask  uint64
	exact bool
	n     int // its number among all that were searched for
}

func terms(query string) []term {
	var out []term
	for _, word := range strings.Fields(query) {
		t := term{exact: strings.IndexFunc(word, unicode.IsUpper) >= 0}
		if !t.exact {
			word = strings.ToLower(word)
		}
		t.runes = algo.NormalizeRunes([]rune(word))
		t.mask = letters(t.runes)
		if t.mask == anyLetter {
			t.mask = 0
		}
		out = append(out, t)
	}
	return out
}

// match scores one text, 0 for no match; span is how many characters it takes
// there.
func (t term) match(s *searchable, slab *util.Slab) (score, span int) {
	if t.mask&^s.mask != 0 {
		return 0, 0
	}
	r, _ := algo.FuzzyMatchV2(t.exact, true, true, &s.chars, t.runes, false, slab)
	if r.Start < 0 {
		return 0, 0
	}
	return r.Score, r.End - r.Start
}

// matchField is match for a text other than the alias. The letters must be
// close together there, or everything would be found in a long comment.
func (t term) matchField(s *searchable, slab *util.Slab) int {
	m := &s.memo[t.n%len(s.memo)]
	if t.n > 0 && m.term == t.n {
		return m.score
	}
	score, span := t.match(s, slab)
	if span > 2*len(t.runes) {
		score = 0
	}
	m.term, m.score = t.n, score
	return score
}

// score is that of host i for all terms, 0 if one of them is nowhere in it.
func (x *index) score(i int, all []term) int {
	sum := 0
	for _, t := range all {
		best, _ := t.match(&x.alias[i], x.slab)
		if best > 0 {
			best += aliasBonus
		}
		for j := range x.more[i] {
			best = max(best, t.matchField(x.more[i][j], x.slab))
		}
		if best == 0 {
			return 0
		}
		sum += best
	}
	return sum
}

// search ranks the hosts that match query: by score, then the shorter alias,
// then file order. Only those in among are looked at; nil is all.
func (x *index) search(query string, among []int) []int {
	all := terms(query)
	for i := range all {
		x.terms++
		all[i].n = x.terms
	}
	x.keys = x.keys[:0]
	consider := func(i int) {
		if s := x.score(i, all); s > 0 {
			short := min(x.alias[i].chars.Length(), 1<<12-1)
			x.keys = append(x.keys, uint64(1<<20-min(s, 1<<20))<<44|uint64(short)<<32|uint64(i))
		}
	}
	if among == nil {
		for i := range x.alias {
			consider(i)
		}
	} else {
		for _, i := range among {
			consider(i)
		}
	}
	slices.Sort(x.keys)
	found := make([]int, len(x.keys))
	for n, k := range x.keys {
		found[n] = int(k & (1<<32 - 1))
	}
	return found
}

// marks are the places in text, counted in runes, that the query has found.
func marks(text, query string) map[int]bool {
	s := newSearchable(text)
	found := map[int]bool{}
	for _, t := range terms(query) {
		if _, at := algo.FuzzyMatchV2(t.exact, true, true, &s.chars, t.runes, true, nil); at != nil {
			for _, i := range *at {
				found[i] = true
			}
		}
	}
	return found
}
