package transport

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"
)

// wayLimit is the ConnectTimeout of a host behind jumps. To the ssh of that host
// the jump's ssh is a ProxyCommand, and the limit runs while that one connects
// and logs in, until the host has said something (ssh_login, sshconnect2.c, and
// kex_exchange_identification, kex.c).
//
// ssh's runs on while a person types a code at the jump, of which it knows
// nothing. Ours stands then, and until that login is done, for a server may wait
// for somebody's telephone; and while a jump that was lost waits for its next try.
type wayLimit struct {
	limit  time.Duration
	cancel context.CancelCauseFunc

	mu       sync.Mutex // guards all below
	timer    *time.Timer
	began    time.Time     // when timer last began
	left     time.Duration // at began, or while it stands
	standing int           // links that it stands for
	ended    bool
	expired  bool
}

// limitWay begins the limit of this attempt, which ends it by cancel. It is nil
// where none is set.
func (c dialCall) limitWay(cancel context.CancelCauseFunc) *wayLimit {
	limit := seconds(c.host(), "ConnectTimeout")
	if limit == 0 {
		return nil
	}
	w := &wayLimit{limit: limit, cancel: cancel, began: time.Now(), left: limit}
	w.timer = time.AfterFunc(limit, w.expire)
	for via := c.link.via; via != nil; via = via.via {
		via.do(func() { via.addWay(w) })
	}
	return w
}

// endWay ends the limit: the host has spoken, or the attempt is over.
func (c dialCall) endWay() {
	if c.way == nil {
		return
	}
	c.way.end()
	for via := c.link.via; via != nil; via = via.via {
		via.do(func() { delete(via.owned.ways, c.way) })
	}
}

func (w *wayLimit) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	w.timer.Stop()
}

// expire ends the attempt.
func (w *wayLimit) expire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.standing == 0 && !w.ended {
		w.expired = true
		w.cancel(silence{toConnection, w.limit})
	}
}

// stand has the limit stand for one more link, and run again after the last.
func (w *wayLimit) stand(yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case yes:
		w.standing++
		if w.standing == 1 && w.timer.Stop() {
			w.left -= time.Since(w.began)
		}
	default:
		w.standing--
		if w.standing == 0 && !w.ended {
			w.began = time.Now()
			w.timer.Reset(w.left)
		}
	}
}

// over tells whether the time is up. A jump with the same limit has begun after
// its host and may be heard of first; to ssh it is the host that gives up.
func (w *wayLimit) over() bool {
	if w == nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.expired || w.standing == 0 && !w.ended && time.Since(w.began) >= w.left
}

// addWay has the limit of a host behind this one stand with it.
func (l *Link) addWay(w *wayLimit) {
	l.owned.ways[w] = struct{}{}
	if l.owned.patient {
		w.stand(true)
	}
}

// setPatient tells the hosts behind whether their limits stand.
func (l *Link) setPatient(yes bool) {
	o := &l.owned
	if yes == o.patient {
		return
	}
	o.patient = yes
	for w := range o.ways {
		w.stand(yes)
	}
}

// late is the failure of a host whose time was up before the jumps had led to
// it; err is what is known of them.
func (c dialCall) late(err error) *Failure {
	f := &Failure{Code: CodeTimeout, Silent: true, Hint: joinedHints(whereSet(c.host(), "ConnectTimeout"), "it counts for the way through all jumps")}
	f.Message = fmt.Sprintf("not reached within %s", c.way.limit)
	var before *Failure
	switch via := c.unfinished(); {
	case errors.As(err, &before):
		f.Message += ": " + before.Message
	case via.Step != "":
		f.Message += fmt.Sprintf(": the jump %s (%s) has got no further than %q", strconv.Quote(via.Host), via.Address, via.Step)
	}
	return c.explain(f)
}

// unfinished is the first link on the way that is not up.
func (c dialCall) unfinished() (s LinkStatus) {
	for via := c.link.via; via != nil; via = via.via {
		if status := via.Status(); status.State != Up {
			s = status
		}
	}
	return s
}
