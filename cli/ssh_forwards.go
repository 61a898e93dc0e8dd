package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/sessions"
	"sallyport/transport"
	"sallyport/tunnels"
)

// ownForwards are the forwards of a connection that this process has made.
// They end with it.
type ownForwards struct {
	host    *config.Host
	log     *sshLog
	id      string            // of the link
	link    *transport.Link   // set before the first is opened
	conn    *transport.Conn   // likewise
	session *sessions.Session // nil while there is none
	moved   chan struct{}     // of size 1: a status has changed, for drain

	mu  sync.Mutex // guards all
	all []*tunnels.Tunnel
}

// start opens one, which is to be settled.
func (f *ownForwards) start(ctx context.Context, spec tunnels.Spec) *tunnels.Tunnel {
	options := tunnels.OptionsOf(f.host)
	options.AnyAddress, options.Complain = true, f.complain
	t := tunnels.Open(context.WithoutCancel(ctx), f.link, tunnels.Identity{Host: f.host.Name}, spec, options, func(tunnels.Status) {
		select {
		case f.moved <- struct{}{}:
		default:
		}
	})
	f.mu.Lock()
	f.all = append(f.all, t)
	f.mu.Unlock()
	t.LinkChanged(f.link.Status()) // what happened while nobody could tell it yet
	return t
}

// complain says of a connection what channel_input_open_failure and
// channel_post_connecting say (channels.c). Their numbers of
// channels are not ours, which count those of a forward.
func (f *ownForwards) complain(c tunnels.Connection) {
	var refused *ssh.OpenChannelError
	switch {
	case errors.As(c.Failure.Cause, &refused):
		f.log.say(logInfo, "%s", config.Printable(openFailed(c.Number, refused)))
	case c.Failure.Code == tunnels.CodeTarget:
		f.log.say(logError, "%s", unreachedTarget(c))
	}
}

// unreachedTarget are the words of connect_to_helper and connect_next (channels.c)
// for a target on this side, where the port of a socket is PORT_STREAMLOCAL.
func unreachedTarget(c tunnels.Connection) string {
	host, port, err := net.SplitHostPort(c.Target)
	switch {
	case err != nil:
		return fmt.Sprintf("connect to %s port -2 failed: %s", c.Target, strerror(c.Failure.Cause))
	case errors.As(c.Failure.Cause, new(*net.DNSError)):
		return fmt.Sprintf("connect_to %s: unknown host (Name or service not known)", host)
	}
	return fmt.Sprintf("connect_to %s port %s: failed.", host, port)
}

// settle waits until one listens. One that does not is given up.
func (f *ownForwards) settle(ctx context.Context, t *tunnels.Tunnel) error {
	if err := t.Ready(ctx); err != nil {
		f.end(t)
		return err
	}
	now := t.Status()
	if now.Allocated != 0 && now.Spec.Listen.Port == 0 {
		f.log.say(logInfo, "Allocated port %d for remote forward to %s", now.Allocated, destination(now.Spec.Connect))
	}
	return nil
}

// destination is a target in the words of ssh, whose structure has a host and
// a port for all of them (readconf.h, PORT_STREAMLOCAL).
func destination(to tunnels.Address) string {
	switch to.Network {
	case "unix":
		return config.Printable(to.Path) + ":-2"
	case "tcp":
		return fmt.Sprintf("%s:%d", config.Printable(to.Host), to.Port)
	}
	return "socks:0"
}

// end closes one.
func (f *ownForwards) end(t *tunnels.Tunnel) {
	f.mu.Lock()
	f.all = slices.DeleteFunc(f.all, func(other *tunnels.Tunnel) bool { return other == t })
	f.mu.Unlock()
	t.Close()
}

// close ends all.
func (f *ownForwards) close() {
	for _, t := range f.tunnels() {
		f.end(t)
	}
}

func (f *ownForwards) tunnels() []*tunnels.Tunnel {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.all)
}

// linkChanged passes on what becomes of the link.
func (f *ownForwards) linkChanged(now transport.LinkStatus) {
	if now.ID != f.id {
		return
	}
	for _, t := range f.tunnels() {
		t.LinkChanged(now)
	}
}

// drain waits until no connection is open: client_loop of clientloop.c lets
// them end after the session.
func (f *ownForwards) drain(ctx context.Context) {
	for slices.ContainsFunc(f.tunnels(), func(t *tunnels.Tunnel) bool { return t.Status().Open > 0 }) {
		select {
		case <-f.moved:
		case <-f.conn.Done():
			return
		case <-ctx.Done():
			return
		}
	}
}

// open implements forwards.
func (f *ownForwards) open(ctx context.Context, spec tunnels.Spec) error {
	return f.settle(ctx, f.start(ctx, spec))
}

// cancel implements forwards.
func (f *ownForwards) cancel(_ context.Context, kind tunnels.Kind, listen tunnels.Address) error {
	for _, t := range f.tunnels() {
		if spec := t.Status().Spec; spec.Kind == kind && spec.Listen == listen {
			f.end(t)
			return nil
		}
	}
	return errNoForward
}

// connections implements forwards.
func (f *ownForwards) connections(context.Context) []string {
	own := f.session.Status()
	lines := []string{"client-session " + described(own, own.ID)}
	for _, t := range f.tunnels() {
		if now := t.Status(); now.Open > 0 {
			lines = append(lines, inUse(now))
		}
	}
	return lines
}
