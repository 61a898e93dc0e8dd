package transport

import (
	"context"
	"log/slog"
	"net"
	"strings"

	"golang.org/x/crypto/ssh"
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

// Options are what all links share.
type Options struct {
	Asker  Asker
	Notify func(LinkStatus) // called at each change, in order for one link; must not block or call back
	Gone   func(id string)  // a link was forgotten
	Log    *slog.Logger
}

// Links is the set of links of one process. One chain has one link per hop,
// shared with every other chain that starts the same way.
type Links struct{}

// NewLinks makes an empty set. Close ends it.
func NewLinks(o Options) *Links { panic("unwritten") }

// Get finds or makes the link at the end of chain, not yet dialled. env
// replaces the environment of an earlier caller for later dials.
func (ls *Links) Get(chain Chain, env Env) *Link { panic("unwritten") }

// Find is the link with that ID, nil if there is none.
func (ls *Links) Find(id string) *Link { panic("unwritten") }

// Close closes all links and waits for their goroutines.
func (ls *Links) Close() { panic("unwritten") }

// Link is the supervised connection to one hop.
type Link struct{}

// Conn waits for the link to be up and returns its connection. A dial starts
// if none is under way; in the waiting state it starts at once. It fails with
// a *Failure when the link has failed, or with the cause of ctx. After a
// failure only Open dials again.
func (l *Link) Conn(ctx context.Context) (*Conn, error) { panic("unwritten") }

// Open forgets a failure and dials: what a person asks for.
func (l *Link) Open() { panic("unwritten") }

// Close ends the connection and any dial or question under way. Users that
// hold the link may open it again.
func (l *Link) Close() { panic("unwritten") }

// Hold counts a user until release is called (once). A link with users is
// dialled again after a break; one without is closed after it was idle for
// some minutes, and at once if it isn't up.
func (l *Link) Hold() (release func()) { panic("unwritten") }

// Status is the state of the link now.
func (l *Link) Status() LinkStatus { panic("unwritten") }

// Chain are the IDs of the links from the first hop to this one.
func (l *Link) Chain() []string { panic("unwritten") }

// Host is the resolved host of this hop.
func (l *Link) Host() Hop { panic("unwritten") }

// Conn is one authenticated connection. It ends once and for all; the link
// then makes another.
type Conn struct {
	client *ssh.Client
}

// NewSession opens a session channel.
func (c *Conn) NewSession(ctx context.Context) (*ssh.Session, error) { panic("unwritten") }

// Dial opens a connection from the far side ("tcp" or "unix").
func (c *Conn) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	panic("unwritten")
}

// Done is closed when the connection has ended; Err says why.
func (c *Conn) Done() <-chan struct{} { panic("unwritten") }

// Err is why the connection ended, nil while it lives.
func (c *Conn) Err() error { panic("unwritten") }
