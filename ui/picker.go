package ui

import (
	"strings"

	"sallyport/api"
)

// picker finds a keyword while its name is typed.
type picker struct {
	query  *field
	all    []api.Keyword
	index  *index
	found  []int // places in all
	cursor int
	top    int
}

func newPicker(all []api.Keyword) *picker {
	names := make([]string, len(all))
	for i, k := range all {
		names[i] = k.Name
	}
	p := &picker{query: newField(false), all: all, index: newIndex(names)}
	for _, k := range all {
		p.index.add(k.Name, strings.FieldsFunc(k.Help, func(r rune) bool { return r == ' ' || r == '.' || r == ',' }))
	}
	p.refine()
	return p
}

// refine searches for what was typed, in the names and in the help.
func (p *picker) refine() {
	p.cursor, p.top = 0, 0
	if query := p.query.shown(); query != "" {
		p.found = p.index.search(query)
		return
	}
	p.found = p.found[:0]
	for i := range p.all {
		p.found = append(p.found, i)
	}
}

func (p *picker) move(n int) { p.cursor = max(0, min(p.cursor+n, len(p.found)-1)) }

// settle brings the cursor into sight.
func (p *picker) settle(height int) {
	p.move(0)
	p.top = max(0, min(p.top, len(p.found)-height), p.cursor-height+1)
	p.top = min(p.top, p.cursor)
}

// current is the keyword under the cursor.
func (p *picker) current() (api.Keyword, bool) {
	if p.cursor >= len(p.found) {
		return api.Keyword{}, false
	}
	return p.all[p.found[p.cursor]], true
}

// pick begins to choose a keyword.
func (s *screen) pick() { s.form.picker = newPicker(s.form.base.Keywords) }

// picked goes on with the keyword that was found.
func (s *screen) picked() {
	f := s.form
	k, ok := f.picker.current()
	if !ok {
		s.tell("No keyword has these letters.")
		return
	}
	if k.Lacking == "" {
		f.picker = nil
	}
	s.addLine(k.Name)
}

func (s *screen) pickCancel() {
	s.form.picker = nil
	s.askNext()
}
