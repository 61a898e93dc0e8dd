package transport

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// Env is the environment of the client that asked, as os.Environ gives it:
// its agent, its terminal, its locale, its PATH for ProxyCommands.
type Env []string

// Get is the value of a variable, "" if it is not set.
func (e Env) Get(name string) string {
	for i := len(e) - 1; i >= 0; i-- {
		if k, v, ok := strings.Cut(e[i], "="); ok && k == name {
			return v
		}
	}
	return ""
}

// tilde shortens a path in the caller's home.
func (e Env) tilde(path string) string {
	home := strings.TrimSuffix(e.Get("HOME"), "/")
	if rest, inside := strings.CutPrefix(path, home+"/"); inside && home != "" {
		return "~/" + rest
	}
	return path
}

// Options are what all links share.
type Options struct {
	Asker  Asker
	Notify func(LinkStatus) // called at each change, in order for one link; must not block or call back
	Gone   func(id string)  // a link is down and has no users; it comes back with Notify once it is used
	Log    *slog.Logger
	Watch  bool        // follow the network and the sleep of this machine, see Wake
	Spare  bool        // connections keep a session channel ready for the next shell or command
	Lanes  bool        // connections have others beside them while much is passed over a distance
	Trace  func(Trace) // the steps of every dial; from many goroutines, must not block; nil for nobody
	Typed  func()      // a key was typed into a terminal of any host, and has gone on; must not block
	Stderr io.Writer   // of a ProxyCommand, as it comes; nil: what it says before the login is part of LinkStatus.Banner

	// For links that OpenSSH lends: see Helper.
	Dir     string // a private directory for sockets, with a short name; "" for the system's temporary one
	Program string // our own program, which ssh calls; "" for the one that runs
}

// Links is the set of links of one process. One chain has one link per hop,
// shared with every other chain that starts the same way.
type Links struct {
	options Options
	connect connector // the way to a Conn; another one in tests of the states

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup // the owner of each link and all that they start

	mu    sync.Mutex // guards links, and wg.Add against Close
	links map[string]*Link

	chains chains // guards itself
}

// NewLinks makes an empty set. Close ends it.
func NewLinks(o Options) *Links {
	if o.Notify == nil {
		o.Notify = func(LinkStatus) {}
	}
	if o.Gone == nil {
		o.Gone = func(string) {}
	}
	if o.Typed == nil {
		o.Typed = func() {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ls := &Links{options: o, connect: connect, ctx: ctx, cancel: cancel, links: map[string]*Link{}}
	if o.Watch {
		ls.wg.Go(func() { ls.followNetwork(ctx) })
		ls.wg.Go(func() { followSleep(ctx, asleep, clockJumps, ls.Wake) })
	}
	return ls
}

// Get finds or makes the link at the end of chain, not yet dialled. chain and
// env replace those of an earlier caller for later dials, of all its hops.
func (ls *Links) Get(chain Chain, env Env) *Link {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	var link *Link
	for i := range chain {
		link = ls.find(chain[:i+1], link)
		link.setRoute(route{chain: chain, place: i, env: env})
	}
	return link
}

// find is the link at the end of way, made if need be; mu is held.
func (ls *Links) find(way Chain, via *Link) *Link {
	id := way.ID()
	if l, ok := ls.links[id]; ok {
		return l
	}
	l := newLink(ls, id, via)
	if ls.ctx.Err() != nil {
		close(l.done)
		return l
	}
	ls.links[id] = l
	ls.wg.Add(1)
	go l.run()
	return l
}

// Find is the link with that ID, nil if there is none.
func (ls *Links) Find(id string) *Link {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return ls.links[id]
}

// Wake tries at once whatever waits for its next try, and asks the far side of
// each connection whether it is still there: the network has changed, or the
// machine woke up.
func (ls *Links) Wake() {
	for _, l := range ls.all() {
		l.do(l.wake)
	}
}

func (ls *Links) all() []*Link {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	all := make([]*Link, 0, len(ls.links))
	for _, l := range ls.links {
		all = append(all, l)
	}
	return all
}

// Close closes all links and waits for their goroutines.
func (ls *Links) Close() {
	ls.mu.Lock()
	ls.cancel()
	ls.mu.Unlock()
	ls.wg.Wait()
}

// ID is LinkStatus.ID of the link at the end of the chain. It tells ways apart:
// by what each hop is called, where it is, who logs in, and the file that said
// so. The name counts because options that belong to an alias (its keys, its
// HostKeyAlias) may differ at one address.
func (c Chain) ID() string {
	sum := sha256.New()
	for _, hop := range c {
		fmt.Fprintf(sum, "%q %q %q %d %q %q\n", hop.Host.Name, hop.Host.User(), hop.Host.HostName(), hop.Host.Port(), hop.Command, hop.Config)
	}
	return hex.EncodeToString(sum.Sum(nil)[:6])
}
