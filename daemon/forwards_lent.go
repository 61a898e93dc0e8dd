package daemon

import (
	"context"
	"strconv"

	"sallyport/api"
	"sallyport/config"
	"sallyport/transport"
	"sallyport/tunnels"
)

// lend opens a forward for a client of a master of ours, and waits until it
// listens. One that is open already is left as it is: ssh asks for those of
// its configuration each time. It does not come back with the next process.
func (f *forwards) lend(ctx context.Context, link *transport.Link, spec tunnels.Spec) (tunnels.Status, error) {
	if err := spec.Check(); err != nil {
		return tunnels.Status{}, err
	}
	w, chain := lent(link, spec)
	t, err := f.tunnel(w), error(nil)
	opened := t == nil
	if opened {
		if _, err = f.start(w, chain, tunnels.OptionsOf(chain[len(chain)-1].Host)); err != nil {
			return tunnels.Status{}, err
		}
		t = f.tunnel(w)
	}
	if t == nil {
		return tunnels.Status{}, errStopping
	}
	if err = t.Ready(ctx); err != nil {
		if opened {
			_ = f.takeBack(link, spec) // somebody else may have closed it
		}
		return tunnels.Status{}, err
	}
	return t.Status(), nil
}

// takeBack closes a forward of a link.
func (f *forwards) takeBack(link *transport.Link, spec tunnels.Spec) error {
	w, _ := lent(link, spec)
	_, err := f.down(api.TunnelRequest{Target: w.Target, Spec: spec})
	return err
}

// lentOn are the tunnels that only clients of a link's master want.
func (f *forwards) lentOn(linkID string) []*tunnels.Tunnel {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []*tunnels.Tunnel
	for _, o := range f.open {
		if o.tunnel != nil && o.wanted.Lent && o.linkID == linkID {
			all = append(all, o.tunnel)
		}
	}
	return all
}

// takeBackAll closes the tunnels that only clients of a link's master want.
func (f *forwards) takeBackAll(link *transport.Link) {
	for _, t := range f.lentOn(link.Status().ID) {
		_ = f.takeBack(link, t.Status().Spec) // somebody else may have closed it
	}
}

// has tells whether a forward of a link is open.
func (f *forwards) has(link *transport.Link, spec tunnels.Spec) bool {
	w, _ := lent(link, spec)
	return f.tunnel(w) != nil
}

// tunnel is what is open for a wish, nil if nothing is.
func (f *forwards) tunnel(w wanted) *tunnels.Tunnel {
	f.mu.Lock()
	defer f.mu.Unlock()
	if o := f.open[api.TunnelID(w.Target.Config, w.Target.Host, w.Spec)]; o != nil {
		return o.tunnel
	}
	return nil
}

// lent is a client's wish, on the very way that its master has.
func lent(link *transport.Link, spec tunnels.Spec) (wanted, transport.Chain) {
	chain, env := link.Way()
	hop := chain[len(chain)-1]
	t := api.Target{Host: hop.Host.Name, User: hop.Host.User(), Port: strconv.Itoa(hop.Host.Port()), Config: hop.Config, Env: env}
	if p, err := config.DefaultPaths(); err != nil || p.User != hop.Config {
		t.Explicit = true
	}
	return wanted{Target: t, Spec: spec, Once: true, Lent: true}, chain
}
