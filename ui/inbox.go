package ui

import (
	"sync"

	"sallyport/api"
)

// inbox holds what has happened since the screen last looked. Events about
// the same thing replace each other, so it stays small however long the
// screen is away (in a shell, say) and however fast events come. Adding never
// blocks.
type inbox struct {
	wake chan struct{} // of size 1: there is something to take
	soon chan struct{} // of size 1: it is a result, for which the screen does not pause

	mu    sync.Mutex
	order []string             // keys of changed, in order of first arrival
	byKey map[string]api.Event // the last event for each key
	first *api.Snapshot        // comes before the events
	log   []api.Entry          // of the events, in order
	calls []func()             // results of our own acts, in order
}

func newInbox() *inbox {
	return &inbox{wake: make(chan struct{}, 1), soon: make(chan struct{}, 1), byKey: map[string]api.Event{}}
}

// event takes an event of api.Client.Follow.
func (b *inbox) event(e api.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.poke()
	if e.Snapshot != nil {
		b.first, b.order, b.log = e.Snapshot, nil, nil
		clear(b.byKey)
		return
	}
	if e.Log != nil {
		b.log = append(b.log, *e.Log)
		b.log = b.log[max(0, len(b.log)-api.LogLimit):]
		return
	}
	key := eventKey(e)
	if _, there := b.byKey[key]; !there {
		b.order = append(b.order, key)
	}
	b.byKey[key] = e
}

// do runs f on the loop.
func (b *inbox) do(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = append(b.calls, f)
	b.poke()
	poke(b.soon)
}

// poke makes the pump look, even if there is nothing new.
func (b *inbox) poke() { poke(b.wake) }

// poke fills a channel of size 1.
func poke(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// take empties the inbox.
func (b *inbox) take() (events []api.Event, calls []func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.first != nil {
		events = append(events, api.Event{Seq: b.first.Seq, Snapshot: b.first})
	}
	for _, key := range b.order {
		events = append(events, b.byKey[key])
	}
	for i := range b.log {
		events = append(events, api.Event{Log: &b.log[i]})
	}
	calls = b.calls
	select {
	case <-b.soon:
	default:
	}
	b.first, b.order, b.log, b.calls = nil, nil, nil, nil
	clear(b.byKey)
	return events, calls
}

// eventKey names what an event is about.
func eventKey(e api.Event) string {
	switch {
	case e.Link != nil:
		return "link " + e.Link.ID
	case e.LinkGone != "":
		return "link " + e.LinkGone
	case e.Tunnel != nil:
		return "tunnel " + e.Tunnel.ID
	case e.TunnelGone != "":
		return "tunnel " + e.TunnelGone
	case e.Session != nil:
		return "session " + e.Session.ID
	case e.SessionGone != "":
		return "session " + e.SessionGone
	case e.Question != nil:
		return "question " + e.Question.ID
	case e.QuestionGone != "":
		return "question " + e.QuestionGone
	}
	return ""
}
