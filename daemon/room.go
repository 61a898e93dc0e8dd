package daemon

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"time"
)

// roomSize is how much garbage may be made between two runs of the collector,
// in bytes, beyond what it always allows.
const roomSize = 32 << 20

// makeRoom has the collector run seldom while little is in use. Each packet
// that x/crypto/ssh reads is garbage soon: with a heap as small as ours the
// collector would run at every hundredth packet, for a quarter of the
// processor time of a transfer. The room is memory that is never touched: it
// counts as in use, so that the heap grows by as much between two runs, and
// takes no page. A larger percentage for the collector would do the same for a
// small heap, and let a large one grow manifold.
//
// make would clear it, and so touch it, where the heap has been in use before: it
// is for internal/start. A Builder's memory is not cleared.
func makeRoom() (free func()) {
	var room strings.Builder
	room.Grow(roomSize)
	return func() { runtime.KeepAlive(&room) }
}

// What is kept for garbage is given back once there is peace: in a time of
// tidyEvery less than little was allocated, and before that more than much.
const (
	tidyEvery = 5 * time.Second
	little    = 256 << 10
	much      = 2 << 20
)

// tidy gives memory back that was used and will not be for a while, until ctx
// ends. The runtime itself keeps as much as it expects to need until its next
// collection, which our room makes far. rested, if not nil, is called too.
func tidy(ctx context.Context, rested func()) {
	look := time.NewTicker(tidyEvery)
	defer look.Stop()
	var d dirt
	for {
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
		if d.settled(allocated()) {
			debug.FreeOSMemory()
			if rested != nil {
				rested()
			}
		}
	}
}

// dirt is what was allocated, in bytes since the process began.
type dirt struct {
	seen    uint64 // at the last look
	removed uint64 // when memory was last given back
}

// settled tells whether it is time to give memory back.
func (d *dirt) settled(now uint64) bool {
	quiet := now-d.seen < little
	d.seen = now
	if !quiet || now-d.removed < much {
		return false
	}
	d.removed = now
	return true
}

func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
