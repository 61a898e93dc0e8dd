package config

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// scope is for which hosts a line is read.
type scope struct {
	always   bool     // for all
	unknown  bool     // a Match line decides
	patterns []string // else those of a Host line,
	negated  []string // and its exceptions without their "!"
	head     place    // the Host or Match line
	outer    *scope   // in which the file is included; nil if that is always

	block map[key]place // the first line that sets an option in the block
	known [][]*settled  // of each pattern, what was set before the block
	own   []*settled    // of each pattern, where its lines are noted
}

// scopes walks the user's files in the order of ssh and judges each line by
// what stands before it.
type scopes struct {
	*checker
	uses   map[*file]int // how often a file is read for a host
	walked map[*file]bool
	first  winners
}

// checkScopes looks for lines and blocks that never take effect.
func (k *checker) checkScopes() {
	s := &scopes{checker: k, uses: map[*file]int{}, walked: map[*file]bool{}, first: newWinners()}
	for _, f := range k.reading {
		for _, children := range f.includes {
			for _, child := range children {
				s.uses[child]++
			}
		}
	}
	for _, root := range k.roots {
		if root.user {
			s.file(root.file, &scope{always: true})
		}
	}
}

// file walks a file once. What it holds is only judged if it cannot be read a
// second time for other hosts.
func (s *scopes) file(f *file, outer *scope) {
	if s.walked[f] {
		return
	}
	s.walked[f] = true
	judged := outer.always || s.uses[f] <= 1
	for b := range f.blocks {
		s.block(f, int32(b), outer, judged)
	}
}

func (s *scopes) block(f *file, b int32, outer *scope, judged bool) {
	sc := scopeOf(f, b, outer)
	if sc != outer {
		s.first.find(sc)
	}
	block := f.blocks[b]
	from := block.from
	matched := true
	if block.kind != kNone {
		from++
	}
	if block.kind == kHost && judged && !f.directives[block.from].bad {
		matched = s.hostLine(sc)
	}
	for i := from; i < block.to; i++ {
		for _, child := range f.includes[i] {
			s.file(child, sc)
		}
		if d := &f.directives[i]; !d.bad && d.key >= kUser {
			s.line(place{f, i, b}, sc, judged && matched)
		}
	}
}

// scopeOf is the scope of a block in a file that is included in another.
func scopeOf(f *file, b int32, outer *scope) *scope {
	block := f.blocks[b]
	if block.kind == kNone {
		return outer
	}
	s := &scope{head: place{f, block.from, b}, outer: outer}
	if outer.always {
		s.outer = nil
	}
	if block.kind == kMatch {
		cond := f.conditions[block.from]
		s.unknown = cond == nil || len(cond.criteria) != 1 || cond.criteria[0].name != "all" || cond.criteria[0].negated
	} else {
		words, _ := splitWords(f.directives[block.from].rest, nil)
		for _, p := range words {
			if n, ok := strings.CutPrefix(p, "!"); ok {
				s.negated = append(s.negated, n)
			} else {
				s.patterns = append(s.patterns, p)
			}
		}
	}
	everyHost := !s.unknown && (block.kind == kMatch || len(s.negated) == 0 && slices.ContainsFunc(s.patterns, catchAll))
	if everyHost {
		return outer
	}
	return s
}

func catchAll(pattern string) bool { return pattern != "" && strings.Trim(pattern, "*") == "" }

// applies tells whether the Host line is met by a name.
func (s *scope) applies(name string) bool {
	match := func(p string) bool { return matchPattern(name, p) }
	return !slices.ContainsFunc(s.negated, match) && slices.ContainsFunc(s.patterns, match)
}

// excepted tells whether the exceptions take away all that a pattern matches.
func (s *scope) excepted(pattern string) bool {
	return slices.ContainsFunc(s.negated, func(n string) bool { return covers(n, pattern) })
}

// covers tells whether every name that matches p matches q, too. It may miss
// some that do.
func covers(q, p string) bool {
	if q == p {
		return true
	}
	qi, pi := 0, 0
	star, mark := -1, 0
	for pi < len(p) {
		switch {
		case qi < len(q) && q[qi] == '*':
			star, mark = qi, pi
			qi++
		case qi < len(q) && p[pi] != '*' && (q[qi] == '?' || q[qi] == p[pi]):
			qi++
			pi++
		case star >= 0:
			mark++
			pi, qi = mark, star+1
		default:
			return false
		}
	}
	return strings.Trim(q[qi:], "*") == ""
}

// hostLine reports patterns that nothing can match, and tells whether any is
// left.
func (s *scopes) hostLine(sc *scope) bool {
	if sc.always || sc.unknown || len(sc.patterns)+len(sc.negated) == 0 {
		return true // it is "Host *"
	}
	if len(sc.patterns) == 0 {
		s.unmatched(sc, "only exceptions are named here, and no host", "Put a pattern in front of them: Host * "+Printable(sc.head.rest()))
		return false
	}
	left := slices.DeleteFunc(slices.Clone(sc.patterns), func(p string) bool { return impossible(p) != 0 })
	if len(left) < len(sc.patterns) {
		s.impossible(sc, len(left) > 0)
	}
	if left = slices.DeleteFunc(left, sc.excepted); len(left) == 0 {
		s.unmatched(sc, "the exceptions take away every host that is named here", "Remove the exception, or the block.")
		return false
	}
	for outer := sc.outer; outer != nil; outer = outer.outer {
		if !outer.unknown && disjoint(sc, outer) {
			at := outer.head.origin()
			s.unmatched(sc, fmt.Sprintf("the file is included under %q (%s), which is for none of these hosts", Printable(at.Block), Printable(at.String())),
				"Put the Include line above the first Host line.")
			return false
		}
	}
	return true
}

