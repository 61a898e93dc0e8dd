package ui

import (
	"slices"
	"strings"
	"time"

	"sallyport/api"
)

// journal is the Log page: what happened, newest last.
type journal struct {
	query  *field
	typing bool
	up     int // rows scrolled back from the newest
}

func (j *journal) settle(rows, height int) { j.up = max(0, min(j.up, rows-height)) }

// sameNews is how close in time two equal lines are one piece of news, told by
// the background process and by an act of ours that failed of it.
const sameNews = 10 * time.Second

// entries are the lines of the background process and our own by time, those
// of the hosts that the query names.
func (s *screen) entries() []api.Entry {
	all := slices.Clone(s.snap.Log)
	told := map[string]time.Time{}
	for _, e := range all {
		told[e.Host+"\x00"+e.Message] = e.Time
	}
	for _, e := range s.said {
		if t, ok := told[e.Host+"\x00"+e.Message]; !ok || e.Time.Sub(t).Abs() > sameNews {
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b api.Entry) int { return a.Time.Compare(b.Time) })
	query := strings.ToLower(strings.TrimSpace(string(s.journal.query.text)))
	if query == "" {
		return all
	}
	return slices.DeleteFunc(all, func(e api.Entry) bool { return !strings.Contains(strings.ToLower(clean(e.Host)), query) })
}

func (s *screen) logRows(w int) []line {
	all := s.entries()
	host := 0
	for _, e := range all {
		host = max(host, cells(clean(e.Host)))
	}
	host = min(host, w/4)
	var out []line
	for _, e := range all {
		out = append(out, s.entryRows(e, host, w)...)
	}
	return out
}

func (s *screen) entryRows(e api.Entry, host, w int) []line {
	indent := 1 + len("15:04:05") + 2
	if host > 0 {
		indent += host + 2
	}
	var out []line
	message := clean(strings.TrimPrefix(e.Message, e.Host+": "))
	for i, r := range wrap(message, w-indent-1) {
		if i > 0 {
			out = append(out, line{{strings.Repeat(" ", indent) + r, s.plain}})
			continue
		}
		head := line{{" " + e.Time.Local().Format("15:04:05") + "  ", s.dim}}
		if host > 0 {
			head = append(head, span{pad(clean(e.Host), host) + "  ", s.accent})
		}
		out = append(out, append(head, span{r, s.plain}))
	}
	if e.Hint != "" {
		for i, r := range wrap(clean(e.Hint), w-indent-3) {
			arrow := "  "
			if i == 0 {
				arrow = "→ "
			}
			out = append(out, line{{strings.Repeat(" ", indent) + arrow + r, s.dim}})
		}
	}
	return out
}

func (s *screen) logSearching() bool { return s.journal.typing || len(s.journal.query.text) > 0 }

func (s *screen) logHeight(l layout) int {
	if s.logSearching() {
		return max(0, l.body.h-3)
	}
	return l.body.inner().h
}

func (s *screen) drawLog(c canvas, l layout) {
	rows := s.logRows(l.body.inner().w)
	title := line{{"Log", s.title}}
	if s.logSearching() {
		title = append(title, span{" ─ ", s.focus}, span{count(len(s.entries()), "entry"), s.plain})
	}
	c.frame(l.body, title, s.focus)
	in := l.body.inner()
	c = c.within(in)
	y := in.y
	if s.logSearching() {
		s.drawQuery(c, in, s.journal.query, s.journal.typing)
		y++
	}
	height := s.logHeight(l)
	if len(rows) == 0 {
		what := "Nothing has happened yet. Connections, tunnels and failures are told here."
		if s.logSearching() {
			what = "Nothing is told of a host with that in its name. Esc clears the search."
		}
		for i, r := range wrap(what, in.w-4) {
			c.text(in.x+2, y+1+i, r, s.dim)
		}
		return
	}
	first := max(0, len(rows)-height-s.journal.up)
	for i := 0; i < height && first+i < len(rows); i++ {
		c.line(in.x, y+i, rows[first+i])
	}
	if s.journal.up > 0 {
		c.within(l.body).text(l.body.x+l.body.w-10, l.body.y+l.body.h-1, " newer ↓ ", s.dim)
	}
}
