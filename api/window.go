package api

import "sync"

// window is how much may be sent before some of it was taken, as that of a
// channel of SSH (RFC 4254 section 5.2).
type window struct {
	opened *sync.Cond // its lock guards what follows

	room   int // in bytes
	closed bool
}

func newWindow() *window { return &window{opened: sync.NewCond(new(sync.Mutex))} }

// take waits for room, and takes at most n bytes of it; 0 once it is closed.
func (w *window) take(n int) int {
	w.opened.L.Lock()
	defer w.opened.L.Unlock()
	for w.room == 0 && !w.closed {
		w.opened.Wait()
	}
	if w.closed {
		return 0
	}
	n = min(n, w.room)
	w.room -= n
	return n
}

func (w *window) open(n int) {
	w.opened.L.Lock()
	defer w.opened.L.Unlock()
	w.room += max(n, 0)
	w.opened.Broadcast()
}

func (w *window) close() {
	w.opened.L.Lock()
	defer w.opened.L.Unlock()
	w.closed = true
	w.opened.Broadcast()
}
