package ui

import (
	"context"
	"time"

	"sallyport/api"
)

// finding is a look around on a host, over the page of the hosts: what has been
// found stands under a cursor.
type finding struct {
	host   string
	stop   context.CancelFunc // ends what goes on
	since  time.Time          // when that began; zero while nothing does
	doing  string             // what it is
	failed api.Entry          // why it has ended
	list   detail             // its rows under a cursor
}

// begin goes on with something else, which the context ends.
func (s *screen) begin(f *finding, doing string) context.Context {
	if f.stop != nil {
		f.stop()
	}
	var ctx context.Context
	ctx, f.stop = context.WithCancel(s.ctx)
	f.since, f.doing, f.failed = s.now(), doing, api.Entry{}
	delete(s.failures, f.host)
	s.in.poke()
	return ctx
}

// came is called when what went on has ended.
func (f *finding) came(s *screen, err error) {
	f.since = time.Time{}
	if err != nil {
		message, hint := sentence(err)
		s.note(f.host, message, hint)
		f.failed = api.Entry{Message: message, Hint: hint}
	}
}

// broken gives what a look around calls when the connection breaks under it:
// the screen says so until it is back, and that is all there is to do.
func (s *screen) broken(ctx context.Context, f *finding) func(error) {
	return func(err error) {
		s.in.do(func() {
			if ctx.Err() != nil {
				return
			}
			message, hint := sentence(err)
			s.note(f.host, message, hint)
			f.since, f.doing = s.now(), "The connection to "+clean(f.host)+" was lost. This goes on when it is back…"
		})
	}
}

// found is the look around that is on the screen, nil if there is none.
func (s *screen) found() *finding {
	switch {
	case s.jupyter != nil:
		return &s.jupyter.finding
	case s.ports != nil:
		return &s.ports.finding
	case s.doctor != nil:
		return &s.doctor.finding
	}
	return nil
}

// leaveFound goes back to the page. A connection that is made only for this is
// given up.
func (s *screen) leaveFound() {
	f := s.found()
	if f == nil {
		return
	}
	f.stop()
	if s.doctor != nil { // its connection is its own
		s.doctor = nil
		s.askNext()
		return
	}
	s.jupyter, s.ports = nil, nil
	if l := s.link(f.host); !f.since.IsZero() && l != nil && underWay(l) && s.opening[f.host] == nil && len(s.world.tunnels[f.host]) == 0 {
		s.closeLink(*l)
		s.tell("Connecting to " + clean(f.host) + " is cancelled.")
	}
	s.askNext()
}

// under is the item that the cursor of a look around is on, nil if there is
// none.
func (f *finding) under(rows []row) *item {
	at := places(rows)
	if len(at) == 0 {
		return nil
	}
	return rows[at[f.list.cursor(rows, at)]].item
}

// progress says what goes on, or why it has ended.
func (p *sheet) progress(f *finding) {
	switch {
	case !f.since.IsZero():
		p.add(line{{"◐ ", p.busy}, {p.screen.since(f.doing, f.since), p.plain}})
		if l := p.link(f.host); l != nil && l.State != api.LinkUp {
			st := p.status(f.host)
			p.add(line{{"  " + st.glyph + " " + st.note, st.noteStyle}})
		}
	case f.failed.Message != "":
		p.say(0, "✗ ", span{f.failed.Message, p.bad})
		if f.failed.Hint != "" {
			p.say(0, "→ ", span{f.failed.Hint, p.plain})
		}
	}
}
