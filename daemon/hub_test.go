package daemon

import (
	"context"
	"fmt"
	"testing"

	"sallyport/api"
	"sallyport/transport"
)

// runningHub is a hub that ends with the test.
func runningHub(t *testing.T) *hub {
	t.Helper()
	h := newHub(api.DaemonStatus{PID: 7})
	ctx, cancel := context.WithCancel(t.Context())
	go h.run(ctx)
	t.Cleanup(func() { cancel(); <-h.closed })
	return h
}

func TestAWatcherSeesTheSnapshotAndThenEveryEventWithoutAGap(t *testing.T) {
	h := runningHub(t)
	h.post(api.Event{Log: &api.Entry{Message: "before"}})
	w, ok := h.watch()
	if !ok {
		t.Fatal("the hub has ended")
	}
	const n = 100
	for i := range n {
		h.post(api.Event{Link: &transport.LinkStatus{ID: "a", Users: i}})
	}
	first := <-w.events
	if first.Snapshot == nil || first.Snapshot.Daemon.PID != 7 || len(first.Snapshot.Log) != 1 {
		t.Fatalf("the first event is %+v, want the snapshot", first)
	}
	for i := range n {
		e := <-w.events
		if e.Seq != first.Seq+uint64(i)+1 || e.Link == nil || e.Link.Users != i {
			t.Fatalf("event %d is %+v", i, e)
		}
	}
}

func TestAWatcherThatFallsBehindIsCutOffAndTheOthersAreNot(t *testing.T) {
	h := runningHub(t)
	slow, _ := h.watch()
	for i := range watcherLimit + 10 {
		h.post(api.Event{Log: &api.Entry{Message: fmt.Sprint(i)}})
	}
	h.state() // all of it has been published
	quick, ok := h.watch()
	if !ok {
		t.Fatal("the hub has ended")
	}
	seen := 0
	for range slow.events { // ends because the channel was closed
		seen++
	}
	if seen != watcherLimit {
		t.Errorf("the slow watcher got %d events, want %d", seen, watcherLimit)
	}
	h.post(api.Event{LinkGone: "x"})
	<-quick.events
	if e := <-quick.events; e.LinkGone != "x" {
		t.Errorf("the quick watcher got %+v", e)
	}
	h.unwatch(slow) // after the cut it does nothing
}

func TestTheSnapshotOfAWatcherDoesNotChangeUnderIt(t *testing.T) {
	h := runningHub(t)
	h.post(api.Event{Link: &transport.LinkStatus{ID: "a", State: transport.Connecting}})
	w, _ := h.watch()
	snapshot := (<-w.events).Snapshot
	h.post(api.Event{Link: &transport.LinkStatus{ID: "a", State: transport.Up}})
	<-w.events
	if got := snapshot.Links[0].State; got != transport.Connecting {
		t.Errorf("the snapshot's link became %q", got)
	}
}
