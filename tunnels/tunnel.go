package tunnels

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/transport"
)

// State is that of a tunnel.
type State string

const (
	Closed  State = "closed"
	Opening State = "opening" // the link, or the far side's listener, is on its way
	Up      State = "up"
	Waiting State = "waiting" // the link is away
	Asking  State = "asking"  // the link waits for an answer from a person
	Busy    State = "busy"    // somebody else has the port; taken when it is free
	Failed  State = "failed"  // the link has failed or the far side does not listen, see Failure
)

// Status is a tunnel as seen from outside. Byte counts are of payload, by our
// own copy loop.
type Status struct {
	ID        string             `json:"id"`
	Host      string             `json:"host"`   // alias
	Config    string             `json:"config"` // the user's file the host was resolved from
	Link      string             `json:"link"`   // LinkStatus.ID
	Spec      Spec               `json:"spec"`
	State     State              `json:"state"`
	Since     time.Time          `json:"since"`          // when State was entered
	Opened    time.Time          `json:"opened"`         // when the tunnel was switched on, in this process
	Open      int                `json:"open"`           // connections now
	Total     int64              `json:"total"`          // connections since the tunnel was opened
	Sent      int64              `json:"sent"`           // bytes from here to the far side
	Received  int64              `json:"received"`       // bytes from the far side
	Dial      time.Duration      `json:"dial,omitempty"` // that the far end of the latest connection took to open, in nanoseconds
	Failure   *transport.Failure `json:"failure,omitempty"`
	FreePort  int                `json:"freePort,omitempty"`  // offered instead, when Busy
	Allocated int                `json:"allocated,omitempty"` // the port that the far side has chosen for "-R 0", while Up
	Once      bool               `json:"once,omitempty"`      // it does not come back with the next process: see SetOnce
	LastError *transport.Failure `json:"lastError,omitempty"` // of a single connection, e.g. refused at the far side
}

// Link is what a tunnel needs of *transport.Link. A tunnel keeps its link, so
// that one which is restored before the network is there waits for it.
type Link interface {
	Conn(ctx context.Context) (*transport.Conn, error)
	Keep() (release func())
	Status() transport.LinkStatus
}

// Identity is what names a tunnel; it goes into its Status.
type Identity struct {
	ID, Host, Config string
}

const (
	publishEvery = 250 * time.Millisecond // counters reach notify at most this often
	rebindEvery  = time.Second            // while somebody else has the port
)

// Tunnel is one open forward. One goroutine owns its state.
//
//	         the port is ours                  the link is up, the far side listens
//	Busy <--------------------> Opening, Asking, Waiting <------> Up
//	         (tried each second)      |
//	                                  '--> Failed, as the link; its next try leaves it
//
// A remote forward has no port here, so it is never Busy.
type Tunnel struct {
	id      Identity
	spec    Spec
	options Options
	link    Link
	notify  func(Status)
	cancel  context.CancelFunc
	done    chan struct{} // closed when run has ended
	over    chan struct{} // closed when run hears nothing any more

	changed   chan struct{}           // of size 1: counters or news wait for run
	tell      chan *transport.Failure // from connections to run
	asks      chan chan Status        // from Status to run
	readies   chan chan<- error       // from Ready to run
	handovers chan chan<- handover    // from HandOver to run
	rose      chan struct{}           // of size 1, from run to remote: the link is up anew
	grants    chan grant              // from remote to run

	clients        sync.WaitGroup // accept loops, remote, connections and the first wake
	open, total    atomic.Int64   // counted by connections, read by run
	sent, received atomic.Int64   // counted by the copy loops, read by run
	dialTime       atomic.Int64   // of the latest connection, read by run
	due            atomic.Bool    // counts wait to be published, and run knows
	once           atomic.Bool    // as SetOnce has it, read by run
	book           book           // of single connections and of what happened

	mu   sync.Mutex // guards news
	news *transport.LinkStatus

	// Touched only by run, and by everybody once done is closed.
	status    Status
	told      Status // to notify, as the latest
	linkNow   transport.LinkStatus
	linkMoved bool // the link has left the state in which Open found it
	listeners []net.Listener
	obstacle  *obstacle      // why there are no listeners
	far       grant          // of a remote forward
	unready   []chan<- error // wait for what Ready waits for
}

