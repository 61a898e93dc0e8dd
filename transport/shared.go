package transport

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"sallyport/config"
	"sallyport/mux"
)

// share uses the connection of a master of the user's, if a live one listens
// on the host's ControlPath. Where none does, or it is of no use, there is no
// Conn and no error: ssh, too, then connects by itself (muxclient in mux.c).
func (c dialCall) share(ctx context.Context) (*Conn, error) {
	path := c.controlPath()
	if path == "" {
		return nil, nil
	}
	m, err := c.findMaster(ctx, path)
	if err != nil {
		return nil, c.passOver(ctx, err)
	}
	conn := c.attach(m)
	c.tell(func() {
		c.link.owned.kind = Shared
		c.link.owned.why = config.Printable(fmt.Sprintf("by the ssh with pid %d on %s", m.pid, path))
	})
	c.link.set.wg.Go(func() { // ends with conn
		conn.keepAlive(pulseOf(c.host()), func(time.Duration) {}) // the way to a master is not that to the host
	})
	return conn, nil
}

// controlPath is where a master of the host's would listen, "" for nowhere.
// With ControlMaster yes and ask ssh becomes one and attaches to none.
func (c dialCall) controlPath() string {
	h := c.host()
	path := given(h, "ControlPath")
	if path == "" || yes(h, "ControlMaster") || h.Get("ControlMaster") == "ask" {
		return ""
	}
	return absolute(path, c.route.env)
}

// errSelf is the master that this process is itself: to use it would be to
// wait for ourselves.
var errSelf = errors.New("the master is this process")

// findMaster attaches to the master on a path. One of another user's is
// refused by mux.
func (c dialCall) findMaster(ctx context.Context, path string) (*master, error) {
	limit := c.connectLimit()
	ctx, cancel := context.WithTimeoutCause(ctx, limit, silence{"of the master on " + path, limit})
	defer cancel()
	client, err := mux.Dial(ctx, path)
	if err != nil {
		return nil, err
	}
	c.step(stepShared)
	pid, err := client.Alive(ctx)
	if err == nil && pid == os.Getpid() {
		err = errSelf
	}
	if err != nil {
		_ = client.Close() // nothing runs on it
		return nil, err
	}
	c.trace(1, "Using the connection of the master on %s, pid %d", path, pid)
	m := newMaster(c.link.set.options)
	m.control, m.client, m.pid = path, client, pid
	return m, nil
}

// passOver says why a master is not used, unless nobody expects one there. It
// fails only with the cause of ctx.
func (c dialCall) passOver(ctx context.Context, err error) error {
	level := 0
	if errors.Is(err, mux.ErrAbsent) || errors.Is(err, mux.ErrStale) || errors.Is(err, errSelf) {
		level = 1
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	c.trace(level, "%v", err)
	return nil
}
