package transport

import (
	"context"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"time"
)

const (
	idleLimit   = 10 * time.Minute       // a link that is up and has no users is closed after it
	firstPause  = 250 * time.Millisecond // before the second try after a break; the first comes at once
	longestWait = 5 * time.Second        // pauses double up to it
	offlineWait = time.Minute            // in case the end of a time without network was missed
	settled     = 10 * time.Second       // a connection that lived so long counts as a success of the last dial
)

// owned is the state of a link, touched only by its owner goroutine.
type owned struct {
	state   State
	step    string
	since   time.Time
	failure *Failure
	banner  string
	notice  string
	latency time.Duration
	kind    LinkKind
	why     string
	shown   bool // Notify was called since the last Gone

	users   int  // Hold and Keep
	keepers int  // Keep
	stays   int  // Stay
	opened  bool // by a person, since it was last down
	wasUp   bool // since it was last down or failed
	waiters map[waiter]struct{}

	conn    *Conn       // when up
	attempt *attempt    // the dial under way
	results chan result // of attempts
	tries   int         // in a row without success
	breaks  int         // logins that broke off, since one succeeded or the link failed
	upSince time.Time   // when conn came
	alarm   *time.Timer // of the next try in waiting, of idleness in up
	due     time.Time   // when alarm rings in waiting
	hurried time.Time   // when callers of Conn last had a pause cut short
	letGo   func()      // releases the link that it stands on; nil when it isn't held

	attended bool                   // somebody was asked in the attempt under way
	ways     map[*wayLimit]struct{} // of attempts of links behind this one
	patient  bool                   // they stand
}

// outcome is what a caller of Conn waits for: one of the two.
type outcome struct {
	conn    *Conn
	failure *Failure
}

// waiter has room for the one outcome.
type waiter chan outcome

// attempt is one dial. What it says counts only while it is the link's own.
type attempt struct {
	cancel context.CancelFunc
	below  atomic.Pointer[net.Conn] // that it speaks on, once it does
}

// futile tells whether an attempt waits for what will not come on the network
// there is now: for a connection that it has begun on another, or for words on one
// from an address that this machine has no more. Once it logs in it goes on, for
// nobody logs in again by himself.
func (a *attempt) futile(step string) bool {
	below := a.below.Load()
	return step == stepTCP || step == stepExchange && below != nil && stranded(*below)
}

type result struct {
	of   *attempt
	conn *Conn
	err  error
}

func newOwned() owned {
	alarm := time.NewTimer(time.Hour)
	alarm.Stop()
	return owned{
		state:   Down,
		waiters: map[waiter]struct{}{},
		ways:    map[*wayLimit]struct{}{},
		results: make(chan result),
		alarm:   alarm,
	}
}

// run owns the link until its set is closed. It never waits for the far side,
// only for the owners of the links before it, which never wait for it.
func (l *Link) run() {
	defer l.set.wg.Done()
	defer close(l.done)
	for {
		select {
		case f := <-l.call:
			f()
		case r := <-l.owned.results:
			l.finished(r)
		case <-l.broken():
			l.lost()
		case <-l.owned.alarm.C:
			l.rang()
		case <-l.set.ctx.Done():
			l.shut()
			return
		}
	}
}

// want is a caller of Conn.
func (l *Link) want(w waiter) {
	o := &l.owned
	select {
	case <-l.broken(): // its end was not yet heard of
		l.lost()
	default:
	}
	if o.state == Up {
		l.rest()
		w <- outcome{conn: o.conn}
		return
	}
	if o.state == Failed && !retryable(o.failure) {
		w <- outcome{failure: o.failure}
		return
	}
	o.waiters[w] = struct{}{}
	l.hasten()
}

// hasten has a dial begin now, or the dial under way not wait for a pause of
// the link before. Many callers are one: they shall not storm the server.
func (l *Link) hasten() {
	o := &l.owned
	switch since := time.Since(o.hurried); {
	case o.attempt != nil:
		if l.via != nil {
			l.via.do(l.via.urge)
		}
	case o.state == Waiting && since < firstPause:
		l.ringIn(min(firstPause-since, time.Until(o.due)))
		o.hurried = o.due
	default:
		o.hurried = time.Now()
		l.dial()
	}
}

// urge is hasten for a link that is being tried again.
func (l *Link) urge() {
	if l.owned.state == Waiting || l.owned.attempt != nil {
		l.hasten()
	}
}

// unwant is a caller of Conn who has gone.
func (l *Link) unwant(w waiter) {
	delete(l.owned.waiters, w)
	l.dropIfUnwanted()
}

// open is a person who wants the link up, now.
func (l *Link) open() {
	l.owned.opened = true
	if l.owned.state != Up && l.owned.attempt == nil {
		l.dial()
	}
}