// Open starts a forward and returns at once; notify gets every change of its
// Status (counters at most 4 times a second), in order, and must not block.
// The tunnel ends by Close or with ctx. It needs to hear of the link's states
// by LinkChanged.
func Open(ctx context.Context, l Link, id Identity, s Spec, o Options, notify func(Status)) *Tunnel {
	ctx, cancel := context.WithCancel(ctx)
	t := &Tunnel{
		id:        id,
		spec:      s,
		options:   o,
		link:      l,
		notify:    notify,
		cancel:    cancel,
		done:      make(chan struct{}),
		over:      make(chan struct{}),
		changed:   make(chan struct{}, 1),
		tell:      make(chan *transport.Failure),
		asks:      make(chan chan Status),
		readies:   make(chan chan<- error),
		handovers: make(chan chan<- handover),
		rose:      make(chan struct{}, 1),
		grants:    make(chan grant),
		status:    Status{ID: id.ID, Host: id.Host, Config: id.Config, Spec: s, Opened: time.Now()},
	}
	t.once.Store(o.Once)
	go t.run(ctx) // Close waits for it
	return t
}

// LinkChanged tells the tunnel that its link has a new state. It never blocks.
func (t *Tunnel) LinkChanged(s transport.LinkStatus) {
	t.mu.Lock()
	t.news = &s
	t.mu.Unlock()
	t.poke()
}

// SetOnce has the Status say whether the tunnel comes back with the next
// process, which is up to whoever opens it.
func (t *Tunnel) SetOnce(once bool) {
	t.once.Store(once)
	t.poke()
}

// Close frees the port, ends all connections and waits for them. A connection
// whose far side no longer answers is left behind after 2 seconds; it ends
// with the link.
func (t *Tunnel) Close() {
	t.cancel()
	<-t.done
}

// Status is the state of the tunnel now, with exact counters. It must not be
// called from notify.
func (t *Tunnel) Status() Status {
	answer := make(chan Status, 1)
	select {
	case t.asks <- answer:
		return <-answer
	case <-t.done:
		return t.counted()
	}
}

// stir tells run of new counts, unless it will look at them anyway.
func (t *Tunnel) stir() {
	if !t.due.Swap(true) {
		t.poke()
	}
}

