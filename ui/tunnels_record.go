package ui

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"sallyport/api"
)

// record is a tunnel in full: its connections and what happened to it. It is
// asked for again and again as long as it is on the screen.
type record struct {
	host    string
	forward api.Forward
	got     *api.TunnelRecord // nil until it has come
	failed  string            // why it has not
	asking  bool
	at      time.Time          // when it was asked for last
	traffic map[int64]*traffic // of its connections, by Number
	top     int
}

// recordEvery is how often a record is asked for.
const recordEvery = time.Second

// openRecord leads to the connections and the log of the tunnel under the
// cursor.
func (s *screen) openRecord() {
	it := s.boardItem()
	s.record = &record{host: it.host, forward: *it.forward, traffic: map[int64]*traffic{}}
	s.askRecord()
}

func (s *screen) closeRecord() { s.record = nil }

// askRecord asks for the record on the screen, unless that was done just now.
func (s *screen) askRecord() {
	r := s.record
	if r == nil || r.asking || s.now().Sub(r.at) < recordEvery && !r.at.IsZero() || s.tunnel(r.host, r.forward.ID) == nil {
		return
	}
	r.asking, r.at = true, s.now()
	var got api.TunnelRecord
	s.act(func(ctx context.Context) (err error) {
		got, err = s.b.Tunnel(ctx, r.forward.ID)
		return err
	}, func(err error) {
		r.asking, r.failed = false, ""
		if err != nil {
			r.failed, _ = sentence(err)
			return
		}
		r.take(&got, s.now())
	})
}

// take keeps an answer, and measures the speed of each connection.
func (r *record) take(got *api.TunnelRecord, now time.Time) {
	r.got = got
	open := map[int64]*traffic{}
	for _, c := range got.Connections {
		if !c.Ended.IsZero() {
			continue
		}
		t := r.traffic[c.Number]
		if t == nil {
			t = &traffic{}
		}
		t.add(c.Sent+c.Received, now)
		open[c.Number] = t
	}
	r.traffic = open
}

// recordRows are the rows of a record for a pane w cells wide.
func (s *screen) recordRows(w int) []row {
	r := s.record
	p := &sheet{screen: s, host: r.host, w: w - 2}
	t := s.tunnel(r.host, r.forward.ID)
	st := p.tunnelStatus(r.forward, t)
	p.add(line{{st.glyph, st.style}, {" " + st.note, st.noteStyle}})
	p.tunnelTrouble(r.forward, t)
	switch {
	case t == nil:
		p.gap()
		p.say(0, "", span{"It is off: it has no connections, and what happened before is forgotten. Space switches it on.", s.dim})
		return p.rows
	case r.failed != "":
		p.gap()
		p.say(0, "✗ ", span{r.failed, s.bad})
	}
	p.totals(t)
	if r.got == nil {
		p.gap()
		p.add(line{{"Reading…", s.dim}})
		return p.rows
	}
	p.connections(r)
	p.tunnelLog(r.got.Log)
	return p.rows
}

// totals are the figures of the tunnel as a whole.
func (p *sheet) totals(t *api.Tunnel) {
	figure := func(name, value string) {
		if value != "" {
			p.add(line{{pad(name, 12), p.dim}, {fit(value, p.w-12), p.plain}})
		}
	}
	p.gap()
	if !t.Opened.IsZero() {
		figure("On since", t.Opened.Local().Format("2 Jan 15:04:05")+", "+elapsed(p.now().Sub(t.Opened)))
	}
	figure("Bytes", "↑ "+size(float64(t.Sent))+"  ↓ "+size(float64(t.Received)))
	if tr := p.traffic[t.ID]; tr != nil && !tr.quiet() {
		p.add(append(line{{pad("Speed", 12), p.dim}}, p.speed(tr)...))
	}
	if t.Dial > 0 {
		figure("Far end", "took "+latency(t.Dial)+" to open, the last time")
	}
	if e := t.LastError; e != nil && !e.At.IsZero() {
		figure("Last error", e.At.Local().Format("2 Jan 15:04:05"))
	}
}

