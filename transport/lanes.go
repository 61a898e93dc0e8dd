package transport

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/keys"
)

// A stream over a distance is bound by the window of its channel, and all
// streams of a connection by its congestion control: eight of them over four
// connections pass two to three times what they pass over one at 100 ms. So
// while several streams of a distant host have much to pass, its link logs in a
// few times more, and streams that begin then are spread over these lanes. An
// open stream stays where it is.
//
// Each costs the site a login. It is made only where the link's own took nothing
// of a person, and where it leads to the same machine: behind one name or
// address there may be several, on which localhost is another.
const (
	lanesMost = 3                     // beside the connection itself
	distant   = 10 * time.Millisecond // a shorter round trip binds no stream
	muchBytes = 2 << 20               // of a stream: the window of its channel, ours and OpenSSH's (channels.h)
	lanesFrom = 2                     // streams that have passed so much
	laneIdle  = 30 * time.Second      // without a stream, until it is closed
)

// errLaneIdle is the end of a lane that nobody uses.
var errLaneIdle = errors.New("no stream needs the connection any more")

// lanes are those of one connection, and end with it.
type lanes struct {
	// Set before the connection is used; nil where there are to be none.
	login   func(context.Context) (*Conn, error)
	changed func()
	refused func(error)
	wants   chan struct{} // of size 1: it may be time for another

	mu      sync.Mutex    // guards what follows
	latency time.Duration // the shortest that was measured, 0 if none yet
	streams int           // on the connection itself
	busy    int           // streams that have passed muchBytes and are open
	open    []*lane
	off     bool // one was refused, or led elsewhere
}

// lane is one of them.
type lane struct {
	conn    *Conn
	streams int
	idle    *time.Timer // runs while there are none
}

// Stream is a place for one stream on a connection or one of its lanes.
type Stream struct {
	Conn *Conn // that carries it

	of   *Conn
	lane *lane // nil: of itself
	busy atomic.Bool
}

// Stream chooses the connection for one more stream, until its End: the one
// with the fewest, and rather a lane than the connection itself, which may have
// a person at a shell.
func (c *Conn) Stream() *Stream {
	l := &c.lanes
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &Stream{Conn: c, of: c}
	fewest := l.streams
	for _, way := range l.open {
		if way.streams <= fewest && way.conn.Err() == nil {
			fewest, s.Conn, s.lane = way.streams, way.conn, way
		}
	}
	if s.lane == nil {
		l.streams++
		return s
	}
	s.lane.streams++
	s.lane.idle.Stop()
	return s
}

// Passed tells how many bytes the stream has passed so far, either way.
func (s *Stream) Passed(total int64) {
	if total < muchBytes || s.busy.Load() || !s.busy.CompareAndSwap(false, true) {
		return
	}
	l := &s.of.lanes
	l.mu.Lock()
	l.busy++
	l.mu.Unlock()
	l.want()
}

// End is called once.
func (s *Stream) End() {
	l := &s.of.lanes
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.busy.Load() {
		l.busy--
	}
	if s.lane == nil {
		l.streams--
		return
	}
	if s.lane.streams--; s.lane.streams == 0 {
		s.lane.idle.Reset(laneIdle)
	}
}

// want has keepLanes look whether another lane is due.
func (l *lanes) want() {
	select {
	case l.wants <- struct{}{}:
	default:
	}
}

// measured takes the time of a round trip. The shortest counts: others waited
// behind what the streams had sent.
func (l *lanes) measured(d time.Duration) {
	l.mu.Lock()
	if l.latency == 0 || d < l.latency {
		l.latency = d
	}
	l.mu.Unlock()
	l.want()
}

// due tells whether another lane would help.
func (l *lanes) due() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.off && l.busy >= lanesFrom && l.latency >= distant && len(l.open) < lanesMost
}

// keepLanes makes lanes when they are due, until ctx or the connection ends.
// spawn starts what it waits for.
func (c *Conn) keepLanes(ctx context.Context, spawn func(func())) {
	ctx, cancel := c.lifetime(ctx)
	defer cancel()
	here := sync.OnceValues(func() ([]byte, error) { return c.machine(ctx) })
	for l := &c.lanes; ; {
		select {
		case <-ctx.Done():
			return
		case <-l.wants:
		}
		for l.due() {
			conn, err := c.anotherLane(ctx, here)
			if err != nil {
				l.change(func() { l.off = true })
				l.refused(err)
				continue
			}
			way := &lane{conn: conn, idle: time.NewTimer(laneIdle)}
			l.change(func() { l.open = append(l.open, way) })
			spawn(func() { c.keepLane(ctx, way) })
		}
	}
}

