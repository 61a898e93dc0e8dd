package ui

import (
	"slices"
	"strings"

	"github.com/gdamore/tcell/v2"

	"sallyport/api"
)

// stop is one station in the picture of the way to a host: a name, its state,
// its address.
type stop struct {
	rows [3]line
	w    int
}

func (s *screen) newStop(name string, style tcell.Style, state line, address string) stop {
	st := stop{rows: [3]line{{{name, style}}, state, {{address, s.dim}}}}
	for _, r := range st.rows {
		st.w = max(st.w, r.width())
	}
	return st
}

// chainRows draws the way to a host:
//
//	you ──▶ got-bastion ──▶ targaryen
//	        ● 12 ms         ● 13 ms
//
// with the addresses below if that fits into one row of hops.
func (s *screen) chainRows(name string, d api.Detail, w int) []line {
	stops := s.stops(name, d, w, true)
	if rows := s.layStops(stops, w); len(rows) <= 3 {
		return rows
	}
	return s.layStops(s.stops(name, d, w, false), w)
}

func (s *screen) stops(name string, d api.Detail, w int, addresses bool) []stop {
	out := []stop{s.newStop("you", s.dim, nil, "")}
	chain := d.Chain
	if len(chain) == 0 {
		chain = []api.Hop{{Name: name}}
	}
	for i, h := range chain {
		if h.Command != "" {
			out = append(out, s.newStop("⟨"+fit(clean(h.Command), 28)+"⟩", s.plain, nil, ""))
		}
		style := s.plain
		if i == len(chain)-1 {
			style = s.bold
		}
		address := ""
		if addresses {
			address = fit(clean(h.Address), 30)
		}
		out = append(out, s.newStop(fit(clean(h.Name), w-5), style, s.hopState(name, h, i, chain), address))
	}
	return out
}

// hopState is the state under a hop. A failure further back in the chain is
// shown at the hop that it names, which those behind it are not reached over;
// what is done now is shown at the hop that does it.
func (s *screen) hopState(goal string, h api.Hop, i int, chain []api.Hop) line {
	l := s.hopLink(goal, h, i)
	if f := s.failure(goal); f != nil && f.Hop == h.Name && (l == nil || l.State != api.LinkUp) {
		return line{{"✗ " + failNote(f), s.bad}}
	} else if f != nil && (l == nil || l.State == api.LinkFailed) && beyond(f.Hop, i, chain) {
		return line{{"○ not reached", s.dim}}
	}
	if l != nil && l.State == api.LinkConnecting && s.busyHop(l) != l {
		return line{{"◐", s.busy}, {" waits", s.dim}}
	}
	if i == len(chain)-1 {
		st := s.status(goal)
		if st.glyph == "○" {
			return line{{"○ closed", s.dim}}
		}
		if q := s.asks[goal]; st.glyph != "?" || q == nil || q.Host == goal {
			return line{{st.glyph, st.style}, {" " + st.note, st.noteStyle}}
		}
	}
	if l == nil {
		return line{{"○ closed", s.dim}}
	}
	st := s.linkStatus(l)
	return line{{st.glyph, st.style}, {" " + st.note, st.noteStyle}}
}

// beyond tells whether the hop at place i comes behind the one of this name.
func beyond(name string, i int, chain []api.Hop) bool {
	return slices.ContainsFunc(chain[:i], func(h api.Hop) bool { return h.Name == name })
}

// hopLink is the connection to the hop at place i on the way to goal.
func (s *screen) hopLink(goal string, h api.Hop, i int) *api.Link {
	if way := s.way(s.link(goal)); i < len(way) && way[i].Host == h.Name {
		return way[i]
	}
	return s.link(h.Name)
}

// layStops puts the stops beside each other, in as many rows as it takes.
func (s *screen) layStops(stops []stop, w int) []line {
	const shaft, head = " ──", "▶ "
	const arrow = shaft + head
	var out []line
	var rows [3]line
	used := 0
	flush := func() {
		for _, r := range rows {
			if strings.TrimSpace(textOf(r)) != "" {
				out = append(out, r)
			}
		}
		rows, used = [3]line{}, 0
	}
	for i, st := range stops {
		if i > 0 && used+cells(arrow)+st.w > w && used > 0 {
			flush()
		}
		if i > 0 { // the shaft reaches back to the name before it
			short := used - rows[0].width()
			rows[0] = append(rows[0], span{shaft + strings.Repeat("─", short) + head, s.dim})
			used += cells(arrow)
		}
		for n := range rows {
			if fill := used - rows[n].width(); fill > 0 {
				rows[n] = append(rows[n], span{strings.Repeat(" ", fill), s.plain})
			}
			rows[n] = append(rows[n], st.rows[n]...)
		}
		used += st.w
	}
	flush()
	return out
}

func textOf(l line) string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(s.text)
	}
	return b.String()
}

// failure is why a host cannot be reached, until the next try.
func (s *screen) failure(name string) *api.Failure {
	if f := s.failures[name]; f != nil {
		return f
	}
	if l := s.link(name); l != nil && (l.State == api.LinkFailed || l.State == api.LinkWaiting) {
		return l.Failure
	}
	return nil
}
