package ui

import (
	"context"
	"strings"

	"sallyport/api"
)

// review is a change of the configuration before it is written: the diff, and
// what else goes with it.
type review struct {
	title   string
	remarks []string // what the diff does not show
	change  *api.Change
	host    string // that is selected afterwards
	top     int
	busy    bool // it is being written
}

// removeHost has it looked at what would go with the selected host, and asks.
func (s *screen) removeHost() {
	name, _ := s.list.selected()
	s.tell("Looking what would go with " + clean(name) + "…")
	s.propose([]api.Edit{api.RemoveHost{Name: name}}, func(c *api.Change, err error) {
		switch selected, _ := s.list.selected(); {
		case err != nil:
			message, hint := sentence(err)
			s.fail(name, message, hint)
		case selected == name && s.form == nil && s.review == nil:
			s.notice = nil
			s.review = &review{title: "Remove " + clean(name) + " from " + tilde(c.File) + "?", remarks: s.removeRemarks(name), change: c}
		}
	})
}

// removeRemarks tell what becomes of what is open on a host.
func (s *screen) removeRemarks(name string) []string {
	shells, tunnels, _ := s.users(s.link(name))
	var open []string
	if shells > 0 {
		open = append(open, count(shells, "shell"))
	}
	if tunnels > 0 {
		open = append(open, count(tunnels, "tunnel"))
	}
	if len(open) == 0 {
		return nil
	}
	verb := " are open on it and can no longer be reached from this list: close the connection first (x)."
	if shells+tunnels == 1 {
		verb = " is open on it and can no longer be reached from this list: close the connection first (x)."
	}
	return []string{and(open...) + verb}
}

// reviewRows are the remarks and the diff, its bytes made harmless.
func (s *screen) reviewRows(w int) []line {
	var out []line
	for _, text := range s.review.remarks {
		for _, r := range wrap(text, w) {
			out = append(out, line{{r, s.busy}})
		}
		out = append(out, nil)
	}
	for l := range strings.Lines(s.review.change.Diff()) {
		style := s.plain
		switch {
		case strings.HasPrefix(l, "+++"), strings.HasPrefix(l, "---"), strings.HasPrefix(l, "@@"):
			style = s.dim
		case strings.HasPrefix(l, "+"):
			style = s.up
		case strings.HasPrefix(l, "-"):
			style = s.bad
		}
		for _, r := range wrap(clean(strings.ReplaceAll(strings.TrimRight(l, "\r\n"), "\t", "    ")), w) {
			out = append(out, line{{r, style}})
		}
	}
	return out
}

// agree writes the change, and reads the file again.
func (s *screen) agree() {
	r := s.review
	r.busy = true
	s.unfollow() // what we write is no news
	s.act(func(ctx context.Context) error { return s.b.Save(ctx, r.change) }, func(err error) {
		s.review = nil
		if err != nil {
			s.follow(s.newest)
		}
		switch {
		case err != nil && s.form != nil:
			s.form.refused(s, err)
		case err != nil:
			message, hint := sentence(err)
			s.fail(r.host, message, hint)
		default:
			s.form = nil
			s.saved = r
			s.read()
		}
	})
}

// follows goes to the host of a change that has been read.
func (s *screen) follows(r *review) {
	s.saved = nil
	if r.host == "" {
		return
	}
	if s.list.choose(r.host); s.list.filtered() {
		if selected, _ := s.list.selected(); selected != r.host {
			s.searchClear()
			s.list.choose(r.host)
		}
	}
}

func (s *screen) disagree() { s.review = nil }

// drawReview draws the change over the page.
func (s *screen) drawReview(c canvas, r rect) {
	c.fill(r, s.plain)
	c.frame(r, line{{s.review.title, s.title}}, s.focus)
	in := r.inner()
	rows := s.reviewRows(in.w - 2)
	for y := 0; y < in.h && s.review.top+y < len(rows); y++ {
		c.within(in).line(in.x+1, in.y+y, rows[s.review.top+y])
	}
	if s.review.top+in.h < len(rows) {
		c.text(r.x+r.w-9, r.y+r.h-1, " more ↓ ", s.dim)
	}
}
