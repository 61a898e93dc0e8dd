package api

import (
	"slices"
	"time"

	"sallyport/sessions"
	"sallyport/transport"
	"sallyport/tunnels"
)

// DaemonStatus is the background process itself. PID is 0 while none runs.
type DaemonStatus struct {
	PID     int       `json:"pid"`
	Version string    `json:"version"`
	Started time.Time `json:"started,omitzero"`
}

// Entry is a line of the log: what happened, to which host. Message and Hint
// are printable.
type Entry struct {
	Time    time.Time `json:"time"`
	Host    string    `json:"host,omitempty"`
	Message string    `json:"message"`
	Hint    string    `json:"hint,omitempty"`
}

// LogLimit is how many log entries a Snapshot keeps.
const LogLimit = 500

// Snapshot is everything the background process holds, at one moment. Each
// list is ordered by age, oldest first.
type Snapshot struct {
	Seq       uint64                 `json:"seq"`
	Daemon    DaemonStatus           `json:"daemon"`
	Links     []transport.LinkStatus `json:"links"`
	Tunnels   []tunnels.Status       `json:"tunnels"`
	Sessions  []sessions.Status      `json:"sessions"`
	Questions []transport.Question   `json:"questions"` // not answered yet
	Served    []Served               `json:"served"`
	Borrowed  []Borrowed             `json:"borrowed"`
	Log       []Entry                `json:"log"`
}

// Event is one change. Exactly one field besides Seq is set. The first event
// of a watch is a Snapshot; the others follow it without a gap in Seq.
type Event struct {
	Seq          uint64                `json:"seq"`
	Snapshot     *Snapshot             `json:"snapshot,omitempty"`
	Link         *transport.LinkStatus `json:"link,omitempty"`
	LinkGone     string                `json:"linkGone,omitempty"` // ID
	Tunnel       *tunnels.Status       `json:"tunnel,omitempty"`
	TunnelGone   string                `json:"tunnelGone,omitempty"`
	Session      *sessions.Status      `json:"session,omitempty"`
	SessionGone  string                `json:"sessionGone,omitempty"`
	Question     *transport.Question   `json:"question,omitempty"`
	QuestionGone string                `json:"questionGone,omitempty"`
	Served       *Served               `json:"served,omitempty"`
	ServedGone   string                `json:"servedGone,omitempty"` // Link
	Borrowed     *Borrowed             `json:"borrowed,omitempty"`
	BorrowedGone string                `json:"borrowedGone,omitempty"` // ID
	Log          *Entry                `json:"log,omitempty"`
}

// Apply brings the snapshot up to date with e.
func (s *Snapshot) Apply(e Event) {
	if e.Snapshot != nil {
		*s = *e.Snapshot
		return
	}
	s.Seq = e.Seq
	s.Links = put(s.Links, e.Link, func(l transport.LinkStatus) string { return l.ID }, e.LinkGone)
	s.Tunnels = put(s.Tunnels, e.Tunnel, func(t tunnels.Status) string { return t.ID }, e.TunnelGone)
	s.Sessions = put(s.Sessions, e.Session, func(s sessions.Status) string { return s.ID }, e.SessionGone)
	s.Questions = put(s.Questions, e.Question, func(q transport.Question) string { return q.ID }, e.QuestionGone)
	s.Served = put(s.Served, e.Served, func(m Served) string { return m.Link }, e.ServedGone)
	s.Borrowed = put(s.Borrowed, e.Borrowed, func(b Borrowed) string { return b.ID }, e.BorrowedGone)
	if e.Log != nil {
		s.Log = append(s.Log, *e.Log)
		s.Log = s.Log[max(0, len(s.Log)-LogLimit):]
	}
}

// put replaces the element with the ID of changed, or appends it, and removes
// the one named gone.
func put[T any](list []T, changed *T, id func(T) string, gone string) []T {
	if gone != "" {
		list = slices.DeleteFunc(list, func(t T) bool { return id(t) == gone })
	}
	if changed == nil {
		return list
	}
	if i := slices.IndexFunc(list, func(t T) bool { return id(t) == id(*changed) }); i >= 0 {
		list[i] = *changed
		return list
	}
	return append(list, *changed)
}
