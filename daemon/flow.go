package daemon

import (
	"context"
	"sync"

	"sallyport/api"
)

// window is how much of what a viewer has typed may wait for the far side, in
// bytes: what a person may paste and still leave by "~d".
const window = 8 << 20

// flow opens a viewer's window again as the far side takes what was typed.
type flow struct {
	wake chan struct{} // of size 1: there is enough to tell

	mu     sync.Mutex // guards what follows
	untold int        // was taken, and the viewer was not told
}

func newFlow() *flow { return &flow{wake: make(chan struct{}, 1)} }

// taken does not block: a viewer that reads nothing must not hold up what
// another types.
func (f *flow) taken(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.untold += n
	if f.untold < window/4 {
		return // single keys cost no frame
	}
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// grant tells the viewer until ctx ends.
func (f *flow) grant(ctx context.Context, out *api.FrameWriter) {
	for {
		select {
		case <-f.wake:
		case <-ctx.Done():
			return
		}
		f.mu.Lock()
		n := f.untold
		f.untold = 0
		f.mu.Unlock()
		if out.WriteJSON(api.FrameTaken, n) != nil {
			return // the viewer has gone
		}
	}
}
