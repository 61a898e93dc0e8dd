package ui

import (
	"slices"
	"strconv"
	"strings"

	"sallyport/api"
)

// board is the Tunnels page: the forwards of all hosts in one list.
type board struct {
	detail                    // its rows under a cursor
	of     inventory          // that was asked
	all    []api.HostForwards // that it has; nil until it has answered
	read   bool               // it has answered
	rows   []row              // as they are seen
}

// tunnelsOn counts the tunnels that are on.
func (s *screen) tunnelsOn() int {
	n := 0
	for _, list := range s.world.tunnels {
		n += len(list)
	}
	return n
}

// requestForwards asks for the forwards of all hosts when the page is seen
// for the first time.
func (s *screen) requestForwards() {
	if s.page != tunnelsPage || s.inv == nil || s.board.of == s.inv {
		return
	}
	inv := s.inv
	s.board.of = inv
	s.look(func() {
		all := inv.Forwards()
		s.in.do(func() {
			if s.inv == inv {
				s.board.all, s.board.read = all, true
			}
		})
	})
}

// hostForwards are the hosts with their forwards: those of the configuration,
// each with what is open besides, then hosts with nothing but that.
func (s *screen) hostForwards() []api.HostForwards {
	var out []api.HostForwards
	listed := map[string]bool{}
	for _, h := range s.board.all {
		listed[h.Host] = true
		out = append(out, api.HostForwards{Host: h.Host, Forwards: s.forwards(h.Host, api.Detail{Forwards: h.Forwards})})
	}
	for i := range s.snap.Tunnels {
		if host := s.snap.Tunnels[i].Host; !listed[host] && s.world.tunnels[host] != nil {
			listed[host] = true
			out = append(out, api.HostForwards{Host: host, Forwards: s.forwards(host, api.Detail{})})
		}
	}
	return out
}

// boardRows are the rows of the page for a pane w cells wide.
func (s *screen) boardRows(w int) []row {
	if w < 20 {
		return nil
	}
	hosts := s.hostForwards()
	p := &sheet{screen: s, w: w - 2}
	t := s.tunnelTable(hosts, p.w)
	for i, h := range hosts {
		if i > 0 {
			p.gap()
		}
		p.host = h.Host
		st := s.status(h.Host)
		p.add(line{{st.glyph + " ", st.style}, {fit(clean(h.Host), p.w/2), s.heading}, {"  " + st.note, st.noteStyle}})
		for _, f := range h.Forwards {
			it := &item{id: boardID(h.Host, f), host: h.Host, about: forwardText(f.Spec), forward: &f}
			p.rows = append(p.rows, row{item: it, paint: func() line { return t.line(s.tunnelCells(h.Host, f)) }})
			p.tunnelTrouble(f, s.tunnel(h.Host, f.ID))
		}
	}
	if !s.board.read && s.inv != nil {
		p.gap()
		p.add(line{{"Reading the forwards of all hosts…", s.dim}})
	}
	return p.rows
}

// boardID names the row of a forward.
func boardID(host string, f api.Forward) string { return "tunnel " + host + " " + f.ID + f.Problem }

// tunnelCells is a tunnel as the cells of a row: box, forward, state,
// connections, bytes up and down, graph, speed, since when.
func (s *screen) tunnelCells(host string, f api.Forward) [tunnelColumns]line {
	p, t := &sheet{screen: s, host: host}, s.tunnel(host, f.ID)
	box, style := "[ ] ", s.dim
	if s.on(host, f.ID) {
		box, style = "[x] ", s.plain
	}
	st := p.tunnelStatus(f, t)
	out := [tunnelColumns]line{{{box, s.plain}}, {{forwardText(f.Spec), style}}, {{st.glyph, st.style}, {" " + st.note, st.noteStyle}}}
	if t == nil {
		return out
	}
	if t.Once {
		out[2] = append(out[2], span{", once", s.dim})
	}
	if t.Total > 0 {
		out[3] = line{{count(int(t.Total), "connection"), s.dim}}
	}
	if t.Sent+t.Received > 0 {
		out[4] = line{{"↑ " + size(float64(t.Sent)), s.plain}}
		out[5] = line{{"↓ " + size(float64(t.Received)), s.plain}}
	}
	if tr := s.traffic[t.ID]; tr != nil && !tr.quiet() {
		out[6], out[7] = line{{graph(tr.rates), s.accent}}, line{{size(tr.rate()) + "/s", s.plain}}
	}
	if !t.Since.IsZero() {
		out[8] = line{{elapsed(s.now().Sub(t.Since)), s.dim}}
	}
	return out
}

