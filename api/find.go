package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"

	"sallyport/sessions"
	"sallyport/tunnels"
)

// portTries is how many ports ForwardTo tries.
const portTries = 50

// firstOfUsers is the first port that is not root's alone, mostly; what listens
// below it is given one that is easily remembered: 8080 for 80.
const (
	firstOfUsers  = 1024
	aboveReserved = 8000
)

// ForwardTo opens a tunnel to an address as the host sees it, on the port of
// this machine or the next that is free. A tunnel that goes there already is
// taken. One that ctx ends before it is up is forgotten.
func (c *Client) ForwardTo(ctx context.Context, t Target, to Address, port int) (Tunnel, error) {
	now, err := c.Snapshot(ctx)
	if err != nil {
		return Tunnel{}, err
	}
	for _, s := range now.Tunnels {
		if s.Host == t.Host && s.Config == t.Config && s.Spec.Kind == LocalForward && s.Spec.Connect.Same(to) && s.State == TunnelUp {
			return s, nil
		}
	}
	if port < firstOfUsers {
		port += aboveReserved
	}
	first := port
	for range portTries {
		spec := TunnelSpec{Kind: LocalForward, Listen: Address{Network: "tcp", Port: port}, Connect: to}
		s, err := c.tryForward(ctx, TunnelRequest{Target: t, Spec: spec, Up: true})
		if err == nil && s.State == TunnelUp {
			return s, nil
		}
		_, left := c.SetTunnel(context.WithoutCancel(ctx), TunnelRequest{Target: t, Spec: spec})
		if err = cmp.Or(err, left); err != nil {
			return s, err
		}
		if s.State != TunnelBusy {
			return s, s.Failure
		}
		port = max(port+1, s.FreePort)
	}
	return Tunnel{}, &Error{
		Code:    CodeNotFound,
		Message: fmt.Sprintf("no port from %d on is free", first),
		Hints:   []string{"sallyport tunnel add " + Printable(t.Host) + " -L PORT:" + to.String()},
	}
}

// tryForward opens a tunnel and waits until it is up, or is not.
func (c *Client) tryForward(ctx context.Context, r TunnelRequest) (Tunnel, error) {
	s, err := c.SetTunnel(ctx, r)
	if err != nil {
		return s, err
	}
	following, done := context.WithCancel(ctx)
	defer done()
	var now Snapshot
	c.Follow(following, func(e Event) {
		now.Apply(e)
		for _, t := range now.Tunnels {
			if t.ID != s.ID {
				continue
			}
			s = t
			if t.State == TunnelUp || t.State == TunnelBusy || t.State == TunnelFailed && t.Failure != nil {
				done()
			}
		}
	})
	return s, context.Cause(ctx)
}

// The scripts that look around on a host, and what they find there.
const (
	JupyterScript   = sessions.JupyterScript
	ListenersScript = tunnels.ListenersScript
)

type (
	// JupyterServer is one that runs.
	JupyterServer = sessions.JupyterServer
	// Listener is a port on which something listens.
	Listener = tunnels.Listener
)

// ParseJupyter reads what JupyterScript wrote.
func ParseJupyter(out []byte, node string) []JupyterServer { return sessions.ParseJupyter(out, node) }

// JupyterNodes are the nodes of the user's jobs, of what JupyterScript wrote.
func JupyterNodes(out []byte) []string { return sessions.JupyterNodes(out) }

// NoJupyter says that no server was found on a host, and what to do about it.
func NoJupyter(host string, nodes []string) *Error {
	shown, node := Printable(host), "NODE"
	if len(nodes) > 0 {
		node = nodes[0]
	}
	return &Error{
		Code:    CodeNotFound,
		Message: "no Jupyter server of yours runs on " + shown,
		Hints: []string{
			"start one: sallyport " + shown + " jupyter lab --no-browser",
			"on a compute node, with --ip=0.0.0.0, then: sallyport jupyter " + shown + " --node " + node,
		},
	}
}

// jupyterPort is what Jupyter takes by itself, for a server on a socket.
const jupyterPort = 8888

// ForwardJupyter opens a tunnel to a server, see ForwardTo.
func (c *Client) ForwardJupyter(ctx context.Context, t Target, s JupyterServer) (Tunnel, error) {
	if s.Socket != "" {
		return c.ForwardTo(ctx, t, Address{Network: "unix", Path: s.Socket}, jupyterPort)
	}
	return c.ForwardTo(ctx, t, Address{Network: "tcp", Host: s.Host, Port: s.Port}, s.Port)
}

// Page is an address with a secret in it, or the file that leads a browser
// there.
type Page struct {
	URL  string `json:"url,omitempty"`
	Path string `json:"path,omitempty"`
}

// Page is the path of a file that leads a browser to an address with a secret
// in it. Only the user can read it, and a minute later it is gone.
func (c *Client) Page(ctx context.Context, address string) (path string, err error) {
	var page Page
	err = c.started(ctx, func() error {
		return c.call(ctx, http.MethodPost, "/v1/pages", Page{URL: address}, &page)
	})
	return page.Path, err
}

// ParseListeners reads what ListenersScript wrote.
func ParseListeners(out []byte) []Listener { return tunnels.ParseListeners(string(out)) }
