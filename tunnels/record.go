package tunnels

import (
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/config"
	"sallyport/transport"
)

// Record is a tunnel in full. It is made when somebody asks for it, so that
// events stay small.
type Record struct {
	Status      Status       `json:"status"`
	Connections []Connection `json:"connections"` // oldest first: the last that have ended, and all that are open
	Log         []Entry      `json:"log"`         // oldest first
}

// Connection is one connection through a tunnel. All texts are printable.
type Connection struct {
	Number   int64              `json:"number"` // counts those of its tunnel from 1
	Since    time.Time          `json:"since"`
	Ended    time.Time          `json:"ended,omitzero"`    // zero while it is open
	Client   string             `json:"client,omitempty"`  // address that it comes from, if it has one
	Process  string             `json:"process,omitempty"` // of this machine that has opened it; only Linux tells, and only of our own
	PID      int                `json:"pid,omitempty"`
	Target   string             `json:"target,omitempty"` // where it leads
	Dial     time.Duration      `json:"dial,omitempty"`   // that its far end took to open, in nanoseconds; 0 until it is
	Sent     int64              `json:"sent"`             // bytes from here to the far side
	Received int64              `json:"received"`         // bytes from the far side
	Failure  *transport.Failure `json:"failure,omitempty"`
}

// Entry is a line of a tunnel's log: a state that it has entered, or what went
// wrong with a connection. Message and Hint are printable.
type Entry struct {
	Time    time.Time `json:"time"` // the last, of several equal ones
	State   State     `json:"state,omitempty"`
	Message string    `json:"message,omitempty"`
	Hint    string    `json:"hint,omitempty"`
	Times   int       `json:"times"` // one after the other, from 1
}

// What a book keeps of the past.
const (
	keptConnections = 50
	keptEntries     = 50
)

// book is what a tunnel keeps for its Record. Its zero value is ready.
type book struct {
	mu    sync.Mutex // guards what follows
	last  int64      // Number of the youngest connection
	open  []*connection
	ended []Connection
	log   []Entry
}

// connection is one that is open.
type connection struct {
	sent, received atomic.Int64 // counted by the copy loops

	client net.Conn // that it was accepted from; nil if the far side has
	looked bool     // for the process of client
	told   Connection
}

// begin enters a connection that has come.
func (b *book) begin(client net.Conn, target Address) *connection {
	c := &connection{client: client}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	c.told = Connection{Number: b.last, Since: time.Now(), Target: target.shown()}
	if client != nil && client.RemoteAddr().Network() == "tcp" {
		c.told.Client = client.RemoteAddr().String()
	}
	b.open = append(b.open, c)
	return c
}

// leads notes where a client of a SOCKS proxy goes.
func (b *book) leads(c *connection, to Address) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.told.Target = to.shown()
}

// opened notes how long the far end of a connection took.
func (b *book) opened(c *connection, took time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.told.Dial = took
}

// failed notes what went wrong with a connection, also in the log.
func (b *book) failed(c *connection, f *transport.Failure) Connection {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.told.Failure = f
	b.note(Entry{Time: time.Now(), Message: f.Message, Hint: f.Hint})
	return c.told
}

// end moves a connection to those that have ended.
func (b *book) end(c *connection) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := c.counted()
	now.Ended = time.Now()
	b.open = slices.DeleteFunc(b.open, func(o *connection) bool { return o == c })
	b.ended = append(b.ended, now)
	b.ended = b.ended[max(0, len(b.ended)-keptConnections):]
}

// entered notes a state, and why.
func (b *book) entered(s State, f *transport.Failure) {
	e := Entry{Time: time.Now(), State: s}
	if f != nil {
		e.Message, e.Hint = f.Message, f.Hint
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.note(e)
}

// note adds to the log; what is said again is counted. The caller holds mu.
func (b *book) note(e Entry) {
	if n := len(b.log); n > 0 {
		last := &b.log[n-1]
		if last.State == e.State && last.Message == e.Message && last.Hint == e.Hint {
			last.Time = e.Time
			last.Times++
			return
		}
	}
	e.Times = 1
	b.log = append(b.log, e)
	b.log = b.log[max(0, len(b.log)-keptEntries):]
}

// read gives what the book holds.
func (b *book) read() ([]Connection, []Entry) {
	b.look()
	b.mu.Lock()
	defer b.mu.Unlock()
	all := append([]Connection{}, b.ended...)
	for _, c := range b.open {
		all = append(all, c.counted())
	}
	return all, append([]Entry{}, b.log...)
}

// used is when a connection was last open: now, or when the last of those that
// have ended did. It is zero if there was none.
func (b *book) used() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.open) > 0 {
		return time.Now()
	}
	if len(b.ended) > 0 {
		return b.ended[len(b.ended)-1].Ended
	}
	return time.Time{}
}

// look finds the processes of clients that nobody has asked for yet.
func (b *book) look() {
	b.mu.Lock()
	var unknown []*connection
	for _, c := range b.open {
		if !c.looked && c.client != nil {
			c.looked = true
			unknown = append(unknown, c)
		}
	}
	b.mu.Unlock()
	found := openers(unknown) // outside of mu: it takes milliseconds

	b.mu.Lock()
	defer b.mu.Unlock()
	for c, h := range found {
		c.told.Process, c.told.PID = h.name, h.pid
	}
}

// shown is the address for a person, "" for none.
func (a Address) shown() string {
	if a == (Address{}) {
		return ""
	}
	return config.Printable(a.String())
}

func (c *connection) counted() Connection {
	now := c.told
	now.Sent, now.Received = c.sent.Load(), c.received.Load()
	return now
}

// Record is all that is known of the tunnel now. Like Status it must not be
// called from notify.
func (t *Tunnel) Record() Record {
	r := Record{Status: t.Status()}
	r.Connections, r.Log = t.book.read()
	return r
}

// Used is when something last passed, or could have: a connection was open
// then. It is zero if there was none yet.
func (t *Tunnel) Used() time.Time { return t.book.used() }
