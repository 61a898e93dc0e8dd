package ui

import (
	"cmp"
	"iter"
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
}

// attribute is a text other than an alias. It remembers the last terms, since
// many hosts may have it; an alias is looked at once a search, and all of them
// are gone through faster without that.
type attribute struct {
	searchable
	memo [4]struct {
		term, score int
		near        bool
	}
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

// index is what is known of each host for searching, in file order, and what
// the last search has found: a longer query looks only at that, and the same
// query only at what has become known since.
type index struct {
	alias []searchable
	more  [][]*attribute        // HostName, User, comment, file and tags, once they are known
	same  map[string]*attribute // by their text: many hosts have the same User
	place map[string]int
	slab  *util.Slab
	terms int // searched for so far, to number them

	last   string   // the query that was searched for last
	ranked []uint64 // what it has found, the best first: see rank
	near   []int    // all that a longer query can find, in file order
	fresh  []int    // what has become known since
	spare  []uint64 // for sorting
}

func newIndex(names []string) *index {
	x := &index{
		alias: make([]searchable, len(names)),
		more:  make([][]*attribute, len(names)),
		same:  map[string]*attribute{},
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
	fields := make([]*attribute, 0, 4)
	for _, f := range more {
		if f == "" || f == name {
			continue
		}
		if x.same[f] == nil {
			x.same[f] = &attribute{searchable: newSearchable(f)}
		}
		fields = append(fields, x.same[f])
	}
	x.more[i] = fields
	x.fresh = append(x.fresh, i)
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
// close together there, or everything would be found in a long comment; near
// tells that they are in it at all.
func (t term) matchField(f *attribute, slab *util.Slab) (score int, near bool) {
	m := &f.memo[t.n%len(f.memo)]
	if t.n > 0 && m.term == t.n {
		return m.score, m.near
	}
	score, span := t.match(&f.searchable, slab)
	if span > 2*len(t.runes) {
		score = 0
	}
	m.term, m.score, m.near = t.n, score, span > 0
	return score, m.near
}

// score is that of host i for all terms, 0 if one of them is nowhere in it.
// near tells that a longer query may still find the host.
func (x *index) score(i int, all []term) (sum int, near bool) {
	missed := false
	for _, t := range all {
		best, span := t.match(&x.alias[i], x.slab)
		if best > 0 {
			best += aliasBonus
		}
		found := span > 0
		for _, f := range x.more[i] {
			score, near := t.matchField(f, x.slab)
			best, found = max(best, score), found || near
		}
		if !found {
			return 0, false
		}
		missed = missed || best == 0
		sum += best
	}
	if missed {
		sum = 0
	}
	return sum, true
}

// search lists the hosts that match query, the best first.
func (x *index) search(query string) []int {
	slices.Sort(x.fresh)
	switch {
	case x.last == "" || !strings.HasPrefix(query, x.last):
		x.ranked, x.near = x.consider(query, x.every, x.ranked[:0], x.near[:0])
	case query == x.last:
		x.forget(x.fresh)
		ranked, near := x.consider(query, slices.Values(x.fresh), nil, nil)
		x.ranked, x.near = merge(x.ranked, ranked), merge(x.near, near)
	default:
		among := merge(x.near, x.fresh)
		x.ranked, x.near = x.consider(query, slices.Values(among), x.ranked[:0], x.near[:0])
	}
	x.last, x.fresh = query, nil
	found := make([]int, len(x.ranked))
	for n, rank := range x.ranked {
		found[n] = ranks(rank)
	}
	return found
}

// every goes through all hosts.
func (x *index) every(yield func(int) bool) {
	for i := range x.alias {
		if !yield(i) {
			return
		}
	}
}

// forget takes hosts, sorted, out of what was found.
func (x *index) forget(gone []int) {
	if len(gone) == 0 {
		return
	}
	is := func(i int) bool { _, found := slices.BinarySearch(gone, i); return found }
	x.ranked = slices.DeleteFunc(x.ranked, func(rank uint64) bool { return is(ranks(rank)) })
	x.near = slices.DeleteFunc(x.near, is)
}

// consider looks for the query in hosts, which are in file order, and appends
// what it finds. What is near is never longer than what was gone through: it
// may take the place of that.
func (x *index) consider(query string, hosts iter.Seq[int], ranked []uint64, near []int) ([]uint64, []int) {
	all := terms(query)
	for i := range all {
		x.terms++
		all[i].n = x.terms
	}
	for i := range hosts {
		score, is := x.score(i, all)
		if score > 0 {
			ranked = append(ranked, x.rank(i, score))
		}
		if is {
			near = append(near, i)
		}
	}
	x.spare = sortRanks(ranked, x.spare)
	return ranked, near
}

// merge puts two sorted lists together; what is in both is there once.
func merge[E cmp.Ordered](a, b []E) []E {
	if len(b) == 0 {
		return a
	}
	out := make([]E, 0, len(a)+len(b))
	for _, e := range a {
		for len(b) > 0 && b[0] < e {
			out, b = append(out, b[0]), b[1:]
		}
		if len(b) > 0 && b[0] == e {
			b = b[1:]
		}
		out = append(out, e)
	}
	return append(out, b...)
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

// drawQuery draws what is searched in the first row of a page.
func (s *screen) drawQuery(c canvas, in rect, query *field, typing bool) {
	text, style := fitEnd(query.shown(), in.w-5), s.plain
	if query.marked {
		style = s.chosen
	}
	c.line(in.x, in.y, line{{" /", s.key}, {" ", s.plain}, {text, style}})
	if typing && s.dialog == nil {
		c.screen.ShowCursor(min(in.x+3+cells(text), in.x+in.w-2), in.y)
	}
}
