package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"sallyport/api"
	"sallyport/transport"
	"sallyport/tunnels"
)

// forwards keeps the wanted tunnels open and on record.
type forwards struct {
	ctx   context.Context // ends the tunnels
	links *transport.Links
	hub   *hub
	log   *slog.Logger
	path  string // of the state file

	mu   sync.Mutex
	open map[string]*forward // by tunnels.Status.ID; guarded by mu
	list []string            // the IDs, oldest first; guarded by mu
	left bool                // another process has the tunnels; guarded by mu

	borrowed []api.Borrowed // oldest first; guarded by mu

	leaving []*tunnels.Tunnel // that serve what they had accepted before; guarded by mu
}

type forward struct {
	wanted wanted
	tunnel *tunnels.Tunnel // nil while the configuration does not let it be opened
	link   *transport.Link
	linkID string
}

func newForwards(ctx context.Context, links *transport.Links, h *hub, log *slog.Logger, path string) *forwards {
	return &forwards{ctx: ctx, links: links, hub: h, log: log, path: path, open: make(map[string]*forward)}
}

// restore opens the tunnels on record. env stands in for that of the clients
// that asked for them, inherited are the listeners of a process before, by the
// tunnels' IDs; it is nil where none has handed over. What was wanted for that
// process only goes on with the one that takes its place: the far side's
// listeners, which cannot be handed over, are asked for anew.
func (f *forwards) restore(s state, env transport.Env, inherited map[string][]net.Listener) {
	f.mu.Lock()
	f.borrowed = slices.Clone(s.Borrowed) // restoreBorrowed looks whether they are there
	f.mu.Unlock()
	for _, w := range s.Tunnels {
		id := api.TunnelID(w.Target.Config, w.Target.Host, w.Spec)
		if w.Once && inherited == nil {
			continue
		}
		w.Target.Env = env
		chain, options, err := forwarding(w)
		if err != nil {
			f.keepFailed(w, err)
			continue
		}
		options.Reclaim = true // sockets may be left of a process that was killed
		options.Inherited = inherited[id]
		delete(inherited, id)
		if _, err := f.start(w, chain, options); err != nil {
			f.keepFailed(w, err)
		}
	}
	for _, listeners := range inherited { // of tunnels that cannot be opened now
		for _, l := range listeners {
			l.Close()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.list) == len(s.Tunnels) {
		return
	}
	if err := f.write(); err != nil { // or the next process would take them for ours
		f.log.Warn("tunnels that were wanted once stay on record", "error", err)
	}
}

// handOver ends the accepting of all tunnels and gives their listeners, by the
// tunnels' IDs. The tunnels stay on record, which is another process's now.
func (f *forwards) handOver() map[string][]*os.File {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left = true
	given := make(map[string][]*os.File)
	for id, o := range f.open {
		if o.tunnel == nil {
			continue
		}
		files, err := o.tunnel.HandOver()
		if err != nil {
			f.log.Warn("tunnel not handed over", "host", o.wanted.Target.Host, "forward", o.wanted.Spec.String(), "error", err)
		}
		given[id] = files
		f.leaving = append(f.leaving, o.tunnel)
	}
	clear(f.open)
	return given
}

// wait waits until the tunnels that were handed over have served what they had
// accepted, or ctx ends.
func (f *forwards) wait(ctx context.Context) {
	f.mu.Lock()
	leaving := f.leaving
	f.mu.Unlock()
	for _, t := range leaving {
		select {
		case <-t.Done():
		case <-ctx.Done():
		}
	}
}

// set switches a tunnel.
func (f *forwards) set(r api.TunnelRequest) (tunnels.Status, error) {
	if r.Up {
		return f.up(r)
	}
	return f.down(r)
}

// up opens a tunnel, or tries again one that has failed.
func (f *forwards) up(r api.TunnelRequest) (tunnels.Status, error) {
	w := wanted{Target: r.Target, Spec: r.Spec, Once: r.Once}
	chain, options, err := forwarding(w)
	if err != nil {
		return tunnels.Status{}, err
	}
	return f.start(w, chain, options)
}

// forwarding is the way to the host of a tunnel, and what its configuration
// says about forwards.
func forwarding(w wanted) (transport.Chain, tunnels.Options, error) {
	if err := w.Spec.Check(); err != nil {
		return nil, tunnels.Options{}, &api.Error{Code: api.CodeBadRequest, Message: api.Printable(err.Error())}
	}
	chain, err := plan(w.Target)
	if err != nil {
		return nil, tunnels.Options{}, err
	}
	return chain, tunnels.OptionsOf(chain[len(chain)-1].Host), nil
}

// start opens a tunnel and puts it on record.
func (f *forwards) start(w wanted, chain transport.Chain, o tunnels.Options) (tunnels.Status, error) {
	id := api.TunnelID(w.Target.Config, w.Target.Host, w.Spec)
	link := f.links.Get(chain, w.Target.Env)

	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left {
		return tunnels.Status{}, errStopping
	}
	if old := f.open[id]; old != nil && old.tunnel != nil {
		if old.link.Status().State == transport.Failed {
			old.link.Open()
		}
		return f.again(old, w)
	}
	if link.Status().State == transport.Failed {
		link.Open() // somebody asks anew: an old failure does not count
	}
	w.Target.Env = nil
	o.Once = w.Once
	t := tunnels.Open(f.ctx, link, tunnels.Identity{ID: id, Host: w.Target.Host, Config: w.Target.Config}, w.Spec, o, f.teller())
	t.LinkChanged(link.Status()) // what happened while nobody could tell the tunnel yet
	if _, again := f.open[id]; !again {
		f.list = append(f.list, id)
	}
	f.open[id] = &forward{wanted: w, tunnel: t, link: link, linkID: link.Status().ID}
	return t.Status(), f.write()
}

// again is what becomes of a tunnel that is on when it is switched on: it may
// be wanted for longer, or for less long, and no more by a client only. The
// caller holds mu.
func (f *forwards) again(o *forward, w wanted) (tunnels.Status, error) {
	if o.wanted.Once == w.Once && o.wanted.Lent == w.Lent {
		return o.tunnel.Status(), nil
	}
	o.wanted.Once, o.wanted.Lent = w.Once, w.Lent
	o.tunnel.SetOnce(w.Once)
	return o.tunnel.Status(), f.write()
}

// teller passes on what a tunnel tells, and writes into the log which port the
// far side has chosen: it is another one after each break.
func (f *forwards) teller() func(tunnels.Status) {
	last := 0
	return func(s tunnels.Status) {
		f.hub.post(api.Event{Tunnel: &s})
		if s.Allocated != 0 && s.Allocated != last {
			last = s.Allocated
			message := fmt.Sprintf("%s: listens on port %d for %s", api.Printable(s.Host), s.Allocated, api.Printable(s.Spec.String()))
			f.hub.post(api.Event{Log: &api.Entry{Time: time.Now(), Host: s.Host, Message: message}})
		}
	}
}

// keepFailed shows a wanted tunnel that cannot be opened now, with the reason.
func (f *forwards) keepFailed(w wanted, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := api.TunnelID(w.Target.Config, w.Target.Host, w.Spec)
	if f.open[id] == nil {
		f.list = append(f.list, id)
	}
	w.Target.Env = nil
	f.open[id] = &forward{wanted: w}
	e := api.AsError(err)
	f.log.Warn("tunnel not restored", "host", w.Target.Host, "forward", w.Spec.String(), "error", e.Message)
	f.hub.post(api.Event{Tunnel: &tunnels.Status{
		ID: id, Host: w.Target.Host, Config: w.Target.Config, Spec: w.Spec, State: tunnels.Failed,
		Failure: &transport.Failure{Code: e.Code, Message: e.Message},
	}})
}

// down closes a tunnel and strikes it off the record.
func (f *forwards) down(r api.TunnelRequest) (tunnels.Status, error) {
	id := api.TunnelID(r.Target.Config, r.Target.Host, r.Spec)
	f.mu.Lock()
	defer f.mu.Unlock()
	old, ok := f.open[id]
	if !ok {
		return tunnels.Status{}, &api.Error{Code: api.CodeNotFound, Message: "the tunnel " + r.Spec.String() + " of " + api.Printable(r.Target.Host) + " is not on"}
	}
	last := tunnels.Status{ID: id, Host: r.Target.Host, Config: r.Target.Config, Spec: r.Spec}
	if old.tunnel != nil {
		old.tunnel.Close()
		last = old.tunnel.Status()
	}
	last.State = tunnels.Closed
	delete(f.open, id)
	f.list = slices.DeleteFunc(f.list, func(other string) bool { return other == id })
	f.hub.post(api.Event{TunnelGone: id})
	return last, f.write()
}

// write records what is wanted. The caller holds mu.
func (f *forwards) write() error {
	s := state{Version: stateVersion, Tunnels: []wanted{}, Borrowed: f.borrowed}
	for _, id := range f.list {
		s.Tunnels = append(s.Tunnels, f.open[id].wanted)
	}
	return s.write(f.path)
}

// linkChanged tells the tunnels of a link what has become of it.
func (f *forwards) linkChanged(l transport.LinkStatus) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, o := range f.open {
		if o.tunnel != nil && o.linkID == l.ID {
			o.tunnel.LinkChanged(l)
		}
	}
}

// status gives each open tunnel's state with exact counters.
func (f *forwards) status(id string) (tunnels.Status, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	o, ok := f.open[id]
	if !ok || o.tunnel == nil {
		return tunnels.Status{}, false
	}
	return o.tunnel.Status(), true
}

// record is all that is known of an open tunnel.
func (f *forwards) record(id string) (tunnels.Record, bool) {
	f.mu.Lock()
	o, ok := f.open[id]
	f.mu.Unlock()
	if !ok || o.tunnel == nil {
		return tunnels.Record{}, false
	}
	return o.tunnel.Record(), true // outside of mu: it looks at all processes
}

// none tells that no tunnel is wanted, and no master has a forward for us.
func (f *forwards) none() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.open) == 0 && len(f.borrowed) == 0
}

// close closes all tunnels, which stay on record, and cancels what masters have
// opened.
func (f *forwards) close() {
	f.returnBorrowed()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, o := range f.open {
		if o.tunnel != nil {
			o.tunnel.Close()
		}
	}
}
