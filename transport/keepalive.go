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
// wanted the connection for.
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

// keepAlive asks until the connection ends, and ends it if nothing comes
// back. Any bytes count as life, as in ssh: an answer may queue behind data.
func (c *Conn) keepAlive(p pulse, measured func(time.Duration)) {
	if p.interval <= 0 {
		return
	}
	next := time.NewTimer(min(firstPulse, p.interval))
	defer next.Stop()
	for {
		select {
		case <-next.C:
		case <-c.done:
			return
		}
		asked := time.Now()
		if !c.answered(p, asked) {
			return
		}
		measured(time.Since(asked))
		next.Reset(p.interval)
	}
}

// answered asks once and waits for the answer; it is false when the
// connection has ended.
func (c *Conn) answered(p pulse, asked time.Time) bool {
	reply := make(chan error, 1)
	go func() { reply <- c.ask() }() // ends with the connection
	look := time.NewTicker(p.interval)
	defer look.Stop()
	silent, seen := 0, asked
	for {
		select {
		case err := <-reply:
			return err == nil
		case <-c.done:
			return false
		case <-look.C:
		}
		silent++
		if heard := c.wire.lastHeard(); heard.After(seen) {
			silent, seen = 0, heard
		}
		if silent >= p.count {
			c.end(c.silent(time.Duration(p.count) * p.interval))
			return false
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
