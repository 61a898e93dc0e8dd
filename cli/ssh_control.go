package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"sallyport/api"
	"sallyport/mux"
)

// control does what -O asks of the live master on the host's ControlPath, with
// the words and the status of muxclient of mux.c.
func (s *sshSession) control(ctx context.Context) error {
	path := given(s.host, "ControlPath")
	master, err := mux.Dial(ctx, path)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, mux.ErrTooLong):
		return s.fatal("%v", err)
	case errors.Is(err, mux.ErrNotMaster):
		s.log.say(logError, "sallyport: %v", err)
		return s.fatal("muxclient: master hello exchange failed")
	case err != nil:
		return s.fatal("%s", notConnected(path, err))
	}
	defer master.Close()
	switch s.call.control {
	case "check":
		return s.checkMaster(ctx, master)
	case "forward", "cancel":
		return s.controlForwards(ctx, master)
	case "exit":
		return s.endMaster(master.Exit(ctx), "mux_client_request_terminate", "termination request", "Exit request sent.")
	case "stop":
		return s.endMaster(master.Stop(ctx), "mux_client_request_stop_listening", "stop listening request", "Stop listening request sent.")
	}
	if what := infoOf[s.call.control]; what != "" {
		return s.masterInfo(ctx, master, what)
	}
	return s.dial(ctx) // proxy: which finds the same master
}

func (s *sshSession) checkMaster(ctx context.Context, master *mux.Client) error {
	pid, err := master.Alive(ctx)
	if err != nil {
		return s.fatal("muxclient: master alive check failed")
	}
	fmt.Fprintf(s.Err, "Master running (pid=%d)\r\n", pid)
	return nil
}

// infoOf is what a master is asked to tell for -O.
var infoOf = map[string]string{"conninfo": "connection", "channels": "channels"}

// masterInfo is mux_client_request_info of mux.c.
func (s *sshSession) masterInfo(ctx context.Context, master *mux.Client, what string) error {
	text, err := master.Info(ctx, what)
	var refused *mux.Refused
	switch {
	case errors.Is(err, mux.ErrNoInfo):
		return s.fatal("mux server does not support info request")
	case errors.As(err, &refused):
		return s.fatal("mux_client_request_info: master returned error: %s", api.Printable(refused.Reason))
	case err != nil:
		return s.fatal("%s", refusalOfMaster(err, "mux_client_request_info", what+" information"))
	}
	_, err = io.WriteString(s.Out, text)
	return err
}

// controlForwards opens or cancels. As with ssh, only the first fails.
func (s *sshSession) controlForwards(ctx context.Context, master *mux.Client) error {
	do := openOnMaster
	if s.call.control == "cancel" {
		do = cancelOnMaster
	}
	failed, err := s.askForwards(ctx, master, do)
	switch {
	case err != nil:
		return err
	case failed && s.call.control == "forward":
		return s.fatal("muxclient: master forward request failed")
	case failed:
		s.log.say(logError, "muxclient: master cancel forward request failed")
	}
	return nil
}

// endMaster is the answer to what ends a master, or its listening.
func (s *sshSession) endMaster(err error, function, what, sent string) error {
	if err != nil {
		return s.fatal("%s", refusalOfMaster(err, function, what))
	}
	if s.log.shows(logFatal) {
		fmt.Fprint(s.Err, sent+"\r\n")
	}
	return nil
}
