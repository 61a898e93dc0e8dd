package ui

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sallyport/api"
)

func TestHostsOutOfSightWaitWhileSomebodyTypes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		names := manyNames(5)
		r := newResolver(&fakeInventory{names: names}, func() *index { return nil })
		ctx, cancel := context.WithCancel(t.Context())
		began, found, ended := time.Now(), map[time.Duration]int{}, make(chan struct{})

		r.hold()
		time.AfterFunc(typingPause/2, r.hold)
		r.want(names[:1], "", true)
		go func() { // ends with ctx
			defer close(ended)
			r.run(ctx, func(what resolved) { found[time.Since(began)] += len(what.hosts) })
		}()
		<-time.After(time.Minute)
		cancel()
		<-ended

		want := map[time.Duration]int{0: 1, typingPause * 3 / 2: len(names)}
		if diff := cmp.Diff(want, found); diff != "" {
			t.Errorf("hosts by the time since the first key (-want +got):\n%s", diff)
		}
	})
}

func TestTheCheckBeginsOnceSettledAndRestsWhileSomebodyTypes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inv := &fakeInventory{names: manyNames(3)}
		r := newResolver(inv, func() *index { return nil })
		ctx, cancel := context.WithCancel(t.Context())
		began, ended := time.Now(), make(chan struct{})
		var given []time.Duration

		time.AfterFunc(settled/2, r.hold)
		time.AfterFunc(settled, r.hold)
		r.want(nil, inv.names[0], false)
		go func() { // ends with ctx
			defer close(ended)
			r.run(ctx, func(resolved) { given = append(given, time.Since(began)) })
		}()
		<-time.After(time.Minute)
		cancel()
		<-ended

		// The detail is given out at once, and again when the check has ended.
		if diff := cmp.Diff([]time.Duration{0, settled + typingPause}, given); diff != "" {
			t.Errorf("the detail by the time since it was wanted (-want +got):\n%s", diff)
		}
	})
}

func TestTheScreenPausesAfterEventsAndNotBeforeResults(t *testing.T) {
	for _, row := range []struct {
		name string
		add  func(*inbox)
		want time.Duration
	}{
		{"nothing", func(*inbox) {}, frame},
		{"an event", func(b *inbox) { b.event(api.Event{LinkGone: "1"}) }, frame},
		{"a result", func(b *inbox) { b.do(func() {}) }, 0},
		{"a result that was taken", func(b *inbox) { b.do(func() {}); b.take() }, frame},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, began := newInbox(), time.Now()
				row.add(b)
				pause(t.Context(), frame, b.soon)
				if got := time.Since(began); got != row.want {
					t.Errorf("a pause of %v, want %v", got, row.want)
				}
			})
		})
	}
}
