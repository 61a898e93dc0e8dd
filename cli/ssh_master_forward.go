package cli

import (
	"context"
	"errors"
	"fmt"

	"sallyport/api"
	"sallyport/mux"
)

// onMaster is what is done with a forward on a master.
type onMaster func(ctx context.Context, master *mux.Client, f mux.Forward) (port int, err error)

func openOnMaster(ctx context.Context, master *mux.Client, f mux.Forward) (port int, err error) {
	return master.Forward(ctx, f)
}

func cancelOnMaster(ctx context.Context, master *mux.Client, f mux.Forward) (port int, err error) {
	return 0, master.CancelForward(ctx, f)
}

// askForwards does something with each wanted forward, and tells whether one
// has failed: mux_client_forwards of mux.c.
func (s *sshSession) askForwards(ctx context.Context, master *mux.Client, do onMaster) (failed bool, err error) {
	specs, err := s.wanted()
	if err != nil {
		return true, s.fatal("%v", err)
	}
	for _, spec := range specs {
		port, err := do(ctx, master, api.MasterForward(spec))
		switch {
		case ctx.Err() != nil:
			return true, context.Cause(ctx)
		case err != nil:
			failed = true
			if errors.As(err, new(*mux.Refused)) { // of a master that has ended mux.c says nothing
				s.log.say(logError, "%s", refusalOfMaster(err, "mux_client_forward", "forwarding request"))
			}
		case port != 0:
			s.log.say(logVerbose, "Allocated port %d for remote forward to %s", port, destination(spec.Connect))
			if s.call.control == "forward" {
				fmt.Fprintln(s.Out, port)
			}
		}
	}
	return failed, nil
}