// wake acts on a network that has changed: a pause is cut short, a connection
// has to show that it lives, and an address that has not answered yet is
// dialled anew, because its answer may be on a way that is gone.
func (l *Link) wake() {
	o := &l.owned
	switch {
	case o.state == Up:
		if l.via == nil && o.conn.master == nil && routed(o.conn.wire) { // what stands on a link, or on an ssh, ends with it
			o.conn.doubt()
			o.conn.lanes.doubt()
		}
	case o.state == Waiting && o.attempt == nil:
		o.tries = min(o.tries, 1) // the pauses grow anew
		l.dial()
	case o.state == Connecting && o.attempt != nil && o.attempt.futile(o.step):
		o.attempt.cancel()
		l.dial()
	}
}

// forgive makes a failed link one that may be dialled.
func (l *Link) forgive() {
	if l.owned.state == Failed {
		l.owned.failure = nil
		l.enter(Down, "")
	}
}

// count counts users.
func (l *Link) count(n int, keep bool) {
	l.owned.users += n
	if keep {
		l.owned.keepers += n
	}
	l.publish()
	l.dropIfUnwanted()
	if l.owned.state == Up {
		l.rest()
	}
}

// stay counts those who want the connection to stay.
func (l *Link) stay(n int) {
	l.owned.stays += n
	if l.owned.state == Up {
		l.rest()
	}
}

// dropIfUnwanted stops a dial, or a row of them, that nobody waits for.
func (l *Link) dropIfUnwanted() {
	o := &l.owned
	busy := o.state == Connecting || o.state == Asking || o.state == Waiting
	if busy && o.users == 0 && len(o.waiters) == 0 && !o.opened {
		l.shut()
	}
}

// dial starts an attempt. After a break the link stays waiting until the link
// that it stands on is there.
func (l *Link) dial() {
	o := &l.owned
	o.alarm.Stop()
	o.banner, o.notice, o.attended = "", "", false
	o.kind, o.why = Native, unmet(l.Host().Host)
	l.stand()
	ctx, cancel := context.WithCancel(l.set.ctx)
	a := &attempt{cancel: cancel}
	o.attempt = a
	switch {
	case l.via == nil:
		l.enter(Connecting, "")
	case o.state == Waiting:
		l.enter(Waiting, "waiting for "+l.via.name())
	default:
		l.enter(Connecting, "waiting for "+l.via.name())
	}

	call := dialCall{link: l, attempt: a, route: l.asked(), again: o.tries > 0 || o.wasUp}
	l.set.wg.Add(1)
	go func() { // ends with ctx, for which Links.Close waits
		defer l.set.wg.Done()
		defer cancel()
		conn, err := l.set.connect(ctx, call)
		if err == nil {
			conn.typed = l.set.options.Typed
		}
		select {
		case o.results <- result{a, conn, err}:
		case <-l.done:
			l.discard(conn)
		}
	}()
}

// stand holds the link before this one. One that will be tried again keeps
// it, so that both outlive a time without network. An earlier hold ends only
// then: the link before must not find itself without users in between.
func (l *Link) stand() {
	if l.via == nil {
		return
	}
	hold := l.via.Hold
	if l.persists() {
		hold = l.via.Keep
	}
	now := hold()
	l.leave()
	l.owned.letGo = now
}

// leave lets go of the link before this one.
func (l *Link) leave() {
	if l.owned.letGo != nil {
		l.owned.letGo()
		l.owned.letGo = nil
	}
}

// persists tells whether a dial that could not reach the host is tried again:
// for users of a connection that was there, and for those who keep it.
func (l *Link) persists() bool {
	return l.owned.keepers > 0 || l.owned.wasUp && l.owned.users > 0
}

// finished takes the result of an attempt.
func (l *Link) finished(r result) {
	if r.of != l.owned.attempt {
		l.discard(r.conn)
		return
	}
	l.owned.attempt = nil
	if r.err == nil {
		l.rise(r.conn)
		return
	}
	f := asFailure(r.err, l.name())
	l.brokeOff(f)
	l.set.options.Log.Info("dial failed", "link", l.id, "host", l.name(), "code", f.Code, "error", f.Message)
	l.owned.failure = f
	if retryable(f) && l.persists() {
		l.pause()
		return
	}
	l.fail()
}

// rise is the connection that came.
func (l *Link) rise(c *Conn) {
	o := &l.owned
	o.conn, o.upSince, o.wasUp, o.failure, o.breaks = c, time.Now(), true, nil, 0
	l.enter(Up, "")
	l.answerAll(outcome{conn: c})
	l.rest()
}

// lost is the connection that ended by itself.
func (l *Link) lost() {
	o := &l.owned
	o.failure = asFailure(o.conn.Err(), l.name())
	l.set.options.Log.Info("connection lost", "link", l.id, "host", l.name(), "error", o.failure.Message)
	l.discard(o.conn)
	o.conn = nil
	if time.Since(o.upSince) >= settled {
		o.tries = 0
	}
	if o.users == 0 {
		l.shut()
		return
	}
	l.pause()
}

