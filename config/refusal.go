package config

import (
	"cmp"
	"errors"
	"slices"
	"sort"
	"strings"
)

// few is how many refusals are told one by one.
const few = 8

// refusal is what stops every host and what stops this one: nil for nothing, a
// Problem, several joined, or the first of many.
func (r *resolution) refusal() error {
	switch n := r.refused(); {
	case n == 0:
		return nil
	case n > few:
		return &many{r}
	}
	var errs []error
	for _, f := range r.refusals() {
		errs = append(errs, f.Problem)
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// many are the refusals of a host that thousands of lines may make, for each of
// thousands of hosts. They are not put together before somebody asks.
type many struct{ r *resolution }

func (m *many) Error() string { return m.first().Error() + " (and more)" }

func (m *many) Unwrap() error { return m.first() }

// first is what ssh would come across first.
func (m *many) first() Problem {
	r := m.r
	var candidates []finding
	candidates = append(candidates, r.fatal[:min(len(r.fatal), 1)]...)
	candidates = append(candidates, r.findings...)
	for _, u := range r.unknown {
		candidates = append(candidates, u.finding(0))
	}
	return slices.MinFunc(candidates, bySeq).Problem
}

func bySeq(a, b finding) int { return cmp.Compare(a.seq, b.seq) }

// refused is how many lines and more were refused. Some may be the same.
func (r *resolution) refused() int {
	n := len(r.fatal) + len(r.findings)
	for _, u := range r.unknown {
		n += len(u.lines)
	}
	return n
}

// refusals are in the order in which ssh would come across them.
func (r *resolution) refusals() []finding {
	all := append(slices.Clone(r.fatal), r.findings...)
	for _, u := range r.unknown {
		for i := range u.lines {
			all = append(all, u.finding(i))
		}
	}
	slices.SortStableFunc(all, bySeq)
	return slices.CompactFunc(all, func(a, b finding) bool { return a.Problem == b.Problem }) // seen in both passes
}

// finding is the refusal of one unknown keyword.
func (u unknownLines) finding(i int) finding {
	at := u.file.place(u.lines[i])
	message := badOption(u.file.keyword(at.line))
	return finding{Problem: Problem{at.origin(), message, true}, seq: u.file.directives[at.line].seq}
}

// between are the numbers of an ascending list from one on and before another.
func between(list []int32, from, to int32) []int32 {
	below := func(n int32) int { return sort.Search(len(list), func(i int) bool { return list[i] >= n }) }
	return list[below(from):below(to)]
}

// refusing begins what a RefuseConnection line has ssh say.
const refusing = "RefuseConnection: "

// deliberate tells that a host is refused because a line asks for that.
func deliberate(err error) bool {
	var p Problem
	return errors.As(err, &p) && strings.HasPrefix(p.Message, refusing)
}
