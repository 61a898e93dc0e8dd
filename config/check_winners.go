package config

import (
	"slices"
	"strings"
)

// winners knows the first line that sets an option for all hosts, and for
// those of each pattern. Patterns are found by what they begin with, so that a
// look-up does not depend on how many there are.
type winners struct {
	always  map[key]place
	names   map[string]*settled
	wild    map[string][]*settled // by their beginnings
	lengths []int                 // of these, ascending
}

// settled is what earlier lines have set for a pattern.
type settled struct {
	pattern string
	lines   []winner
}

// winner is a line that sets an option for what matches the pattern and no
// exception.
type winner struct {
	option  key
	negated []string
	at      place
}

// mostWinners bounds what is kept for a pattern: each option once, and some
// lines with exceptions. Of more than these, some may not be named.
const mostWinners = 2 * int(keyCount)

// mostPatterns bounds the patterns with one beginning that are compared with
// each later one.
const mostPatterns = 256

func newWinners() winners {
	return winners{always: map[key]place{}, names: map[string]*settled{}, wild: map[string][]*settled{}}
}

// beginning is a pattern up to its first wildcard.
func beginning(pattern string) string {
	if i := strings.IndexAny(pattern, "*?"); i >= 0 {
		return pattern[:i]
	}
	return pattern
}

// find gives a scope what is known of its patterns when its block begins.
func (w *winners) find(sc *scope) {
	for _, p := range sc.patterns {
		sc.known = append(sc.known, w.covering(p))
		sc.own = append(sc.own, w.pattern(p))
	}
}

// covering are the patterns so far that match all that p matches.
func (w *winners) covering(p string) (found []*settled) {
	begins := beginning(p)
	if own := w.names[p]; own != nil && !wild(p) {
		found = append(found, own)
	}
	for _, n := range w.lengths {
		if n > len(begins) {
			break
		}
		for _, s := range w.wild[begins[:n]] {
			if covers(s.pattern, p) {
				found = append(found, s)
			}
		}
	}
	return found
}

// pattern is what is known of a pattern, entered if it is new.
func (w *winners) pattern(p string) *settled {
	if s := w.names[p]; s != nil {
		return s
	}
	s := &settled{pattern: p}
	w.names[p] = s
	if begins := beginning(p); wild(p) && len(w.wild[begins]) < mostPatterns {
		w.wild[begins] = append(w.wild[begins], s)
		if i, known := slices.BinarySearch(w.lengths, len(begins)); !known {
			w.lengths = slices.Insert(w.lengths, i, len(begins))
		}
	}
	return s
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
	if sc.block == nil {
		sc.block = map[key]place{}
	}
	if _, ok := sc.block[option]; !ok {
		sc.block[option] = at
	}
	if sc.unknown || sc.outer != nil {
		return // for which hosts, no pattern says
	}
	for _, s := range sc.own {
		known := slices.ContainsFunc(s.lines, func(v winner) bool { return v.option == option && len(v.negated) == 0 })
		if !known && len(s.lines) < mostWinners {
			s.lines = append(s.lines, winner{option, sc.negated, at})
		}
	}
}

// before are the lines that have set an option for every host for which a
// line is read, none if some are left.
func (w *winners) before(option key, sc *scope) []place {
	if first, ok := w.always[option]; ok {
		return []place{first}
	}
	if sc.always {
		return nil
	}
	if first, ok := sc.block[option]; ok {
		return []place{first}
	}
	for s := sc; s != nil; s = s.outer {
		if s.unknown {
			continue
		}
		if by := s.settled(option); len(by) > 0 {
			return by
		}
	}
	return nil
}

// settled are the lines that together set an option for a Host line.
func (s *scope) settled(option key) []place {
	var by []place
	for i, p := range s.patterns {
		first, ok := s.first(option, p, s.known[i])
		if !ok && !s.excepted(p) {
			return nil
		}
		if ok {
			by = append(by, first)
		}
	}
	return by
}

// first is the earliest line that sets an option for one pattern.
func (s *scope) first(option key, p string, known []*settled) (first place, ok bool) {
	for _, other := range known {
		for _, v := range other.lines {
			if v.option == option && (!ok || v.at.seq() < first.seq()) && s.within(p, v.negated) {
				first, ok = v.at, true
			}
		}
	}
	return first, ok
}

// within tells whether the exceptions of another line touch nothing that
// matches p here.
func (s *scope) within(p string, negated []string) bool {
	for _, n := range negated {
		excepted := slices.ContainsFunc(s.negated, func(own string) bool { return covers(own, n) })
		if !excepted && (wild(p) || matchPattern(p, n)) {
			return false
		}
	}
	return true
}