// pause waits for the next try, which after a first failure comes at once.
// Without a way to the network it is wake that ends the pause.
func (l *Link) pause() {
	o := &l.owned
	delay := backoff(o.tries, rand.Float64())
	o.tries++
	switch {
	case l.set.options.Watch && offline(o.failure):
		l.enter(Waiting, "waiting for the network")
		l.ringIn(offlineWait)
	case delay == 0:
		l.enter(Waiting, "")
		l.dial()
	default:
		l.enter(Waiting, "")
		l.ringIn(delay)
	}
}

// ringIn sets the time of the next try.
func (l *Link) ringIn(d time.Duration) {
	l.owned.due = time.Now().Add(d)
	l.owned.alarm.Reset(d)
}

// backoff is how long to wait after so many tries without success; part, of
// [0,1), spreads those who lost the same server.
func backoff(tries int, part float64) time.Duration {
	if tries == 0 {
		return 0
	}
	full := min(firstPause<<min(tries-1, 10), longestWait)
	return full/2 + time.Duration(part*float64(full/2))
}

// fail ends in the state from which only a person leads away.
func (l *Link) fail() {
	l.forget()
	l.owned.breaks = 0
	l.enter(Failed, "")
	l.answerAll(outcome{failure: l.owned.failure})
}

// shut ends whatever is under way.
func (l *Link) shut() {
	o := &l.owned
	if o.attempt != nil {
		o.attempt.cancel()
		o.attempt = nil
	}
	if o.conn != nil {
		l.discard(o.conn)
		o.conn = nil
	}
	o.failure = nil
	l.forget()
	l.enter(Down, "")
	l.answerAll(outcome{failure: l.closed()})
}

// forget forgets what a link remembers between connections.
func (l *Link) forget() {
	o := &l.owned
	o.alarm.Stop()
	o.wasUp, o.opened, o.tries = false, false, 0
	l.kept.wipe()
	l.leave()
}

// discard closes c without waiting for the far side, which may be silent.
func (l *Link) discard(c *Conn) {
	if c == nil {
		return
	}
	c.end(l.closed())
	l.set.wg.Go(c.release) // ends when the bytes below are closed: at the latest with the first hop
}

// rest starts the time of idleness anew.
func (l *Link) rest() {
	l.owned.alarm.Stop()
	if l.idle() {
		l.owned.alarm.Reset(idleLimit)
	}
}

// rang is the end of a pause, or of a time without users.
func (l *Link) rang() {
	switch {
	case l.owned.state == Waiting && l.owned.attempt == nil:
		l.dial()
	case l.owned.state == Up && l.idle():
		l.shut()
	}
}

func (l *Link) idle() bool { return l.owned.users == 0 && l.owned.stays == 0 }

// broken is closed when the connection has ended; nil while there is none.
func (l *Link) broken() <-chan struct{} {
	if l.owned.conn == nil {
		return nil
	}
	return l.owned.conn.Done()
}

// answerAll answers the callers of Conn.
func (l *Link) answerAll(with outcome) {
	for w := range l.owned.waiters {
		w <- with
	}
	clear(l.owned.waiters)
}

// enter changes the state and tells of it.
func (l *Link) enter(s State, step string) {
	o := &l.owned
	if o.state != s {
		o.since = time.Now()
	}
	if s != Up {
		o.latency = 0
	}
	o.state, o.step = s, step
	if s == Asking || strings.HasSuffix(step, TouchStep) {
		o.attended = true
	}
	l.setPatient(s == Waiting || s == Asking || s == Connecting && o.attended)
	l.publish()
}

// publish tells what has changed, and that a link which is down and has no
// users is gone.
func (l *Link) publish() {
	o := &l.owned
	if o.state == Down && o.users == 0 && !o.shown {
		return
	}
	o.shown = true
	further := 0
	if o.conn != nil {
		further = o.conn.lanes.count()
	}
	l.tellStatus(LinkStatus{
		Further: further,
		State:   o.state,
		Step:    o.step,
		Since:   o.since,
		Latency: o.latency,
		Users:   o.users,
		Failure: o.failure,
		Banner:  o.banner,
		Notice:  o.notice,
		Kind:    o.kind,
		Why:     o.why,
	})
	if o.state == Down && o.users == 0 {
		o.shown = false
		l.set.options.Gone(l.id)
	}
}

// measured takes the time of a keepalive's round trip.
func (l *Link) measured(c *Conn, d time.Duration) {
	l.do(func() {
		if l.owned.conn == c {
			l.owned.latency = d
			l.publish()
		}
	})
}
