package ui

import (
	"context"
	"time"
)

const (
	frame = 16 * time.Millisecond // the least time between two updates by events
	tick  = time.Second           // between two while a time is shown that passes
)

// patience is how long the screen stays empty until the configuration has been
// read: a frame that only says that it is being read takes the time of the one
// with the list.
const patience = 100 * time.Millisecond

// firstUpdate is update, before there is a loop.
func (s *screen) firstUpdate() (moving bool) {
	defer s.restore()
	pause(s.ctx, patience, s.in.soon)
	return s.update()
}

// pump brings what is in the inbox onto the screen until ctx ends, and then
// stops the application. It is the only caller of QueueUpdate: that waits for
// the loop, which stands still while a shell has the terminal, and would wait
// for ever once the loop has ended. Stopping from within the loop also means
// never stopping while a shell has the terminal.
//
// It begins with the screen as the first update has left it, moving or not.
func (s *screen) pump(ctx context.Context, moving bool) {
	for {
		var clock <-chan time.Time
		if moving {
			clock = time.After(tick)
		}
		select {
		case <-ctx.Done():
		case <-s.in.wake:
		case <-clock:
		}
		if ctx.Err() != nil {
			break
		}
		s.app.QueueUpdateDraw(func() { moving = s.update() })
		pause(ctx, frame, s.in.soon)
	}
	s.app.QueueUpdate(func() {
		s.stopped = true
		s.app.Stop()
	})
}

// update takes what is in the inbox, and tells whether time shall pass on the
// screen.
func (s *screen) update() (moving bool) {
	events, calls := s.in.take()
	s.world.apply(events, s.now())
	s.fulfil()
	for _, call := range calls {
		call()
	}
	s.askNext()
	s.askRecord()
	return s.moving()
}

// fulfil forgets wishes that have come true, and answers to questions that
// are gone.
func (s *screen) fulfil() {
	on := map[string]bool{}
	for i := range s.snap.Tunnels {
		on[s.snap.Tunnels[i].ID] = s.snap.Tunnels[i].State != "closed"
	}
	for id, wish := range s.wishes {
		if on[id] == wish {
			delete(s.wishes, id)
		}
	}
	waiting := map[string]bool{}
	for _, q := range s.snap.Questions {
		waiting[q.ID] = true
	}
	for id := range s.answered {
		if !waiting[id] {
			delete(s.answered, id)
		}
	}
}

// pause waits for d, or until soon if that is not nil: what the person waits
// for, the first list above all, is not held up.
func pause(ctx context.Context, d time.Duration, soon <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-soon:
	case <-t.C:
	}
}
