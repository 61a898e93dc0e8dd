package daemon

import (
	"context"

	"sallyport/api"
)

// hub owns the Snapshot. Whoever has news posts it, which never blocks; one
// goroutine applies the news in order, numbers it, and hands it to every
// watcher.
type hub struct {
	news   *mailbox[any] // api.Event, or func(*api.Snapshot) for a look at the state
	closed chan struct{} // closed when run has ended

	snapshot api.Snapshot          // touched only by run
	watchers map[*watcher]struct{} // touched only by run
	deserted chan struct{}         // closed while nobody watches; touched only by run
}

// watcherLimit is how many events a watcher may be behind before it is cut
// off; it then starts again from a fresh snapshot.
const watcherLimit = 4096

// watcher is one reader of the event stream. Its channel is closed when it
// fell behind or the hub has ended.
type watcher struct {
	events chan api.Event
}

func newHub(self api.DaemonStatus) *hub {
	deserted := make(chan struct{})
	close(deserted)
	return &hub{
		news:     newMailbox[any](),
		closed:   make(chan struct{}),
		snapshot: api.Snapshot{Daemon: self},
		watchers: make(map[*watcher]struct{}),
		deserted: deserted,
	}
}

// post adds an event. It never blocks.
func (h *hub) post(e api.Event) { h.news.post(e) }

// look runs f on the hub's goroutine and waits for it. It reports false when
// the hub has ended.
func (h *hub) look(f func(*api.Snapshot)) bool {
	done := make(chan struct{})
	h.news.post(func(s *api.Snapshot) {
		f(s)
		close(done)
	})
	select {
	case <-done:
		return true
	case <-h.closed:
		return false
	}
}

// run applies the news until ctx ends.
func (h *hub) run(ctx context.Context) {
	defer close(h.closed)
	defer func() {
		for w := range h.watchers {
			close(w.events)
		}
	}()
	for ctx.Err() == nil {
		for _, n := range h.news.take(ctx) {
			switch n := n.(type) {
			case func(*api.Snapshot):
				n(&h.snapshot)
			case api.Event:
				h.publish(n)
			}
		}
	}
}

// publish numbers and applies an event and hands it on.
func (h *hub) publish(e api.Event) {
	e.Seq = h.snapshot.Seq + 1
	h.snapshot.Apply(e)
	for w := range h.watchers {
		select {
		case w.events <- e:
		default:
			h.drop(w)
		}
	}
}

// drop ends a watcher.
func (h *hub) drop(w *watcher) {
	delete(h.watchers, w)
	close(w.events)
	if len(h.watchers) == 0 {
		close(h.deserted)
	}
}

// nobody is closed when there is nobody who watches.
func (h *hub) nobody() <-chan struct{} {
	deserted := h.closed // the hub has ended
	h.look(func(*api.Snapshot) { deserted = h.deserted })
	return deserted
}

// watch adds a watcher, whose first event is the snapshot.
func (h *hub) watch() (*watcher, bool) {
	w := &watcher{events: make(chan api.Event, watcherLimit)}
	ok := h.look(func(s *api.Snapshot) {
		now := clone(*s)
		w.events <- api.Event{Seq: s.Seq, Snapshot: &now}
		if len(h.watchers) == 0 {
			h.deserted = make(chan struct{})
		}
		h.watchers[w] = struct{}{}
	})
	return w, ok
}

// unwatch removes a watcher.
func (h *hub) unwatch(w *watcher) {
	h.look(func(*api.Snapshot) {
		if _, ok := h.watchers[w]; ok {
			h.drop(w)
		}
	})
}

// state is a copy of the snapshot now.
func (h *hub) state() api.Snapshot {
	var now api.Snapshot
	h.look(func(s *api.Snapshot) { now = clone(*s) })
	return now
}

// clone copies the lists, whose elements Apply replaces in place. What the
// elements point to is never written once it was posted.
func clone(s api.Snapshot) api.Snapshot {
	s.Links = append(s.Links[:0:0], s.Links...)
	s.Tunnels = append(s.Tunnels[:0:0], s.Tunnels...)
	s.Sessions = append(s.Sessions[:0:0], s.Sessions...)
	s.Questions = append(s.Questions[:0:0], s.Questions...)
	s.Served = append(s.Served[:0:0], s.Served...)
	s.Borrowed = append(s.Borrowed[:0:0], s.Borrowed...)
	s.Log = append(s.Log[:0:0], s.Log...)
	return s
}
