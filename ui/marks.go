package ui

import (
	"slices"
	"strconv"
	"strings"

	"al.essio.dev/pkg/shellescape"
)

// mark marks the selected host, or takes its mark away, and goes to the next.
func (s *screen) mark() {
	name, _ := s.list.selected()
	s.list.mark(name)
	s.list.move(1)
}

func (l *list) mark(name string) {
	if l.isMarked[name] {
		delete(l.isMarked, name)
		return
	}
	if l.isMarked == nil {
		l.isMarked = map[string]bool{}
	}
	l.isMarked[name] = true
}

// marks are the marked hosts, in file order, also those that a search hides.
func (l *list) marks() (names []string) {
	if len(l.isMarked) == 0 {
		return nil
	}
	for _, n := range l.names {
		if l.isMarked[n] {
			names = append(names, n)
		}
	}
	return names
}

// keepMarks forgets those of hosts that are no more.
func (l *list) keepMarks() {
	for name := range l.isMarked {
		if !slices.Contains(l.names, name) {
			delete(l.isMarked, name)
		}
	}
}

// markedTitle tells how many are marked.
func (s *screen) markedTitle() line {
	n := len(s.list.isMarked)
	if n == 0 {
		return nil
	}
	return line{{" ─ ", s.border}, {strconv.Itoa(n) + " marked", s.accent}}
}

// runCommand is the command line that runs a command on hosts of a
// configuration, see configFlag; the command is to be typed behind it.
func runCommand(configFlag string, hosts []string) string {
	var b strings.Builder
	b.WriteString("sallyport " + configFlag + "run")
	for _, h := range hosts {
		b.WriteString(" -H " + shellescape.Quote(h))
	}
	return b.String() + " -- "
}
