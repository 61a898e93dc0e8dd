package transport

import (
	"sync"
	"sync/atomic"
	"time"
)

// A key waits for what streams of its connection have under way: up to the
// window of each channel, 2 MiB, in the buffers of both machines, where nothing
// can pass it by. So while somebody types, they pass no more than is on its way
// anyhow: before that is too much they wait for the answer to a question which
// the far side got behind it. How much that is follows the time the answers
// take, as with a congestion control that goes by the delay (RFC 6817).
const (
	typesFor  = 2 * time.Second        // after a key, somebody is at it
	keyDelay  = 500 * time.Microsecond // that a key may wait behind streams, beside half of the way there and back
	paceBegin = 256 << 10              // bytes under way, at first
	paceLeast = 64 << 10
	paceMost  = 2 * muchBytes
	paceLimit = time.Second // that a stream waits for an answer at most
)

// pace is that of a connection. Its zero value is ready.
type pace struct {
	typed atomic.Pointer[time.Time] // when the last key came; nil for never

	mu       sync.Mutex    // guards what follows
	room     int64         // bytes that may be under way; 0 before any were
	passed   int64         // bytes of streams, while somebody types
	asked    int64         // of them, before the latest question
	answered int64         // of them, before the latest that was answered
	answer   chan struct{} // closed when the question is answered; nil when there is none
	shortest time.Duration // that an answer has taken
}

// typing notes a key. The hops before are on its way.
func (c *Conn) typing() {
	now := time.Now()
	for ; c != nil; c = c.via {
		if last := c.pace.typed.Swap(&now); last == nil || now.Sub(*last) > typesFor {
			c.pace.reset()
		}
	}
}

// reset forgets what was measured: the way may be another by now.
func (p *pace) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.room, p.shortest = 0, 0
}

// typedOn tells whether somebody types on the connection or one below it.
func (c *Conn) typedOn() bool {
	for ; c != nil; c = c.via {
		if last := c.pace.typed.Load(); last != nil && time.Since(*last) <= typesFor {
			return true
		}
	}
	return false
}

// Pace is called when a stream of the connection has passed n bytes, either way,
// and before it passes more. While somebody types it may wait.
//
// A master's connection is not asked: see ask.
func (c *Conn) Pace(n int) {
	if c.master != nil || !c.typedOn() {
		return
	}
	answer := c.pace.pass(n, c.inquire)
	if answer == nil {
		return
	}
	limit := time.NewTimer(paceLimit)
	defer limit.Stop()
	for ; answer != nil; answer = c.pace.pass(0, c.inquire) {
		select {
		case <-answer:
		case <-c.done:
			return
		case <-limit.C:
			return
		}
	}
}

// pass counts what was passed, and asks when an answer will be wanted. It
// returns what is to be waited for before there may be more.
func (p *pace) pass(n int, ask func()) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.room == 0 {
		p.room = paceBegin
	}
	p.passed += int64(n)
	way := p.passed - p.answered
	if way >= p.room/2 && p.answer == nil {
		p.asked, p.answer = p.passed, make(chan struct{})
		go ask() // ends with the connection
	}
	if way < p.room {
		return nil
	}
	return p.answer
}

// inquire asks the far side for an answer.
func (c *Conn) inquire() {
	began := time.Now()
	err := c.ask()
	c.pace.heard(time.Since(began), err == nil)
}

// heard takes an answer, and adapts what may be under way to the time it took.
func (p *pace) heard(took time.Duration, well bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answered = p.asked
	close(p.answer)
	p.answer = nil
	if !well {
		return
	}
	if p.shortest == 0 || took < p.shortest {
		p.shortest = took
	}
	switch delay, most := took-p.shortest, keyDelay+p.shortest/2; {
	case delay > most:
		p.room = max(p.room/2, paceLeast)
	case delay < most/2:
		p.room = min(p.room*2, paceMost)
	}
}