// unmatched reports a Host line, unless that was done.
func (s *scopes) unmatched(sc *scope, message, fix string) {
	if f, isNew := s.find(unmatchedBlock, sc.head.origin(), ""); isNew {
		f.Message, f.Fix = message, fix
	}
}

// impossible reports the patterns of a Host line that are no host's name.
func (s *scopes) impossible(sc *scope, others bool) {
	f, isNew := s.find(unmatchedBlock, sc.head.origin(), "")
	if !isNew {
		return
	}
	i := slices.IndexFunc(sc.patterns, func(p string) bool { return impossible(p) != 0 })
	f.Message = fmt.Sprintf("no host can match %q", Printable(sc.patterns[i]))
	if others {
		f.Why = "No name that could be given to ssh matches this part of the line."
	}
	switch c := impossible(sc.patterns[i]); c {
	case ',':
		f.Fix = "Put blanks between the names, not commas."
	case '@':
		f.Fix = "Name the host alone, since ssh takes the user off first; set User in the block."
	default:
		f.Fix = fmt.Sprintf("Leave %q out: no host name holds it.", c)
	}
}

// rest is what follows the keyword of a line.
func (p place) rest() string { return p.file.directives[p.line].rest }

// impossible is a byte of a pattern that no host name has, or 0.
func impossible(pattern string) rune {
	for i, c := range pattern {
		if c == '@' && i > 0 || c != '*' && c != '?' && c != utf8.RuneError && !validHost("x"+string(c)) {
			return c
		}
	}
	return 0
}

// disjoint tells that no name can meet both lines. It may miss some that none
// can meet.
func disjoint(a, b *scope) bool {
	meets := func(names, other *scope) bool { return slices.ContainsFunc(names.patterns, other.applies) }
	switch {
	case !slices.ContainsFunc(a.patterns, wild):
		return !meets(a, b)
	case !slices.ContainsFunc(b.patterns, wild):
		return !meets(b, a)
	}
	return false
}

func wild(pattern string) bool { return !plain(pattern) }

// line judges a line, and notes what it settles.
func (s *scopes) line(at place, sc *scope, judged bool) {
	slots := s.slotsOf(at)
	if len(slots) == 0 {
		return
	}
	late := judged && s.judge(at, sc, slots)
	if at.key() == kControlPath && !late {
		s.controlTokens(at, sc)
	}
	for _, slot := range slots {
		for _, settles := range slot.settles {
			if settles != kNone {
				s.first.enter(settles, at, sc)
			}
		}
	}
}

// judge reports a line all of whose values come too late, and tells whether it
// is one.
func (s *scopes) judge(at place, sc *scope, slots []slot) bool {
	var before []place
	for _, slot := range slots {
		var by []place
		for _, minds := range slot.minds {
			if minds == kNone {
				break
			}
			if by = s.first.before(minds, sc); len(by) > 0 {
				break
			}
		}
		if len(by) == 0 {
			return false
		}
		before = append(before, by...)
	}
	slices.SortFunc(before, func(a, b place) int { return int(a.seq()) - int(b.seq()) })
	before = slices.Compact(before)
	f, isNew := s.findAt(shadowedLine, at)
	if !isNew {
		return true
	}
	name := keywords[at.key()].name
	winner := before[0].origin()
	f.Message = fmt.Sprintf("this %s never takes effect: %s is set before it at %s", name, keywords[before[0].key()].name, Printable(winner.String()))
	if len(before) > 1 {
		f.Message += fmt.Sprintf(" and %d more", len(before)-1)
	}
	if winner.Block != "" {
		f.Message += fmt.Sprintf(", under %q", Printable(winner.Block))
	}
	f.Fix = fmt.Sprintf("Remove the line, or put it above %s.", Printable(winner.String()))
	return true
}

func (p place) seq() int32 { return p.file.directives[p.line].seq }

// slot is one value of a line: which earlier ones keep it from taking effect,
// and what it keeps from later ones.
// kNone fills them up.
type slot struct{ minds, settles [2]key }

// jumping stands for a ProxyJump other than none, which settles ProxyCommand.
const jumping = keyCount

// slotsOf are the options that a line sets of which the first value wins.
func (s *scopes) slotsOf(at place) []slot {
	k := at.key()
	if p := keywords[k].policy; p == every || p == appended || s.dialect.always(k) {
		return nil
	}
	var slots []slot
	var last key
	for _, v := range s.said(at) {
		switch {
		case v.key == last:
			continue
		case v.key == kProxyCommand:
			slots = append(slots, slot{[2]key{kProxyCommand, jumping}, [2]key{kProxyCommand}})
		case v.key == kProxyJump && v.jump.none:
			slots = append(slots, slot{[2]key{kProxyJump}, [2]key{kProxyJump}})
		case v.key == kProxyJump:
			slots = append(slots, slot{[2]key{kProxyJump, kProxyCommand}, [2]key{kProxyJump, jumping}})
		default:
			slots = append(slots, slot{[2]key{v.key}, [2]key{v.key}})
		}
		last = v.key
	}
	return slots
}
