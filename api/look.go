package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"sallyport/sessions"
	"sallyport/tunnels"
)

// scriptLimit is the most that a script may write, in bytes.
const scriptLimit = 8 << 20

// StartScript begins a POSIX shell on a host that Terminal.Script feeds. The
// script goes over its standard input: nothing is left on the host, and a
// login shell of any kind has nothing to quote.
func (c *Client) StartScript(ctx context.Context, t Target) (*Terminal, error) {
	return c.StartSession(ctx, SessionRequest{
		Target: t,
		Spec:   sessions.Spec{Command: "exec sh", ForwardAgent: "no", ForwardX11: sessions.NoX11},
		TTY:    "no",
	})
}

// Script runs a script and gives what it writes. The caller has waited until
// the session is Ready.
func (t *Terminal) Script(ctx context.Context, script string) ([]byte, error) {
	var out, problems bounded
	exit, err := t.Attach(ctx, strings.NewReader(script), &out, &problems)
	switch {
	case err != nil:
		return nil, err
	case exit.Failure != nil:
		return nil, exit.Failure
	case exit.Status != 0 || exit.Signal != "":
		return nil, &Error{
			Code:    CodeInternal,
			Message: fmt.Sprintf("looking around on %q: %s", Printable(t.Host()), Printable(strings.TrimSpace(problems.String()))),
			Hints:   []string{"the account needs a POSIX sh: sallyport " + Printable(t.Host()) + " 'exec sh -c id'"},
		}
	}
	return out.Bytes(), nil
}

// bounded keeps what is written, up to scriptLimit.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > scriptLimit {
		return 0, io.ErrShortWrite
	}
	return b.Buffer.Write(p)
}

// portTries is how many ports ForwardTo tries.
const portTries = 50

// ForwardTo opens a tunnel to an address as the host sees it, on the port of
// this machine or the next that is free. A tunnel that goes there already is
// taken.
func (c *Client) ForwardTo(ctx context.Context, t Target, to Address, port int) (Tunnel, error) {
	now, err := c.Snapshot(ctx)
	if err != nil {
		return Tunnel{}, err
	}
	for _, s := range now.Tunnels {
		if s.Host == t.Host && s.Config == t.Config && s.Spec.Kind == LocalForward && s.Spec.Connect == to && s.State == TunnelUp {
			return s, nil
		}
	}
	first := port
	for range portTries {
		spec := TunnelSpec{Kind: LocalForward, Listen: Address{Network: "tcp", Port: port}, Connect: to}
		s, err := c.tryForward(ctx, TunnelRequest{Target: t, Spec: spec, Up: true})
		if err != nil {
			return s, err
		}
		if s.State == TunnelUp {
			return s, nil
		}
		if _, err := c.SetTunnel(ctx, TunnelRequest{Target: t, Spec: spec}); err != nil {
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
	JupyterServer = sessions.JupyterServer
	Listener      = tunnels.Listener
)

// ParseJupyter reads what JupyterScript wrote.
func ParseJupyter(out []byte, node string) []JupyterServer { return sessions.ParseJupyter(out, node) }

// ParseListeners reads what ListenersScript wrote.
func ParseListeners(out []byte) []Listener { return tunnels.ParseListeners(string(out)) }
