package ui

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gdamore/tcell/v2"

	"sallyport/api"
)

// list is the left pane: every host of the configuration, in file order.
type list struct {
	names  []string
	wide   int           // the widest name
	index  func() *index // made at the first call
	query  *field
	typing bool
	known  func(name string) (api.Host, bool) // what is known of a host already
	view   []int                              // what the query has found; nil without one
	sought bool                               // somebody has searched
	cursor int                                // place in what is shown
	top    int                                // first row in sight

	isMarked map[string]bool // hosts for a command that many run
}

// setNames takes a new configuration; the cursor stays on its host.
func (l *list) setNames(names []string) {
	selected, _ := l.selected()
	l.names, l.wide, l.sought = names, 0, false
	l.index = sync.OnceValue(func() *index { return newIndex(names) })
	for _, n := range names {
		l.wide = max(l.wide, cells(n))
	}
	l.keepMarks()
	l.filter()
	l.choose(selected)
}

// filter searches for the query: for its letters, among the hosts that have the
// fields and patterns in it.
func (l *list) filter() {
	l.view = nil
	special, plain := api.ParseQuery(string(l.query.text)).Plain()
	if len(plain) > 0 {
		l.view, l.sought = l.index().search(strings.Join(plain, " ")), true
	}
	if len(special) > 0 {
		l.narrow(special)
	}
}

// narrow leaves those of the hosts found, or of all, that a query names.
func (l *list) narrow(q api.Query) {
	fits := func(i int) bool {
		h, known := l.known(l.names[i])
		return known && q.Names(h)
	}
	if l.view != nil {
		l.view = slices.DeleteFunc(l.view, func(i int) bool { return !fits(i) })
		return
	}
	l.view, l.sought = []int{}, true
	for i := range l.names {
		if fits(i) {
			l.view = append(l.view, i)
		}
	}
}

// letters is the query without its fields and patterns: what is marked where
// it was found.
func (l *list) letters() string {
	_, plain := api.ParseQuery(string(l.query.text)).Plain()
	return strings.Join(plain, " ")
}

func (l *list) filtered() bool { return l.view != nil }

func (l *list) len() int {
	if l.filtered() {
		return len(l.view)
	}
	return len(l.names)
}

func (l *list) at(row int) string {
	if l.filtered() {
		return l.names[l.view[row]]
	}
	return l.names[row]
}

func (l *list) selected() (string, bool) {
	if l.cursor < 0 || l.cursor >= l.len() {
		return "", false
	}
	return l.at(l.cursor), true
}

// choose puts the cursor on a host, if it is there.
func (l *list) choose(name string) {
	for i := range l.len() {
		if l.at(i) == name {
			l.cursor = i
			return
		}
	}
	l.cursor = max(0, min(l.cursor, l.len()-1))
}

func (l *list) move(n int) { l.cursor = max(0, min(l.cursor+n, l.len()-1)) }

// settle brings the cursor into sight.
func (l *list) settle(rows int) {
	l.move(0)
	l.top = max(0, min(l.top, l.len()-rows), l.cursor-rows+1)
	l.top = min(l.top, l.cursor)
}

// scroll moves the rows under the cursor.
func (l *list) scroll(n, rows int) {
	l.top = max(0, min(l.top+n, l.len()-rows))
	l.cursor = max(l.top, min(l.cursor, l.top+rows-1))
	l.move(0)
}

// listRows is how many hosts are in sight.
func (s *screen) listRows(l layout) int { return max(1, s.listArea(l).h) }

// listArea is where the hosts are drawn.
func (s *screen) listArea(l layout) rect {
	in := l.list.inner()
	if s.list.typing || s.list.filtered() {
		in.y, in.h = in.y+1, max(0, in.h-1)
	}
	return in
}

func (s *screen) drawList(c canvas, l layout) {
	if l.list.w == 0 {
		return
	}
	style := s.border
	if !s.detail.focus {
		style = s.focus
	}
	c.frame(l.list, s.listTitle(), style)
	in := l.list.inner()
	c = c.within(in)
	if s.list.typing || s.list.filtered() {
		s.drawQuery(c, in, s.list.query, s.list.typing)
	}
	area := s.listArea(l)
	if s.list.len() == 0 {
		s.drawLesson(c, area)
		return
	}
	alias := max(8, min(s.list.wide, area.w*2/5))
	for y := range min(area.h, s.list.len()-s.list.top) {
		row := s.list.top + y
		s.drawHost(c, rect{area.x, area.y + y, area.w, 1}, s.list.at(row), row == s.list.cursor, alias)
	}
}

func (s *screen) listTitle() line {
	t := line{{"Hosts", s.title}}
	if n := len(s.list.names); s.list.filtered() {
		t = append(t, span{" ─ ", s.border}, span{strconv.Itoa(s.list.len()) + " of " + strconv.Itoa(n), s.plain})
	} else if n > 0 {
		t = append(t, span{" ─ ", s.border}, span{strconv.Itoa(n), s.plain})
	}
	return append(t, s.markedTitle()...)
}

