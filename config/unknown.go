package config

import "sync"

// A keyword that ssh does not have is refused wherever it stands, also in a
// block that does not apply, unless the IgnoreUnknown in force names it. So that
// a host need not go through the lines of all others for that, they are judged
// by the part of a file in which IgnoreUnknown was the same.

// unknownLines are those lines of a file with unknown keywords that are
// refused.
type unknownLines struct {
	file  *file
	lines []int32
}

// ignorable remembers what is left of a file's unknown keywords, by the
// IgnoreUnknown in force.
type ignorable struct {
	mu    sync.Mutex // guards lists
	lists map[string][]int32
}

// mostIgnoring bounds the lists of IgnoreUnknown that are remembered: a
// configuration has one, or two.
const mostIgnoring = 16

// refused are the unknown keywords that a list does not name, in order.
func (f *file) refused(ignoring string) []int32 {
	if ignoring == "" {
		return f.unknown
	}
	f.left.mu.Lock()
	defer f.left.mu.Unlock()
	left, known := f.left.lists[ignoring]
	if known {
		return left
	}
	for _, i := range f.unknown {
		if !matchList(lower(f.keyword(i)), ignoring, true) {
			left = append(left, i)
		}
	}
	if f.left.lists == nil || len(f.left.lists) >= mostIgnoring {
		f.left.lists = map[string][]int32{}
	}
	f.left.lists[ignoring] = left
	return left
}

// reading is a file that is walked, in those that include it.
type reading struct {
	file  *file
	line  int32 // the directive that is read
	from  int32 // that from which on unknown keywords are still to be judged
	outer *reading
}

// reach notes how far a file was read.
func (r *reading) reach(f *file, line int32) {
	if r != nil && r.file == f {
		r.line = line
	}
}

// begin begins to walk a file with unknown keywords.
func (r *resolution) begin(f *file) { r.reading = &reading{file: f, outer: r.reading} }

// end judges what is left of such a file.
func (r *resolution) end() {
	at := r.reading
	at.line = int32(len(at.file.directives))
	r.judge(at)
	r.reading = at.outer
}

// judgeUnknown judges all that was read so far, before another IgnoreUnknown
// comes into force.
func (r *resolution) judgeUnknown() {
	for at := r.reading; at != nil; at = at.outer {
		r.judge(at)
	}
}

// judge refuses the unknown keywords of a file up to the line that is read.
func (r *resolution) judge(at *reading) {
	lines := between(at.file.refused(r.text(kIgnoreUnknown)), at.from, at.line)
	at.from = at.line
	if len(lines) > 0 {
		r.unknown = append(r.unknown, unknownLines{at.file, lines})
	}
}