// tunnelColumns is how many cells a row has.
const tunnelColumns = 9

// columns is a table whose widths follow what is in it. A column of width -1
// is left out.
type columns [tunnelColumns]int

// steady are the least widths, so that the columns stay where they are while
// the figures change.
var steady = columns{2: 12, 3: 13, 4: 8, 5: 8, 6: trafficLength, 7: len("999 kB/s"), 8: len("59 min")}

// expendable are the columns that are left out where there is no room, the
// first first.
var expendable = []int{3, 8, 7, 6, 4, 5}

// flushRight are the columns of figures.
var flushRight = []int{3, 4, 5, 8}

func (s *screen) tunnelTable(hosts []api.HostForwards, w int) columns {
	t := steady
	for _, h := range hosts {
		for _, f := range h.Forwards {
			for i, cell := range s.tunnelCells(h.Host, f) {
				t[i] = max(t[i], cell.width())
			}
		}
	}
	for _, i := range expendable {
		if t.width() <= w {
			break
		}
		t[i] = -1
	}
	if spare := w - t.width(); spare < 0 {
		t[1] = max(8, t[1]+spare)
	} else if t[8] > 0 {
		t[8] += spare // the times stand at the right edge
	}
	return t
}

// gapBetween parts two columns; the box stands at what it switches.
const gapBetween = 2

func (t columns) width() int {
	w := t[0]
	for i, n := range t[1:] {
		if n > 0 {
			w += n
			if i > 0 {
				w += gapBetween
			}
		}
	}
	return w
}

// line sets the cells of a row.
func (t columns) line(row [tunnelColumns]line) line {
	out := slices.Clone(row[0])
	for i := 1; i < len(row); i++ {
		if t[i] <= 0 {
			continue
		}
		cell := fitLine(row[i], t[i])
		fill := span{text: strings.Repeat(" ", t[i]-cell.width())}
		if i > 1 {
			out = append(out, span{text: strings.Repeat(" ", gapBetween)})
		}
		if slices.Contains(flushRight, i) {
			out = append(append(out, fill), cell...)
		} else {
			out = append(append(out, cell...), fill)
		}
	}
	return out
}

func (s *screen) drawBoard(c canvas, r rect) {
	title := line{{"Tunnels", s.title}}
	all := len(places(s.board.rows))
	if all > 0 {
		title = append(title, span{" ─ ", s.focus}, span{strconv.Itoa(s.tunnelsOn()) + " of " + strconv.Itoa(all) + " on", s.plain})
	}
	c.frame(r, title, s.focus)
	in := r.inner()
	if all == 0 && (s.board.read || s.inv == nil) {
		s.drawBoardLesson(c.within(in), in)
		return
	}
	s.drawRows(c, r, &s.board.detail, s.board.rows, true)
}

// drawBoardLesson says what a tunnel is, and how to get one.
func (s *screen) drawBoardLesson(c canvas, r rect) {
	say := func(y int, text string, l line) int {
		for _, part := range wrap(text, r.w-4) {
			c.text(r.x+2, r.y+y, part, s.plain)
			y++
		}
		if l != nil {
			c.line(r.x+2, r.y+y+1, l)
			y += 3
		}
		return y
	}
	y := say(1, "No host has a tunnel yet. One makes a port of a distant host appear on this computer, and stays up by itself: after a lost network, a sleep, a restart.", nil)
	y = say(y+1, "n makes one:", line{{"  8080", s.key}, {"              port 8080 of the host, such as a Jupyter there", s.dim}})
	c.line(r.x+2, r.y+y-1, line{{"  8080:gpu3:8888", s.key}, {"    port 8888 of gpu3, which the host can reach", s.dim}})
	c.line(r.x+2, r.y+y, line{{"  -D 1080", s.key}, {"           a SOCKS proxy that sees what the host sees", s.dim}})
	say(y+2, "What ~/.ssh/config has is listed here too, as this line in a host's block:", line{{"  LocalForward 8080 localhost:8080", s.accent}})
}