// drawHost draws one row: state, alias and the way there at the left, what is
// going on at the right. An alias that is too long for its column has what room
// there is, of the way but that there is one: aliases that differ at their ends
// would look alike.
func (s *screen) drawHost(c canvas, r rect, name string, selected bool, alias int) {
	style, query := s.plain, s.list.letters()
	if selected {
		style = s.bold
		mark := s.cursor
		if s.detail.focus {
			mark = s.cursorElse
		}
		c.text(r.x, r.y, "▌", mark)
	}
	st := s.status(name)
	c.text(r.x+1, r.y, st.glyph, st.style)
	if s.list.isMarked[name] {
		c.text(r.x+2, r.y, "+", s.accent)
	}
	right := line{{st.note, st.noteStyle}}
	if n := len(s.world.tunnels[name]); n > 0 {
		right = append(right, span{" ⇄" + strconv.Itoa(n), s.accent})
	} else if s.anyTunnels() {
		right = append(right, span{"   ", s.plain})
	}
	if slices.ContainsFunc(s.world.sessions[name], (*api.Session).Left) {
		right = append(right, span{" ⌂", s.up})
	} else if s.anyLeft {
		right = append(right, span{"  ", s.plain})
	}
	end := r.x + r.w - 1 - right.width()
	c.line(end, r.y, right)

	shown, least := clean(name), 0
	if len(s.hostWay(name, query, 1)) > 0 {
		least = 2
	}
	alias = max(alias, min(cells(shown), end-1-least-(r.x+3)))
	c.line(r.x+3, r.y, s.marked(fit(shown, alias), query, style))
	way := r.x + 3 + alias + 1
	c.line(way, r.y, s.hostWay(name, query, end-1-way))
}

func (s *screen) anyTunnels() bool { return len(s.world.tunnels) > 0 }

// hostWay is what stands beside the alias: where else the search has found
// something, or the way to the host.
func (s *screen) hostWay(name, query string, room int) line {
	h, ok := s.known[name]
	if !ok || room < 1 {
		return nil
	}
	if found := foundIn(h, query); found != "" {
		return s.marked(fit(found, room), query, s.dim)
	}
	if len(h.Via) == 0 {
		return nil
	}
	hops := make([]string, len(h.Via))
	for i, v := range h.Via {
		hops[i] = clean(v) + " ▸"
	}
	for len(hops) > 1 && cells(strings.Join(hops, " ")) > room {
		hops = hops[1:]
		hops[0] = strings.TrimPrefix(hops[0], "… ")
		hops[0] = "… " + hops[0]
	}
	way := strings.Join(hops, " ")
	if cells(way) > room && room < 8 {
		way = "▸" // a few letters of a name say less than that there is a way
	} else if cells(way) > room {
		way = fit(strings.TrimSuffix(way, " ▸"), room-2) + " ▸"
	}
	return line{{way, s.dim}}
}

// foundIn is the field that the search has found when it is not the alias.
func foundIn(h api.Host, query string) string {
	for _, t := range terms(query) {
		name := newSearchable(clean(h.Name))
		if score, _ := t.match(&name, nil); score > 0 {
			continue
		}
		for _, f := range h.Fields() {
			in := attribute{searchable: newSearchable(f)}
			if score, _ := t.matchField(&in, nil); score > 0 {
				return f
			}
		}
	}
	return ""
}

// marked is text with what the query has found in it marked.
func (s *screen) marked(text, query string, style tcell.Style) line {
	if strings.TrimSpace(query) == "" {
		return line{{text, style}}
	}
	found := marks(text, query)
	var out line
	n := 0
	for _, r := range text {
		st := style
		if found[n] {
			st = s.match
		}
		if len(out) > 0 && out[len(out)-1].style == st {
			out[len(out)-1].text += string(r)
		} else {
			out = append(out, span{string(r), st})
		}
		n++
	}
	return out
}

// drawLesson says what to do when there is nothing to show.
func (s *screen) drawLesson(c canvas, r rect) {
	in := rect{r.x + 2, r.y + 1, max(0, r.w-4), max(0, r.h-1)}
	for y, l := range s.lesson(in.w) {
		if y < in.h {
			c.line(in.x, in.y+y, l)
		}
	}
}

func (s *screen) lesson(w int) []line {
	say := func(style tcell.Style, paragraphs ...string) (out []line) {
		for _, p := range paragraphs {
			for _, row := range wrap(p, w) {
				out = append(out, line{{row, style}})
			}
		}
		return out
	}
	switch {
	case s.inv == nil:
		return say(s.dim, "Reading the configuration…")
	case s.list.filtered():
		return append(say(s.plain, "No host matches.", ""),
			say(s.dim, "The search looks at the alias, HostName, User, tags, comment and file; tag:gpu, user:, via: and file: look at one. Esc clears it.")...)
	case s.inv.Missing():
		out := say(s.plain, "There is no "+tilde(s.inv.Path())+" yet.", "", "N adds a host and writes it:", "")
		out = append(out, say(s.accent, "  Host myserver", "    HostName host.example.org", "    User me")...)
		out = append(out, say(s.plain, "", "e writes it in your editor instead.", "")...)
		return append(out, say(s.dim, "To look around first, quit with q and run  sallyport demo")...)
	case len(s.inv.Problems()) > 0:
		p := s.inv.Problems()[0]
		out := say(s.bad, place(p.Origin)+": "+clean(p.Message))
		return append(out, say(s.plain, "", "No host could be read. Mend it, then press r.")...)
	}
	return append(say(s.plain, tilde(s.inv.Path())+" names no host.", ""),
		say(s.dim, "Host lines with * or ? are patterns, not hosts. N adds a host.")...)
}
