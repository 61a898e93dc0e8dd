package ui

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"sallyport/api"
)

// roster is the Sessions page: what is open, what is held and what is shared, in
// one list.
type roster struct {
	detail       // its rows under a cursor
	rows   []row // as they are seen
}

// theirs are the masters of ssh. Where our own connections are shared, the
// background process is a master too: those are connections held here.
func (s *screen) theirs() []*api.Master {
	var out []*api.Master
	for i := range s.masters {
		if m := &s.masters[i]; m.State != api.MasterAlive || m.PID != s.snap.Daemon.PID {
			out = append(out, m)
		}
	}
	return out
}

// master is the live one of a host, nil if there is none.
func (s *screen) master(host string) *api.Master {
	for _, m := range s.theirs() {
		if m.State == api.MasterAlive && slices.Contains(m.Hosts, host) {
			return m
		}
	}
	return nil
}

// shellsOpen counts the shells and commands that run.
func (s *screen) shellsOpen() int {
	n := 0
	for _, list := range s.world.sessions {
		n += len(list)
	}
	return n
}

// heldLinks are the connections of this configuration that are up or on their
// way.
func (s *screen) heldLinks() []*api.Link {
	var out []*api.Link
	for i := range s.snap.Links {
		if l := &s.snap.Links[i]; l.Config == s.config && l.State != api.LinkDown && l.State != api.LinkFailed {
			out = append(out, l)
		}
	}
	return out
}

// rosterEntry is a line of the page: whose it is, what it is, more about it, and how
// long it has been so.
type rosterEntry struct {
	item   *item
	name   string // printable; "" where it is the host's
	status status
	what   string
	more   string
	path   bool     // more is one, of which the end matters
	notes  []string // at the right, the last given up first for want of room
	since  time.Time
	below  []span // what is said beneath
}

// label is what an entry begins with.
func (e rosterEntry) label() string { return cmp.Or(e.name, clean(e.item.host)) }

// rosterPart is a heading with what belongs to it.
type rosterPart struct {
	title   string
	entries []rosterEntry
}

// rosterParts is all that the page shows.
func (s *screen) rosterParts() []rosterPart {
	parts := []rosterPart{
		{"Shells", s.shellEntries()},
		{"Connections held here", s.linkEntries()},
		{title: "Connections of ssh"},
		{title: "Other connections of ssh, to hosts that the configuration does not name"},
	}
	for _, m := range s.theirs() {
		at := &parts[2]
		if len(m.Hosts) == 0 {
			at = &parts[3]
		}
		at.entries = append(at.entries, s.masterEntry(m))
	}
	return slices.DeleteFunc(parts, func(p rosterPart) bool { return p.entries == nil })
}

func (s *screen) shellEntries() (out []rosterEntry) {
	for _, host := range slices.Sorted(maps.Keys(s.opening)) {
		o := s.opening[host]
		e := rosterEntry{item: &item{id: "opening " + host, host: host, about: "the shell on its way"}, status: status{glyph: "◐", style: s.busy}, what: "starting…", since: o.since}
		if o.shell != nil {
			e.status, e.what = status{glyph: "●", style: s.up}, "ready"
		}
		out = append(out, e)
	}
	for i := range s.snap.Sessions {
		sh := &s.snap.Sessions[i]
		over := sh.State == api.SessionEnded && !sh.Kept()
		if sh.Config != s.config || over || sh.State == api.SessionOpening && s.opening[sh.Host] != nil {
			continue
		}
		out = append(out, s.shellEntry(sh))
	}
	return out
}

// shellEntry is a shell or a command, and whether anybody looks at it.
func (s *screen) shellEntry(sh *api.Session) rosterEntry {
	e := rosterEntry{
		item:   &item{id: "shell " + sh.ID, host: sh.Host, about: "the shell", session: sh},
		name:   clean(sh.Name), // of several on a host it tells them apart, here and to "sallyport attach"
		status: s.shellStatus(sh), what: "shell", more: clean(sh.Command), notes: s.shellNotes(sh), since: sh.Since,
	}
	switch {
	case sh.Waits():
		e.what, e.more = "waits", keptIn(sh)+": Enter comes back to it, K dismisses it"
	case sh.State == api.SessionEnded:
		e.what, e.more = "ended", "Enter shows its last screen, K dismisses it"
	case sh.Left():
		e.what = "left"
	case sh.Command != "" && sh.KeptAs == nil:
		e.what = "command"
	}
	if sh.KeptAs != nil && sh.State != api.SessionEnded {
		e.more = strings.TrimSpace(sh.Title + "  " + keptIn(sh)) // the title is printable
	}
	if e.more == "" {
		e.more = sh.Title // printable
	}
	if to := sh.Recorded; to != nil && to.Failure != "" {
		e.below = append(e.below, span{"✗ log to " + tilde(to.Path) + ": " + to.Failure, s.bad}) // printable
	} else if to != nil {
		e.below = append(e.below, span{"● log to " + tilde(to.Path), s.busy})
	}
	return e
}