// connections are those that are open, then those that have ended, each the
// youngest first.
func (p *sheet) connections(r *record) {
	p.heading("Connections")
	if len(r.got.Connections) == 0 {
		p.say(0, "", span{"None yet. Programs of this computer open them.", p.dim})
		return
	}
	for _, open := range []bool{true, false} {
		for _, c := range slices.Backward(r.got.Connections) {
			if c.Ended.IsZero() == open {
				p.connection(c, r.traffic[c.Number])
			}
		}
	}
}

// connection is one row: shape, who has opened it, where it leads, bytes,
// speed, age.
func (p *sheet) connection(c api.TunnelConnection, tr *traffic) {
	glyph, age := span{"●", p.up}, p.now().Sub(c.Since)
	switch {
	case c.Failure != nil:
		glyph = span{"✗", p.bad}
	case !c.Ended.IsZero():
		glyph = span{"○", p.dim}
	}
	right := line{{"  ↑ " + flush(size(float64(c.Sent)), 6) + "  ↓ " + flush(size(float64(c.Received)), 6), p.plain}}
	if c.Dial > 0 && p.w >= 90 {
		right = append(line{{"  opened in " + flush(latency(c.Dial), 6), p.dim}}, right...)
	}
	if p.w >= 90 {
		speed := p.speed(tr)
		right = append(append(right, span{"  ", p.plain}), speed...)
		right = append(right, span{strings.Repeat(" ", max(0, trafficLength+10-speed.width())), p.plain})
	}
	when := elapsed(age)
	if !c.Ended.IsZero() {
		when = c.Ended.Local().Format("15:04:05")
	}
	right = append(right, span{"  " + flush(when, 8), p.dim})
	who := clean(c.Process)
	switch {
	case who != "":
		who += " (" + strconv.Itoa(c.PID) + ")"
	case c.Client != "":
		who = clean(c.Client)
	default:
		who = "a program"
	}
	if c.Target != "" {
		who += " → " + clean(c.Target)
	}
	room := max(0, p.w-2-right.width())
	p.add(append(line{glyph, {" " + pad(who, room), p.plain}}, right...))
}

// speed is how fast bytes went lately, as a graph and in figures.
func (s *screen) speed(t *traffic) line {
	if t == nil || t.quiet() {
		return nil
	}
	return line{{graph(t.rates), s.accent}, {" " + size(t.rate()) + "/s", s.plain}}
}

// tunnelLog is what happened, the newest first.
func (p *sheet) tunnelLog(log []api.TunnelEntry) {
	p.heading("Log")
	for _, e := range slices.Backward(log) {
		text := strings.TrimPrefix(clean(string(e.State)+": "+e.Message), ": ")
		text = strings.TrimSuffix(text, ": ")
		if e.Times > 1 {
			text += " (" + strconv.Itoa(e.Times) + " times)"
		}
		style := p.plain
		if e.State == "" || e.State == api.TunnelFailed || e.State == api.TunnelBusy {
			style = p.bad
		}
		for i, part := range wrap(text, p.w-10) {
			when := strings.Repeat(" ", 10)
			if i == 0 {
				when = e.Time.Local().Format("15:04:05") + "  "
			}
			p.add(line{{when, p.dim}, {part, style}})
		}
		if e.Hint != "" {
			p.say(10, "→ ", span{clean(e.Hint), p.plain})
		}
	}
}

// flush is text at the right end of w cells.
func flush(s string, w int) string { return strings.Repeat(" ", max(0, w-cells(s))) + s }

func (s *screen) settleRecord(in rect) {
	r := s.record
	r.top = max(0, min(r.top, len(s.recordRows(in.w))-in.h))
}

func (s *screen) drawRecord(c canvas, r rect) {
	c.fill(r, s.plain)
	c.frame(r, line{{clean(s.record.host), s.title}, {" ─ ", s.focus}, {forwardText(s.record.forward.Spec), s.plain}}, s.focus)
	d := &detail{top: s.record.top}
	s.drawRows(c, r, d, s.recordRows(r.inner().w), false)
}
