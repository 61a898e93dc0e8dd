package daemon

import "runtime"

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
func makeRoom() (free func()) {
	room := make([]byte, roomSize)
	return func() { runtime.KeepAlive(room) }
}