// poke wakes run; many pokes before it looks are one.
func (t *Tunnel) poke() {
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

// run owns the tunnel until ctx ends.
func (t *Tunnel) run(ctx context.Context) {
	defer close(t.done)
	release := t.link.Keep()
	defer release()

	t.linkNow = t.link.Status()
	if t.spec.Kind == Remote {
		t.rise()
		t.clients.Go(func() { t.remote(ctx) }) // ends with ctx
	} else {
		t.bind(ctx)
	}
	t.publish()
	serving, enough := context.WithCancel(ctx)
	t.wake(serving)
	t.serve(ctx)
	enough()
	close(t.over)
	t.shut()
}

// serve handles what happens until ctx ends or the listeners are given away.
// Counters wait for the clock, everything else is published at once.
func (t *Tunnel) serve(ctx context.Context) {
	var clock <-chan time.Time // runs while counters wait to be published
	var again <-chan time.Time // runs while the port is not ours but may become so
	for {
		if again == nil && t.obstacle != nil && t.obstacle.passes {
			again = time.After(rebindEvery)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.changed:
			if t.takeNews() {
				t.publish()
			} else if clock == nil {
				clock = time.After(publishEvery)
			}
		case <-clock:
			clock = nil
			t.publish()
		case trouble := <-t.tell:
			t.status.LastError = trouble
			t.publish()
		case <-again:
			again = nil
			if t.bind(ctx) {
				t.publish()
			}
		case t.far = <-t.grants:
			t.publish()
		case answer := <-t.asks:
			answer <- t.counted()
		case answer := <-t.handovers:
			answer <- t.handOver()
			return
		case answer := <-t.readies:
			t.unready = append(t.unready, answer)
			t.settle()
		}
	}
}

// rise tells remote of a link that is up.
func (t *Tunnel) rise() {
	if t.linkNow.State != transport.Up {
		return
	}
	select {
	case t.rose <- struct{}{}:
	default:
	}
}

// takeNews takes over what LinkChanged has brought, and tells whether it
// matters to the tunnel: a link's latency does not.
func (t *Tunnel) takeNews() bool {
	t.mu.Lock()
	news := t.news
	t.news = nil
	t.mu.Unlock()
	if news == nil {
		return false
	}
	moved := news.State != t.linkNow.State
	told := moved || news.Failure != t.linkNow.Failure || news.ID != t.linkNow.ID
	anew := !news.Since.Equal(t.linkNow.Since) // else a break may have been missed
	t.linkMoved = t.linkMoved || moved
	t.linkNow = *news
	if moved || anew {
		t.rise()
	}
	return told
}

// bind takes the port, and tells whether anything changed.
func (t *Tunnel) bind(ctx context.Context) bool {
	listeners, obstacle := t.options.Inherited, (*obstacle)(nil)
	if t.options.Inherited = nil; listeners == nil {
		listeners, obstacle = listen(ctx, t.spec, t.options, t.obstacle)
	}
	changed := obstacle == nil || obstacle != t.obstacle
	t.listeners, t.obstacle = listeners, obstacle
	for _, l := range listeners {
		t.clients.Go(func() { t.accept(ctx, l) }) // ends when shut closes l
	}
	return changed
}

// wake brings the link up, which also lets it authenticate while the person
// who opened the tunnel is still there. What comes of it is told by
// LinkChanged.
func (t *Tunnel) wake(ctx context.Context) {
	if t.obstacle != nil && !t.obstacle.passes {
		return
	}
	t.clients.Go(func() { // ends with ctx at the latest
		_, _ = t.link.Conn(ctx) // a failure is in the link's own status
	})
}

// shut frees the port first, unless another process has it now, then waits for
// the connections, which end because ctx has or by themselves.
func (t *Tunnel) shut() {
	t.hush()
	t.status.FreePort, t.obstacle = 0, nil
	t.enter(Closed, nil)
	t.clients.Wait()
	t.notify(t.counted())
}

// hush ends accepting.
func (t *Tunnel) hush() {
	for _, l := range t.listeners {
		_ = l.Close() // closed only here; the port is free either way
	}
	t.listeners = nil
}

// publish works out the state and passes on what has changed.
func (t *Tunnel) publish() {
	t.due.Store(false) // before they are read: what is counted from here on is told of again
	t.enter(t.state())
	if now := t.counted(); now != t.told {
		t.told = now
		t.notify(now)
	}
	t.settle()
}

func (t *Tunnel) enter(state State, failure *transport.Failure) {
	if t.status.State != state || failure != t.status.Failure && failure != nil {
		t.book.entered(state, failure)
	}
	if t.status.State != state {
		t.status.State, t.status.Since = state, time.Now()
	}
	t.status.Failure = failure
	t.status.FreePort, t.status.Allocated = 0, 0
	if t.obstacle != nil {
		t.status.FreePort = t.obstacle.freePort
	}
	if state == Up && t.spec.Listen.Port == 0 {
		t.status.Allocated = t.far.port
	}
}

// state is what the port and the link make of the tunnel: without its port
// the link does not matter.
func (t *Tunnel) state() (State, *transport.Failure) {
	if t.obstacle != nil {
		return t.obstacle.state, t.obstacle.failure
	}
	switch t.linkNow.State {
	case transport.Up:
		return t.atFarSide()
	case transport.Connecting:
		if t.linkNow.Failure == nil {
			return Opening, nil
		}
		// After a break the next try comes at once, and what broke has to be said.
	case transport.Asking:
		return Asking, nil
	case transport.Failed:
		return Failed, t.linkNow.Failure
	case transport.Down:
		if !t.linkMoved {
			return Opening, nil // wake has only just asked for it
		}
	}
	return Waiting, t.linkNow.Failure
}

// atFarSide is the state while the link is up.
func (t *Tunnel) atFarSide() (State, *transport.Failure) {
	switch {
	case t.spec.Kind != Remote, t.far.granted:
		return Up, nil
	case t.far.refused != nil:
		return Failed, t.far.refused
	}
	return Opening, nil
}

// counted is the status with the counters of this moment.
func (t *Tunnel) counted() Status {
	s := t.status
	s.Link = t.linkNow.ID
	s.Open, s.Total = int(t.open.Load()), t.total.Load()
	s.Sent, s.Received = t.sent.Load(), t.received.Load()
	s.Dial, s.Once = time.Duration(t.dialTime.Load()), t.once.Load()
	return s
}
