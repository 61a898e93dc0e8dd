package ui

import (
	"slices"
	"time"

	"sallyport/api"
)

// world is what the background process holds, and what of it belongs to which
// host of this configuration. It is touched only by the loop.
type world struct {
	snap   api.Snapshot
	config string // the user's file: things of other configurations are not shown

	links    map[string]*api.Link      // by ID
	hosts    map[string][]*api.Link    // by alias
	tunnels  map[string][]*api.Tunnel  // open ones, by alias
	sessions map[string][]*api.Session // by alias
	anyLeft  bool                      // of sessions
	asks     map[string]*api.Question  // by the alias at the end of the chain, and by that of the hop
	traffic  map[string]*traffic       // by tunnel ID
}

// apply brings the world up to date.
func (w *world) apply(events []api.Event, now time.Time) {
	for _, e := range events {
		w.snap.Apply(e)
		if e.Snapshot != nil { // the lists are changed in place from here on
			w.snap.Links = slices.Clone(w.snap.Links)
			w.snap.Tunnels = slices.Clone(w.snap.Tunnels)
			w.snap.Sessions = slices.Clone(w.snap.Sessions)
			w.snap.Questions = slices.Clone(w.snap.Questions)
			w.snap.Served = slices.Clone(w.snap.Served)
			w.snap.Borrowed = slices.Clone(w.snap.Borrowed)
			w.snap.Log = slices.Clone(w.snap.Log)
		}
	}
	w.sort()
	w.measure(now)
}

// sort finds out what belongs to which host.
func (w *world) sort() {
	w.links, w.hosts = map[string]*api.Link{}, map[string][]*api.Link{}
	w.tunnels, w.sessions = map[string][]*api.Tunnel{}, map[string][]*api.Session{}
	w.asks, w.anyLeft = map[string]*api.Question{}, false
	for i := range w.snap.Links {
		l := &w.snap.Links[i]
		w.links[l.ID] = l
		if l.Config == w.config {
			w.hosts[l.Host] = append(w.hosts[l.Host], l)
		}
	}
	for i := range w.snap.Tunnels {
		if t := &w.snap.Tunnels[i]; t.Config == w.config && t.State != api.TunnelClosed {
			w.tunnels[t.Host] = append(w.tunnels[t.Host], t)
		}
	}
	for i := range w.snap.Sessions {
		if s := &w.snap.Sessions[i]; s.Config == w.config && s.State != api.SessionEnded {
			w.sessions[s.Host] = append(w.sessions[s.Host], s)
			w.anyLeft = w.anyLeft || s.Left()
		}
	}
	for i := range w.snap.Questions {
		q := &w.snap.Questions[i]
		if l := w.links[q.Link]; l != nil && l.Config != w.config {
			continue
		}
		w.asks[q.Host], w.asks[q.Goal] = q, q
	}
}

// waiting are the shells of a host that have lost their connection and go on
// there.
func (w *world) waiting(host string) (out []*api.Session) {
	for i := range w.snap.Sessions {
		if s := &w.snap.Sessions[i]; s.Host == host && s.Config == w.config && s.Waits() {
			out = append(out, s)
		}
	}
	return out
}

// importance orders the states of several links to one host: the one that
// tells most comes first.
var importance = map[api.LinkState]int{
	api.LinkAsking: 1, api.LinkConnecting: 2, api.LinkUp: 3, api.LinkWaiting: 4, api.LinkFailed: 5, api.LinkDown: 6,
}

// link is the connection to a host, nil if there is none.
func (w *world) link(host string) *api.Link {
	var best *api.Link
	for _, l := range w.hosts[host] {
		if best == nil || importance[l.State] < importance[best.State] {
			best = l
		}
	}
	return best
}

// way are the links from the first hop to l.
func (w *world) way(l *api.Link) []*api.Link {
	var out []*api.Link
	for ; l != nil && len(out) < 64; l = w.links[l.Via] {
		out = append(out, l)
	}
	slices.Reverse(out)
	return out
}

// stands tells whether the link with that ID is l or stands on it.
func (w *world) stands(id string, l *api.Link) bool {
	return slices.Contains(w.way(w.links[id]), l)
}

// users counts what would end with l.
func (w *world) users(l *api.Link) (shells, tunnels int, hosts []string) {
	for _, s := range w.snap.Sessions {
		if s.State != api.SessionEnded && w.stands(s.Link, l) {
			shells++
		}
	}
	for _, t := range w.snap.Tunnels {
		if t.State != api.TunnelClosed && w.stands(t.Link, l) {
			tunnels++
		}
	}
	for i := range w.snap.Links {
		if o := &w.snap.Links[i]; o != l && o.State == api.LinkUp && w.stands(o.ID, l) {
			hosts = append(hosts, o.Host)
		}
	}
	return shells, tunnels, hosts
}

// served is the control socket at which others use l, nil if there is none.
func (w *world) served(l *api.Link) *api.Served {
	for i := range w.snap.Served {
		if m := &w.snap.Served[i]; m.Link == l.ID {
			return m
		}
	}
	return nil
}

// guests counts the clients of ssh that would end with l.
func (w *world) guests(l *api.Link) int {
	n := 0
	for _, m := range w.snap.Served {
		if w.stands(m.Link, l) {
			n += len(m.Clients)
		}
	}
	return n
}

// tunnel is the open tunnel with that ID, nil if there is none.
func (w *world) tunnel(host, id string) *api.Tunnel {
	for _, t := range w.tunnels[host] {
		if t.ID == id {
			return t
		}
	}
	return nil
}

// moving tells whether something shows a time that passes.
func (w *world) moving() bool {
	for i := range w.snap.Links {
		if s := w.snap.Links[i].State; s == api.LinkConnecting {
			return true
		}
	}
	for _, t := range w.traffic {
		if !t.quiet() {
			return true
		}
	}
	return false
}

// traffic is how fast bytes went through a tunnel lately.
type traffic struct {
	bytes int64     // counted last
	at    time.Time // when
	rates []float64 // bytes a second, newest last
}

// trafficLength is how many seconds of traffic are drawn.
const trafficLength = 8

func (t *traffic) rate() float64 {
	if len(t.rates) == 0 {
		return 0
	}
	return t.rates[len(t.rates)-1]
}

func (t *traffic) quiet() bool {
	return !slices.ContainsFunc(t.rates, func(r float64) bool { return r > 0 })
}

// add takes a new count, at most once a second.
func (t *traffic) add(bytes int64, now time.Time) {
	if t.at.IsZero() || bytes < t.bytes {
		*t = traffic{bytes: bytes, at: now}
		return
	}
	took := now.Sub(t.at)
	if took < 900*time.Millisecond {
		return
	}
	if t.quiet() { // it began only now, not when it was counted last
		took = min(took, time.Second)
	}
	t.rates = append(t.rates, float64(bytes-t.bytes)/took.Seconds())
	t.rates = t.rates[max(0, len(t.rates)-trafficLength):]
	t.bytes, t.at = bytes, now
}

// measure takes the speed of all tunnels.
func (w *world) measure(now time.Time) {
	if w.traffic == nil {
		w.traffic = map[string]*traffic{}
	}
	alive := map[string]bool{}
	for i := range w.snap.Tunnels {
		t := &w.snap.Tunnels[i]
		alive[t.ID] = true
		if w.traffic[t.ID] == nil {
			w.traffic[t.ID] = &traffic{}
		}
		w.traffic[t.ID].add(t.Sent+t.Received, now)
	}
	for id := range w.traffic {
		if !alive[id] {
			delete(w.traffic, id)
		}
	}
}
