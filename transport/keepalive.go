package transport

import (
	"fmt"
	"strconv"
	"time"

	"sallyport/config"
)

// pulse is how the far side is asked whether it lives.
type pulse struct {
	interval time.Duration // between questions, and between looks at the answer; 0 for never
	count    int           // of intervals without a byte after which it is dead
}

// ourPulse is for hosts whose ServerAliveInterval nobody set: ssh asks
// nothing then, but a link that supervises has to know.
var ourPulse = pulse{15 * time.Second, 2}

// firstPulse is the pause before the first question of a connection, which is
// asked early to learn the latency but not in the way of what the caller
// wanted the connection for. While a host behind logs in it is put off once more,
// until the interval is over.
const firstPulse = 2 * time.Second

func pulseOf(h *config.Host) pulse {
	if _, set := h.IsSet("ServerAliveInterval"); !set {
		return ourPulse
	}
	count, err := strconv.Atoi(h.Get("ServerAliveCountMax"))
	if err != nil || count < 1 {
		count = 1
	}
	return pulse{seconds(h, "ServerAliveInterval"), count}
}

// A doubt is a reason to ask before it is time: whoever opens a channel hears
// nothing for doubtAfter, or the network has changed. The far side then has
// doubtLimit for any byte.
//
// Nobody doubts a far side that was never heard of since the login: sshd opens
// its PAM session before it answers anything, which takes some hosts half a
// minute.
const (
	doubtAfter = time.Second
	doubtLimit = 3 * time.Second
	// strandedLimit is for a connection whose own address this machine has no
	// more, although it has a way to the far side: no answer can arrive unless
	// the address comes back, which one that is only renewed does at once.
	strandedLimit = time.Second
)

// doubt has the far side asked at once, and those of the hops before it, one of
// which may be who does not answer. It never blocks.
func (c *Conn) doubt() {
	for ; c != nil; c = c.via {
		if !c.wire.lastHeard().After(c.born) {
			continue
		}
		select {
		case c.doubts <- struct{}{}:
		default:
		}
	}
}

// expect doubts the far side unless something is heard of it soon, or the
// timer is stopped.
func (c *Conn) expect() *time.Timer {
	began := time.Now()
	return time.AfterFunc(doubtAfter, func() {
		if !c.wire.lastHeard().After(began) {
			c.doubt()
		}
	})
}

// keepAlive asks until the connection ends, and ends it if nothing comes
// back. Any bytes count as life, as in ssh: an answer may queue behind data.
func (c *Conn) keepAlive(p pulse, measured func(time.Duration)) {
	if p.interval <= 0 {
		return
	}
	first := min(firstPulse, p.interval)
	next := time.NewTimer(first)
	defer next.Stop()
	for {
		beat := heartbeat{conn: c, pulse: p}
		select {
		case <-next.C:
			if c.logins.Load() > 0 && time.Since(c.born)+first <= p.interval {
				next.Reset(first)
				continue
			}
		case <-c.doubts:
			beat.hurry()
		case <-c.done:
			return
		}
		asked := time.Now()
		if !beat.answered(asked) {
			return
		}
		measured(time.Since(asked))
		next.Reset(p.interval)
	}
}

// heartbeat is one keepalive under way.
type heartbeat struct {
	conn    *Conn
	pulse   pulse
	doubted time.Time        // when hurry was called
	patient time.Duration    // for how long since then
	limit   <-chan time.Time // of the doubt; nil without one
}

// hurry leaves the far side less time, from now on.
func (h *heartbeat) hurry() {
	patient := h.patience()
	if h.limit == nil || time.Since(h.doubted)+patient < h.patient {
		h.doubted, h.patient, h.limit = time.Now(), patient, time.After(patient)
	}
}

// patience is for how long a doubted far side may be silent, which is never
// longer than without a doubt.
func (h *heartbeat) patience() time.Duration {
	limit := doubtLimit
	if stranded(h.conn.wire) {
		limit = strandedLimit
	}
	return min(limit, h.pulse.limit())
}

func (p pulse) limit() time.Duration { return time.Duration(p.count) * p.interval }

// answered asks once and waits for the answer; it is false when the
// connection has ended.
func (h *heartbeat) answered(asked time.Time) bool {
	c := h.conn
	reply := make(chan error, 1)
	go func() { reply <- c.ask() }() // ends with the connection
	look := time.NewTicker(h.pulse.interval)
	defer look.Stop()
	silent, seen := 0, asked
	for {
		select {
		case err := <-reply:
			return err == nil
		case <-c.done:
			return false
		case <-c.doubts:
			h.hurry()
		case <-h.limit:
			h.limit = nil
			if !c.wire.lastHeard().After(h.doubted) {
				c.end(c.silent(h.patient))
			}
		case <-look.C:
			silent++
			if heard := c.wire.lastHeard(); heard.After(seen) {
				silent, seen = 0, heard
			}
			if silent >= h.pulse.count {
				c.end(c.silent(h.pulse.limit()))
			}
		}
	}
}

// silent is the failure of a far side that does not answer.
func (c *Conn) silent(d time.Duration) *Failure {
	return &Failure{
		Code:    CodeTimeout,
		Message: fmt.Sprintf("the connection to %q is dead: no answer for %s", c.host, d),
		Hop:     c.host,
		At:      time.Now(),
	}
}
