package tunnels

import (
	"context"

	"sallyport/transport"
)

// Ready waits until the port or socket is listened on, which needs no link for
// one that is here, and fails if it cannot be: by ExitOnForwardFailure ssh ends
// then. It fails with a *transport.Failure or the cause of ctx; the tunnel goes
// on trying.
func (t *Tunnel) Ready(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case t.readies <- answer:
	case <-t.done:
		return t.closed()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-answer:
		return err
	case <-t.done:
		return t.closed()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (t *Tunnel) closed() error {
	return failure(transport.CodeCancelled, "the tunnel %q was closed", t.spec)
}

// settle answers who waits in Ready, once there is an answer.
func (t *Tunnel) settle() {
	err, settled := t.verdict()
	if !settled {
		return
	}
	for _, answer := range t.unready {
		answer <- err // of size 1
	}
	t.unready = nil
}

// verdict is whether the tunnel listens, if that is decided.
func (t *Tunnel) verdict() (err error, settled bool) {
	state, failure := t.state()
	switch {
	case t.obstacle != nil, t.spec.Kind == Remote && state == Failed:
		return failure, true
	case t.spec.Kind == Remote:
		return nil, t.far.granted
	}
	return nil, true
}
