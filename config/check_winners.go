package config

import (
	"slices"
	"strings"
)

// winners knows, for each option, the first line that sets it for every host
// and for every pattern. Patterns are kept by what they begin with, so that a
// look-up does not depend on how many there are.
type winners struct {
	always  map[key]place
	blocks  map[blockKey]place // within one block
	byName  map[patternKey][]winner
	lengths map[key][]int // of the beginnings in byName with wildcards, ascending
}

type blockKey struct {
	option key
	file   *file
	block  int32
}

// patternKey is a name, or what a pattern with wildcards begins with.
type patternKey struct {
	option key
	text   string
	wild   bool
}

// winner is a line that sets an option for what matches a pattern and no
// exception.
type winner struct {
	pattern string
	negated []string
	at      place
}

// mostWinners bounds the lines with exceptions that are kept for a pattern;
// of more than these only some can be named.
const mostWinners = 32

func newWinners() winners {
	return winners{map[key]place{}, map[blockKey]place{}, map[patternKey][]winner{}, map[key][]int{}}
}

// enter notes that a line sets an option, unless an earlier one did it for
// the same hosts.
func (w *winners) enter(option key, at place, sc *scope) {
	if sc.always {
		if _, ok := w.always[option]; !ok {
			w.always[option] = at
		}
		return
	}
	if key := (blockKey{option, at.file, at.block}); w.blocks[key].file == nil {
		w.blocks[key] = at
	}
	if sc.unknown || sc.outer != nil {
		return // for which hosts, no pattern says
	}
	for _, p := range sc.patterns {
		key := patternKey{option, beginning(p), wild(p)}
		if key.wild {
			w.begins(option, len(key.text))
		}
		list := w.byName[key]
		known := slices.ContainsFunc(list, func(v winner) bool { return v.pattern == p && len(v.negated) == 0 })
		if !known && len(list) < mostWinners {
			w.byName[key] = append(list, winner{p, sc.negated, at})
		}
	}
}

// beginning is a pattern up to its first wildcard.
func beginning(pattern string) string {
	if i := strings.IndexAny(pattern, "*?"); i >= 0 {
		return pattern[:i]
	}
	return pattern
}

func (w *winners) begins(option key, length int) {
	if i, ok := slices.BinarySearch(w.lengths[option], length); !ok {
		w.lengths[option] = slices.Insert(w.lengths[option], i, length)
	}
}

// before are the lines that have set an option for every host for which a
// line is read, none if some are left.
func (w *winners) before(option key, at place, sc *scope) []place {
	if first, ok := w.always[option]; ok {
		return []place{first}
	}
	if sc.always {
		return nil
	}
	if first := w.blocks[blockKey{option, at.file, at.block}]; first.file != nil {
		return []place{first}
	}
	for s := sc; s != nil; s = s.outer {
		if s.unknown {
			continue
		}
		if by := w.forAll(option, s); len(by) > 0 {
			return by
		}
	}
	return nil
}

// forAll are the lines that together settle an option for a Host line.
func (w *winners) forAll(option key, sc *scope) []place {
	var by []place
	for _, p := range sc.patterns {
		if sc.excepted(p) {
			continue
		}
		first, ok := w.forPattern(option, p, sc)
		if !ok {
			return nil
		}
		by = append(by, first)
	}
	return by
}

// forPattern is the earliest line that settles an option for one pattern.
func (w *winners) forPattern(option key, p string, sc *scope) (first place, ok bool) {
	look := func(key patternKey) {
		for _, v := range w.byName[key] {
			if (!ok || v.at.seq() < first.seq()) && v.settles(p, sc) {
				first, ok = v.at, true
			}
		}
	}
	begins := beginning(p)
	if !wild(p) {
		look(patternKey{option, begins, false})
	}
	for _, n := range w.lengths[option] {
		if n > len(begins) {
			break
		}
		look(patternKey{option, begins[:n], true})
	}
	return first, ok
}

// settles tells whether the line applies to every host that matches p in sc.
func (v winner) settles(p string, sc *scope) bool {
	if !covers(v.pattern, p) {
		return false
	}
	for _, n := range v.negated {
		excepted := slices.ContainsFunc(sc.negated, func(own string) bool { return covers(own, n) })
		if !excepted && (wild(p) || matchPattern(p, n)) {
			return false
		}
	}
	return true
}
