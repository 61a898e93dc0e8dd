package cli

import (
	"context"
	"fmt"
	"slices"

	"sallyport/api"
	"sallyport/tunnels"
)

// heldForwards are the forwards of a host in the background process. What is
// opened there stays when the session ends.
type heldForwards struct {
	client  *api.Client
	target  api.Target
	session string // ID
}

func (h heldForwards) open(ctx context.Context, s tunnels.Spec) error {
	now, err := h.client.SetTunnel(ctx, api.TunnelRequest{Target: h.target, Spec: s, Up: true})
	if err != nil {
		return err
	}
	if now.Failure != nil && (now.State == api.TunnelBusy || now.State == api.TunnelFailed) {
		_ = h.close(ctx, s) // it would wait for its port; ssh does not
		return now.Failure
	}
	return nil
}

func (h heldForwards) cancel(ctx context.Context, kind tunnels.Kind, listen tunnels.Address) error {
	now, err := h.client.Snapshot(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(now.Tunnels, func(t api.Tunnel) bool {
		return t.Host == h.target.Host && t.Config == h.target.Config && t.Spec.Kind == kind && t.Spec.Listen == listen
	})
	if i < 0 {
		return errNoForward
	}
	return h.close(ctx, now.Tunnels[i].Spec)
}

func (h heldForwards) close(ctx context.Context, s tunnels.Spec) error {
	_, err := h.client.SetTunnel(ctx, api.TunnelRequest{Target: h.target, Spec: s})
	return err
}

func (h heldForwards) connections(ctx context.Context) []string {
	now, err := h.client.Snapshot(ctx)
	if err != nil {
		return nil // there is nobody any more to have connections
	}
	i := slices.IndexFunc(now.Sessions, func(s api.Session) bool { return s.ID == h.session })
	if i < 0 {
		return nil
	}
	link := now.Sessions[i].Link
	var lines []string
	for _, s := range now.Sessions {
		if s.Link == link && s.State == api.SessionRunning {
			lines = append(lines, "client-session "+described(s, h.session))
		}
	}
	for _, t := range now.Tunnels {
		if t.Link == link && t.Open > 0 {
			lines = append(lines, inUse(t))
		}
	}
	return lines
}

// inUse is a forward that has connections.
func inUse(t api.Tunnel) string {
	return fmt.Sprintf("%s (%d open, %d B sent, %d B received)", t.Spec, t.Open, t.Sent, t.Received)
}

// described is a session in a few words.
func described(s api.Session, own string) string {
	what := "a shell"
	if s.Command != "" {
		what = s.Command
	}
	if s.ID == own {
		what += ", this one"
	}
	return "(" + what + ")"
}