// shellStatus is the shape of a shell or a command.
func (s *screen) shellStatus(sh *api.Session) status {
	switch {
	case sh.State == api.SessionOpening:
		return status{glyph: "◐", style: s.busy}
	case sh.Waits():
		return status{glyph: "◌", style: s.busy}
	case sh.State == api.SessionEnded:
		return status{glyph: "○", style: s.dim}
	case sh.Left():
		return status{glyph: "⌂", style: s.up}
	}
	return status{glyph: "●", style: s.up}
}

// shellNotes are where a shell that runs is shown, and when it last wrote.
func (s *screen) shellNotes(sh *api.Session) (notes []string) {
	if sh.State != api.SessionRunning {
		return nil
	}
	if len(sh.Viewers) > 0 {
		notes = append(notes, "on "+sh.ShownOn()) // printable
	}
	if !sh.Output.IsZero() {
		notes = append(notes, "output "+elapsed(s.now().Sub(sh.Output))+" ago")
	}
	return notes
}

// keptIn is where on its host a shell goes on without its connection.
func keptIn(sh *api.Session) string {
	return "kept by " + clean(sh.KeptAs.Keeper) + " as " + clean(sh.KeptAs.Name)
}

func (s *screen) linkEntries() (out []rosterEntry) {
	for _, l := range s.heldLinks() {
		st := s.linkStatus(l)
		e := rosterEntry{item: &item{id: "link " + l.ID, host: l.Host, about: "the connection", link: l}, status: st, what: clean(string(l.Kind)), since: l.Since}
		if l.State == api.LinkUp {
			e.more = strings.Join(slices.DeleteFunc([]string{st.note, s.usedBy(l)}, func(t string) bool { return t == "" || t == "up" }), "   ")
		} else {
			e.more = st.note
		}
		if m := s.served(l); m != nil {
			e.below = append(e.below, span{s.sharedWith(m), s.dim})
		}
		out = append(out, e)
	}
	return out
}

// sharedWith is where clients of ssh use a connection, and which do.
func (s *screen) sharedWith(m *api.Served) string {
	text := "shared with ssh at " + tilde(m.Path)
	for i, g := range m.Clients {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		text += sep + guestText(g)
	}
	return text
}

// guestText is a client of ssh and what it has open.
func guestText(g api.Guest) string {
	text := "ssh"
	if g.PID != 0 {
		text = "pid " + strconv.Itoa(g.PID)
	}
	switch g.What {
	case api.GuestSession:
		return text + " (session)"
	case api.GuestForward:
		return text + " (to " + clean(g.To) + ")"
	}
	return text + " (" + clean(string(g.What)) + ")"
}

// usedBy is what goes through a connection, in words.
func (s *screen) usedBy(l *api.Link) string {
	shells, tunnels, hosts := s.users(l)
	var parts []string
	for _, n := range []struct {
		n    int
		what string
	}{{shells, "shell"}, {tunnels, "tunnel"}, {s.guests(l), "ssh client"}, {len(hosts), "host"}} {
		if n.n > 0 {
			parts = append(parts, count(n.n, n.what))
		}
	}
	if len(hosts) > 0 {
		parts[len(parts)-1] += " behind it"
	}
	return and(parts...)
}

// masterEntry is one master. Who else is attached to it nobody but itself
// knows; what of ours is stands beneath.
func (s *screen) masterEntry(m *api.Master) rosterEntry {
	e := rosterEntry{item: &item{id: "master " + m.Path, about: "the master", master: m}, more: tilde(m.Path), path: true, since: m.Since}
	if len(m.Hosts) > 0 {
		e.item.host = m.Hosts[0]
	}
	switch m.State {
	case api.MasterAlive:
		e.status, e.what = status{glyph: "◆", style: s.up}, "pid "+strconv.Itoa(m.PID)
	case api.MasterStale:
		e.status, e.what = status{glyph: "○", style: s.dim}, "stale"
	default:
		e.status, e.what = status{glyph: "✗", style: s.bad}, "unusable"
		e.below = append(e.below, span{clean(m.Problem), s.bad})
	}
	if len(m.Hosts) > 1 {
		e.below = append(e.below, span{"also of " + clean(and(m.Hosts[1:]...)), s.dim})
	}
	if l := s.sharedLink(m); l != nil {
		if used := s.usedBy(l); used != "" {
			e.below = append(e.below, span{"carries " + used + " of ours", s.dim})
		}
	}
	for _, b := range s.borrowedOf(m) {
		e.below = append(e.below, span{borrowedText(b) + "   opened from here, f closes it", s.dim})
	}
	return e
}

