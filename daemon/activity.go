package daemon

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// activity counts the clients that hold the process: watchers and sessions.
type activity struct {
	clients atomic.Int64
	left    chan struct{} // a client has left; the idle time starts anew
}

func newActivity() *activity { return &activity{left: make(chan struct{}, 1)} }

func (a *activity) add() { a.clients.Add(1) }

func (a *activity) done() {
	a.clients.Add(-1)
	select {
	case a.left <- struct{}{}:
	default:
	}
}

var errIdle = errors.New("nothing to do")

// stopWhenIdle stops the process when for idleLimit there was no client and
// nothing else to do.
func (a *activity) stopWhenIdle(ctx context.Context, idle func() bool, stop context.CancelCauseFunc) {
	timer := time.NewTimer(idleLimit)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.left:
		case <-timer.C:
			if a.clients.Load() == 0 && idle() {
				stop(errIdle)
				return
			}
		}
		timer.Reset(idleLimit)
	}
}
