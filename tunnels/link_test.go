package tunnels

import (
	"context"
	"sync"
	"testing"

	"sallyport/config"
	"sallyport/internal/sshtest"
	"sallyport/transport"
)

// link is a real link to the server. Whoever asks for its connection is
// counted, and so is who keeps it.
type link struct {
	*transport.Link

	mu          sync.Mutex // guards what follows
	asked, kept int
}

func (l *link) Conn(ctx context.Context) (*transport.Conn, error) {
	l.mu.Lock()
	l.asked++
	l.mu.Unlock()
	return l.Link.Conn(ctx)
}

func (l *link) Keep() func() {
	l.add(1)
	release := l.Link.Keep()
	return func() { release(); l.add(-1) }
}

func (l *link) add(kept int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept += kept
}

func (l *link) counts() (asked, kept int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.asked, l.kept
}

// newLink makes the link to a server; notify hears of its states.
func newLink(t *testing.T, s *sshtest.Server, notify func(transport.LinkStatus)) *link {
	t.Helper()
	cfg := config.Load(config.Paths{User: s.Path("ssh_config"), Home: s.Path(""), Explicit: true})
	chain, err := transport.Plan(cfg, sshtest.Alias, config.Match{Execute: true})
	if err != nil {
		t.Fatal(err)
	}
	links := transport.NewLinks(transport.Options{Notify: notify})
	t.Cleanup(links.Close)
	return &link{Link: links.Get(chain, nil)}
}
