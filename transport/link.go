package transport

import (
	"context"
	"net"
	"strconv"
	"sync"
	"time"

	"sallyport/config"
)

// Link is the supervised connection to one hop. Its methods may be called
// from any goroutine; they hand a func to the one goroutine that owns it.
type Link struct {
	id   string
	set  *Links
	via  *Link // the link that it stands on; nil for one that is dialled from here
	call chan func()
	done chan struct{} // closed when the owner has ended

	mu     sync.Mutex // guards route and status
	route  route      // as of the latest Get
	status LinkStatus // as last told

	owned owned // touched only by run

	// kept are the secrets that a person wants kept while the link lives. It
	// guards itself.
	kept wallet
}

// route is the way by which a link was last asked for.
type route struct {
	chain Chain
	place int // of this link's hop in chain, from 0
	env   Env
}

func (r route) hop() Hop { return r.chain[r.place] }

// goal is the alias at the end of the chain.
func (r route) goal() string { return r.chain[len(r.chain)-1].Host.Name }

func newLink(set *Links, id string, via *Link) *Link {
	return &Link{
		id:    id,
		set:   set,
		via:   via,
		call:  make(chan func()),
		done:  make(chan struct{}),
		owned: newOwned(),
	}
}

// Conn waits for the link to be up and returns its connection. A dial starts
// if none is under way; in the waiting state it starts at once. It fails with
// a *Failure when the link has failed, or with the cause of ctx. After a
// refusal only Open dials again; a link that merely could not be reached is
// tried again by the next Conn.
func (l *Link) Conn(ctx context.Context) (*Conn, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	w := make(waiter, 1)
	if !l.do(func() { l.want(w) }) {
		return nil, l.closed()
	}
	select {
	case got := <-w:
		if got.failure != nil {
			return nil, got.failure
		}
		return got.conn, nil
	case <-ctx.Done():
		l.do(func() { l.unwant(w) })
		return nil, context.Cause(ctx)
	}
}

// Open forgets a failure, of the hops before it too, and dials: what a person
// asks for.
func (l *Link) Open() {
	for via := l.via; via != nil; via = via.via {
		via.do(via.forgive)
	}
	l.do(func() {
		l.forgive()
		l.open()
	})
}

// Forgive forgets the failures from before a moment, of the hops before it too:
// for one who wants many hosts, and is asked by none of their hops twice.
func (l *Link) Forgive(before time.Time) {
	for link := l; link != nil; link = link.via {
		link.do(func() {
			if f := link.owned.failure; f != nil && f.At.Before(before) {
				link.forgive()
			}
		})
	}
}

// Close ends the connection and any dial or question under way. Users that
// hold the link may open it again.
func (l *Link) Close() { l.do(l.shut) }

// Hold counts a user until release is called (once). A link with users is
// dialled again after a break; one without is closed after it was idle for
// some minutes, and at once if it isn't up (unless a person opened it).
//
// The first dial of a link that is only held fails as ssh does where the host
// cannot be reached: see Keep.
func (l *Link) Hold() (release func()) { return l.hold(false) }

// Keep is Hold for a user who does not want the link to give up where the
// host could not be reached at the first dial: a tunnel that is restored
// before the network is there.
func (l *Link) Keep() (release func()) { return l.hold(true) }

func (l *Link) hold(keep bool) (release func()) {
	l.do(func() { l.count(1, keep) })
	var once sync.Once
	return func() { once.Do(func() { l.do(func() { l.count(-1, keep) }) }) }
}

// Status is the state of the link now.
func (l *Link) Status() LinkStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.describe(l.status)
}

// Chain are the IDs of the links from the first hop to this one.
func (l *Link) Chain() []string {
	if l.via == nil {
		return []string{l.id}
	}
	return append(l.via.Chain(), l.id)
}

// Host is the resolved host of this hop.
func (l *Link) Host() Hop { return l.asked().hop() }

// do has the owner run f and waits for it. It is false when the link's set
// was closed.
func (l *Link) do(f func()) bool {
	ran := make(chan struct{})
	select {
	case l.call <- func() { defer close(ran); f() }:
		<-ran
		return true
	case <-l.done:
		return false
	}
}

func (l *Link) setRoute(r route) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.route = r
}

func (l *Link) asked() route {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.route
}

// describe fills in what does not change of s, from the route; mu is held.
func (l *Link) describe(s LinkStatus) LinkStatus {
	hop := l.route.hop()
	s.ID = l.id
	s.Host = config.Printable(hop.Host.Name)
	s.Config = hop.Config
	s.Address = address(hop.Host)
	if l.via != nil {
		s.Via = l.via.id
	}
	if s.State == "" {
		s.State = Down
	}
	return s
}

// tellStatus keeps s and passes it on.
func (l *Link) tellStatus(s LinkStatus) {
	l.mu.Lock()
	l.status = s
	s = l.describe(s)
	l.mu.Unlock()
	l.set.options.Notify(s)
}

// closed is the failure of whoever waits for a link that was closed.
func (l *Link) closed() *Failure {
	name := config.Printable(l.Host().Host.Name)
	return &Failure{
		Code:    CodeCancelled,
		Message: "the connection to " + strconv.Quote(name) + " was closed on request",
		Hop:     name,
		At:      time.Now(),
	}
}

// address is user@host:port, printable.
func address(h *config.Host) string {
	return config.Printable(h.User() + "@" + net.JoinHostPort(h.HostName(), strconv.Itoa(h.Port())))
}