// sharedLink is our connection over a master, nil if there is none.
func (s *screen) sharedLink(m *api.Master) *api.Link {
	for _, l := range s.heldLinks() {
		if l.Kind == api.LinkShared && m.State == api.MasterAlive && slices.Contains(m.Hosts, l.Host) {
			return l
		}
	}
	return nil
}

// rosterColumns are the widths of what stands before the rest of a row.
type rosterColumns struct{ host, what int }

// ageWidth is that of the times at the right edge.
const ageWidth = len("59 min")

// rosterRows are the rows of the page for a pane w cells wide.
func (s *screen) rosterRows(w int) []row {
	if w < 20 {
		return nil
	}
	p := &sheet{screen: s, w: w - 2}
	parts := s.rosterParts()
	var t rosterColumns
	for _, part := range parts {
		for _, e := range part.entries {
			t.host, t.what = max(t.host, cells(e.label())), max(t.what, cells(e.what))
		}
	}
	t.host = min(t.host, p.w/3)
	for i, part := range parts {
		if i > 0 {
			p.gap()
		}
		p.add(line{{fit(part.title, p.w), s.heading}})
		for _, e := range part.entries {
			p.item(e.item, s.rosterLine(e, t, p.w))
			for _, below := range e.below {
				p.say(2, "", below)
			}
		}
	}
	return p.rows
}

func (s *screen) rosterLine(e rosterEntry, t rosterColumns, w int) line {
	out := line{{e.status.glyph + " ", e.status.style}, {pad(e.label(), t.host), s.plain}, {"  " + pad(e.what, t.what) + "  ", s.plain}}
	age := ""
	if !e.since.IsZero() {
		age = elapsed(s.now().Sub(e.since))
	}
	room := w - out.width() - ageWidth - 2
	notes := rosterNotes(e, room)
	room -= cells(notes)
	more := fit(e.more, room)
	if e.path {
		more = fitEnd(e.more, room)
	}
	return append(out, span{pad(more, room), s.dim}, span{notes, s.dim}, span{strings.Repeat(" ", max(0, 2+ageWidth-cells(age))) + age, s.dim})
}

// leastMore is how much is shown of a title before notes that leave it less
// room, in cells.
const leastMore = 16

// rosterNotes are as many notes of an entry as there is room for.
func rosterNotes(e rosterEntry, room int) string {
	for n := len(e.notes); n > 0; n-- {
		text := "  " + strings.Join(e.notes[:n], ", ")
		if cells(text)+min(cells(e.more), leastMore) <= room {
			return text
		}
	}
	return ""
}

func (s *screen) drawRoster(c canvas, r rect) {
	c.frame(r, s.rosterTitle(), s.focus)
	in := r.inner()
	if len(s.roster.rows) == 0 {
		s.drawRosterLesson(c.within(in), in)
		return
	}
	s.drawRows(c, r, &s.roster.detail, s.roster.rows, true)
}

func (s *screen) rosterTitle() line {
	alive := 0
	for _, m := range s.theirs() {
		if m.State == api.MasterAlive {
			alive++
		}
	}
	var parts []string
	for _, n := range []struct {
		n    int
		what string
	}{{s.shellsOpen(), "shell"}, {len(s.heldLinks()), "connection"}, {alive, "master"}} {
		if n.n > 0 {
			parts = append(parts, count(n.n, n.what))
		}
	}
	title := line{{"Sessions", s.title}}
	if len(parts) > 0 {
		title = append(title, span{" ─ ", s.focus}, span{strings.Join(parts, ", "), s.plain})
	}
	return title
}

// drawRosterLesson says what would be here.
func (s *screen) drawRosterLesson(c canvas, r rect) {
	y := r.y + 1
	say := func(text string, indent int, l line) {
		for _, part := range wrap(text, r.w-4) {
			c.text(r.x+2, y, part, s.plain)
			y++
		}
		for _, sp := range l {
			c.text(r.x+2+indent, y, sp.text, sp.style)
			y++
		}
		y++
	}
	say("No shell is open, no connection is held, and no ssh shares one.", 0, nil)
	say("1 goes to the hosts: Enter opens a shell there, and its connection stays for the next.", 0, nil)
	say("What you log in to with ssh in any terminal is listed here and used without a second login, if ~/.ssh/config has what follows; M on the page of the hosts writes it for one.", 2,
		line{{"Host *", s.accent}, {"    ControlMaster auto", s.accent}, {"    ControlPath ~/.ssh/cm-%C", s.accent}})
}
