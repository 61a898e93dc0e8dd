package ui

import (
	"strconv"
	"strings"
	"time"

	"github.com/gdamore/tcell/v2"

	"sallyport/api"
)

// status is the state of a host in one glance: shape, colour, a word.
type status struct {
	glyph     string
	style     tcell.Style
	note      string
	noteStyle tcell.Style
}

// status is what the row of a host says of it.
func (s *screen) status(name string) status {
	if q := s.asks[name]; q != nil && !s.answered[q.ID] {
		return status{"?", s.ask, askNote[string(q.Kind)], s.ask}
	}
	l := s.link(name)
	if o := s.opening[name]; o != nil {
		if o.shell != nil {
			return status{"●", s.up, "ready", s.up}
		}
		if l == nil || l.State == api.LinkDown || l.State == api.LinkFailed {
			return status{"◐", s.busy, s.since("starting…", o.since), s.busy}
		}
	}
	if l != nil && l.State != api.LinkDown {
		return s.linkStatus(l)
	}
	if s.failures[name] != nil {
		return status{"✗", s.bad, failNote(s.failures[name]), s.bad}
	}
	if s.known[name].Problem != "" {
		return status{"✗", s.bad, "config", s.bad}
	}
	if m := s.master(name); m != nil {
		return status{"◆", s.up, "pid " + strconv.Itoa(m.PID), s.plain}
	}
	return status{"○", s.dim, s.known[name].Condition(), s.dim}
}

// linkStatus is that of one connection.
func (s *screen) linkStatus(l *api.Link) status {
	switch l.State {
	case api.LinkUp:
		if l.Latency > 0 {
			return status{"●", s.up, latency(l.Latency), s.plain}
		}
		return status{"●", s.up, "up", s.plain}
	case api.LinkConnecting:
		return status{"◐", s.busy, s.since(stepNote(s.busyHop(l)), l.Since), s.busy}
	case api.LinkAsking:
		note := "asks"
		if q := s.asks[l.Host]; q != nil {
			note = askNote[string(q.Kind)]
		}
		return status{"?", s.ask, note, s.ask}
	case api.LinkWaiting:
		return status{"◌", s.busy, "retrying", s.busy}
	case api.LinkFailed:
		return status{"✗", s.bad, failNote(l.Failure), s.bad}
	case api.LinkDown:
		return status{"○", s.dim, "", s.dim}
	}
	return status{"·", s.dim, clean(string(l.State)), s.dim} // a state of a newer version
}

// since adds how long something has taken, once that is worth saying.
func (s *screen) since(note string, start time.Time) string {
	if took := s.now().Sub(start); took >= time.Second && !start.IsZero() {
		return note + " " + elapsed(took)
	}
	return note
}

// busyHop is the hop on the way to l that is not up yet.
func (s *screen) busyHop(l *api.Link) *api.Link {
	for _, hop := range s.way(l) {
		if hop.State != api.LinkUp {
			return hop
		}
	}
	return l
}

var askNote = map[string]string{
	string(api.AskHostKey):     "host key?",
	string(api.AskPassphrase):  "passphrase?",
	string(api.AskPassword):    "password?",
	string(api.AskInteractive): "code?",
	string(api.AskPIN):         "PIN?",
	string(api.AskAddKey):      "agent?",
	string(api.AskShare):       "share?",
}

// stepWidth is for what transport calls its steps, in columns.
const stepWidth = 15

// stepNote is what a connection does, in a word or two.
func stepNote(l *api.Link) string {
	step, _, _ := strings.Cut(l.Step, " ")
	switch step {
	case "authentication", "publickey", "password", "keyboard-interactive", "gssapi-with-mic", "hostbased", "none", "agent":
		return "auth…"
	case "":
		return "connecting…"
	}
	return fit(clean(l.Step)+"…", stepWidth)
}

// failNotes are the codes of transport.Failure that have a word of their own.
var failNotes = map[string]string{
	"auth":            "refused",
	"hostkey-changed": "key changed!",
	"hostkey-unknown": "key unknown",
	"unreachable":     "unreachable",
	"cancelled":       "cancelled",
	"config":          "config",
	"closed":          "closed",
}

func failNote(f *api.Failure) string {
	if f == nil {
		return "failed"
	}
	if note, ok := failNotes[f.Code]; ok {
		return note
	}
	return "failed"
}