// anotherLane logs in once more, to the machine that here tells.
func (c *Conn) anotherLane(ctx context.Context, here func() ([]byte, error)) (*Conn, error) {
	want, err := here()
	if err != nil {
		return nil, err
	}
	conn, err := c.lanes.login(ctx)
	if err != nil {
		return nil, err
	}
	got, err := conn.machine(ctx)
	if err == nil && !bytes.Equal(got, want) {
		err = errElsewhere
	}
	if err != nil {
		conn.end(err)
		conn.release()
		return nil, err
	}
	return conn, nil
}

var (
	errElsewhere = errors.New("another login leads to another machine")
	errUntold    = errors.New("the far side does not tell which machine it is")
)

// machineScript prints what no two running systems of Linux share (random(4)),
// and no two containers that have a localhost of their own (namespaces(7)). It
// also starts a session, with which sshd before 10.1 sets TCP_NODELAY.
const machineScript = "cat /proc/sys/kernel/random/boot_id && readlink /proc/self/ns/net\n"

// machine tells which one the connection leads to.
func (c *Conn) machine(ctx context.Context) ([]byte, error) {
	out, _, err := c.run(ctx, machineScript)
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(out, []byte("\nnet:[")) {
		return nil, errUntold
	}
	return out, nil
}

// keepLane waits for a lane's end: its own, or that of who uses it.
func (c *Conn) keepLane(ctx context.Context, way *lane) {
	cause := errLaneIdle
	for used := true; used; {
		select {
		case <-way.conn.done:
			cause, used = way.conn.Err(), false
		case <-ctx.Done():
			cause, used = context.Cause(ctx), false
		case <-way.idle.C:
			used = !c.lanes.close(way)
		}
	}
	way.idle.Stop()
	way.conn.end(cause)
	c.lanes.close(way)
	way.conn.release()
}

// close takes a lane from those that are chosen from, unless it lives and has
// come into use meanwhile.
func (l *lanes) close(way *lane) (closed bool) {
	l.change(func() {
		if closed = way.streams == 0 || way.conn.Err() != nil; closed {
			l.open = slices.DeleteFunc(l.open, func(o *lane) bool { return o == way })
		}
	})
	return closed
}

// change does something to the lanes and tells of it.
func (l *lanes) change(do func()) {
	l.mu.Lock()
	do()
	l.mu.Unlock()
	l.changed()
}

// count is how many there are.
func (l *lanes) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open)
}

// doubt has the far side of each asked at once.
func (l *lanes) doubt() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, way := range l.open {
		way.conn.doubt()
	}
}

// allowLanes lets a connection have lanes, each by a login like its own.
func (c dialCall) allowLanes(conn *Conn) {
	again := c
	again.attempt, again.lane = new(attempt), true
	l, set := &conn.lanes, c.link.set
	l.login = func(ctx context.Context) (*Conn, error) { return again.dial(ctx, c.via, new(wallet)) }
	l.changed = func() { c.link.widened(conn) }
	l.refused = func(err error) { set.options.Log.Info("no further connection", "host", c.link.name(), "error", err) }
	l.wants = make(chan struct{}, 1)
	set.wg.Go(func() { conn.keepLanes(set.ctx, set.wg.Go) }) // ends with conn
}

// widened tells of a change of a connection's lanes.
func (l *Link) widened(c *Conn) {
	l.do(func() {
		if l.owned.conn == c {
			l.publish()
		}
	})
}

// atOnce is how long a signature takes at most in which no person has a hand:
// an agent may wait for a confirmation, or a card for a touch, and tells
// nobody.
const atOnce = 300 * time.Millisecond

// effortless tells whether the login has taken nothing of a person, and another
// one would not either.
func (a *auth) effortless() bool {
	if len(a.asks) > 0 || len(a.recalled) > 0 {
		return false
	}
	return !slices.ContainsFunc(a.tried, func(t *trial) bool {
		switch t.method {
		case "publickey":
			return t.signed && (keys.IsSecurityKey(t.key.key.Public) || t.took > atOnce)
		case "gssapi-with-mic":
			return false
		}
		return true // a server may also have a code sent, or a telephone ring, and ask nothing
	})
}
