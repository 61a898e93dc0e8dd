package cli

import "time"

// clock is a time limit that can stand still. It is for one goroutine at a
// time.
type clock struct {
	left   time.Duration // as of since
	since  time.Time     // when it began to go; zero while it stands still
	expire func()
	timer  *time.Timer // while it goes
}

// newClock makes a clock that stands still. It calls expire, from a goroutine
// of its own, once it has gone for limit; never if that is 0.
func newClock(limit time.Duration, expire func()) *clock {
	return &clock{left: limit, expire: expire}
}

func (c *clock) start() {
	if c.left <= 0 || !c.since.IsZero() {
		return
	}
	c.since = time.Now()
	c.timer = time.AfterFunc(c.left, c.expire)
}

func (c *clock) stop() {
	if c.since.IsZero() {
		return
	}
	c.timer.Stop()
	c.left -= time.Since(c.since)
	c.since = time.Time{}
}
