package api

import (
	"context"
	"fmt"
	"time"

	"sallyport/mux"
	"sallyport/tunnels"
)

const (
	// answerLimit is how long a master may take to say its process number.
	answerLimit = 2 * time.Second

	// consentLimit is how long it may take to do what it is asked for: with
	// ControlMaster ask it asks its user first (ask_permission in readpass.c).
	consentLimit = time.Minute
)

func inTime(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %v", limit))
}

// CheckMaster asks the master with this pid for a sign of life, as ssh -O check
// does.
func CheckMaster(ctx context.Context, path string, pid int) error {
	return withMaster(ctx, path, pid, func(*mux.Client, context.Context) error { return nil })
}

// EndMaster ends the master with this pid, with all that goes through it, as
// ssh -O exit does.
func EndMaster(ctx context.Context, path string, pid int) error {
	return withMaster(ctx, path, pid, (*mux.Client).Exit)
}

// StopMaster has the master with this pid take no more clients, as ssh -O stop
// does. What goes through it goes on.
func StopMaster(ctx context.Context, path string, pid int) error {
	return withMaster(ctx, path, pid, (*mux.Client).Stop)
}

// ForwardOnMaster has the master with this pid open a forward, as ssh -O
// forward does. It is the master's own, and ends with it. port is that which
// the far side chose for a remote forward with listen port 0, else 0.
func ForwardOnMaster(ctx context.Context, path string, pid int, spec tunnels.Spec) (port int, err error) {
	err = withMaster(ctx, path, pid, func(c *mux.Client, ctx context.Context) error {
		port, err = c.Forward(ctx, MasterForward(spec))
		return err
	})
	return port, err
}

// CancelOnMaster has the master with this pid close a forward, whoever has
// opened it, as ssh -O cancel does.
func CancelOnMaster(ctx context.Context, path string, pid int, spec tunnels.Spec) error {
	return withMaster(ctx, path, pid, func(c *mux.Client, ctx context.Context) error {
		return c.CancelForward(ctx, MasterForward(spec))
	})
}

// MasterForward is a forward as a master is asked for it.
func MasterForward(spec tunnels.Spec) mux.Forward {
	f := mux.Forward{Listen: MasterAddress(spec.Listen), Connect: MasterAddress(spec.Connect)}
	switch spec.Kind {
	case tunnels.Local:
		f.Type = mux.Local
	case tunnels.Remote:
		f.Type = mux.Remote
		if spec.Connect == (tunnels.Address{}) {
			f.Connect = mux.Address{Host: "socks"}
		}
	case tunnels.Dynamic:
		f.Type = mux.Dynamic
	}
	return f
}

// MasterAddress is an address as a master is told it.
func MasterAddress(a tunnels.Address) mux.Address {
	return mux.Address{Host: a.Host, Port: a.Port, Path: a.Path}
}

// withMaster asks something of the master that the person has seen: another
// one may listen at its place by now, or one that is stopped.
func withMaster(ctx context.Context, path string, pid int, do func(*mux.Client, context.Context) error) error {
	client, err := awake(ctx, path, pid)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := inTime(ctx, consentLimit)
	defer cancel()
	return do(client, ctx)
}

// awake attaches to the master with this pid once it has given a sign of life.
func awake(ctx context.Context, path string, pid int) (*mux.Client, error) {
	ctx, cancel := inTime(ctx, answerLimit)
	defer cancel()
	client, err := mux.Dial(ctx, path)
	if err != nil {
		return nil, err
	}
	now, err := client.Alive(ctx)
	if err == nil && now != pid {
		err = &Error{
			Code:    CodeNotFound,
			Message: fmt.Sprintf("another master, with pid %d, listens at %q by now", now, Printable(path)),
			Hints:   []string{"sallyport masters"},
		}
	}
	if err != nil {
		_ = client.Close() // nothing was asked of it
		return nil, err
	}
	return client, nil
}

// RemoveStale removes a control socket that a master of this user has left
// behind. Any other it leaves alone.
func RemoveStale(path string) error {
	if mux.RemoveStale(path) {
		return nil
	}
	return &Error{
		Code:    CodeNotFound,
		Message: fmt.Sprintf("control socket %q is no stale one of yours", Printable(path)),
		Hints:   []string{"sallyport masters"},
	}
}
