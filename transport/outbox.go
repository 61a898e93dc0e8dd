package transport

import (
	"net"
	"runtime"
	"sync"
	"time"

	"sallyport/internal/brisk"
)

// x/crypto/ssh makes a call for each packet, and two for a long one. Short ones
// wait until all that is ready to run has run: the end of a channel, its closing
// and the opening of the next go together, and wake the far side once.
const (
	waitsAtMost  = 4 << 10  // bytes of one call; the buffer of x/crypto/ssh has as many
	waitTogether = 16 << 10 // bytes
)

// outbox is what waits to be written.
type outbox struct {
	begin  sync.Once     // of flush: a goroutine for each time would need a fresh stack
	filled chan struct{} // of size 1: tells flush

	mu      sync.Mutex // guards what follows, and the order of what is written
	waiting []byte
	err     error // of a write that nobody waited for
}

// post writes p, or has it wait.
func (w *wire) post(p []byte) (int, error) {
	o := &w.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.err != nil:
		return 0, o.err
	case len(p) > waitsAtMost, len(o.waiting)+len(p) > waitTogether:
		if err := o.send(w.brisk, p); err != nil {
			return 0, err
		}
		return len(p), nil
	case len(o.waiting) == 0:
		o.begin.Do(func() { go w.flush() }) // ends with w
		select {
		case o.filled <- struct{}{}:
		default: // it was not looked at yet
		}
	}
	o.waiting = append(o.waiting, p...)
	return len(p), nil
}

// flush writes what waits, after all that is ready to run.
func (w *wire) flush() {
	o := &w.outbox
	for {
		select {
		case <-o.filled:
		case <-w.gone:
			return
		}
		runtime.Gosched()
		o.push(w.brisk)
	}
}

// push writes what waits.
func (o *outbox) push(to net.Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = o.send(to, nil) // it is kept
}

// send writes what waits, and p behind it. The caller holds mu.
func (o *outbox) send(to net.Conn, p []byte) (err error) {
	if len(o.waiting)+len(p) == 0 {
		return nil // somebody else was faster
	}
	switch s, ok := to.(*brisk.Conn); {
	case ok:
		_, err = s.WriteBoth(o.waiting, p)
	case len(o.waiting) == 0:
		_, err = to.Write(p)
	default:
		_, err = to.Write(append(o.waiting, p...))
	}
	o.waiting, o.err = o.waiting[:0], err
	return err
}

// lastMoment is how long what waits may take to be written when all ends.
const lastMoment = 10 * time.Millisecond

// empty writes what waits, unless that may take long.
func (o *outbox) empty(to net.Conn) {
	if !o.mu.TryLock() {
		return // somebody is at it
	}
	defer o.mu.Unlock()
	if to.SetWriteDeadline(time.Now().Add(lastMoment)) == nil {
		_ = o.send(to, nil) // it is over anyhow
	}
}
