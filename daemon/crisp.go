package daemon

import (
	"sync"
	"time"
)

// crisp has the process run on all processors while somebody types into a shell
// and it is busy besides. On one, on which it runs for the sake of streams
// (internal/start), a stream that never waits leaves the network to be looked at
// by the runtime's monitor alone, every 10 ms: each key and its echo would wait
// for that.
type crisp struct {
	processors func(all bool)       // as Options has it; nil where they are not ours to choose
	spent      func() time.Duration // processor time so far

	mu    sync.Mutex    // guards all below
	at    time.Time     // of the last look
	used  time.Duration // processor time until then
	busy  bool          // between the last two looks
	last  time.Time     // when a key came while it was busy
	quiet *time.Timer   // of calm; nil on one processor
}

const (
	lookAfter = 50 * time.Millisecond
	typesFor  = 2 * time.Second // after a key, somebody is at it
)

// typed is called when a key has gone on, whoever has typed it: a viewer of ours, or
// an ssh over our control socket.
func (c *crisp) typed() {
	if c.processors == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.look() {
		return
	}
	c.last = time.Now()
	if c.quiet == nil {
		c.processors(true)
		c.quiet = time.AfterFunc(typesFor, c.calm)
	}
}

// look tells whether the process used more than a quarter of a processor lately.
func (c *crisp) look() bool {
	now := time.Now()
	if span := now.Sub(c.at); span >= lookAfter {
		used := c.spent()
		c.busy = used-c.used > span/4
		c.at, c.used = now, used
	}
	return c.busy
}

// calm goes back to one processor, unless somebody still types.
func (c *crisp) calm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if rest := typesFor - time.Since(c.last); rest > 0 {
		c.quiet.Reset(rest)
		return
	}
	c.quiet = nil
	c.processors(false)
}
