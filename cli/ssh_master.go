package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"sallyport/api"
	"sallyport/mux"
	"sallyport/sessions"
	"sallyport/tunnels"
)

// controlPath is where a master of the user's would listen, "" where none is
// asked: with ControlMaster yes or ask ssh becomes one itself.
func (s *sshSession) controlPath() string {
	if s.becomesMaster() {
		return ""
	}
	return given(s.host, "ControlPath")
}

// becomesMaster tells whether ssh makes a master without looking for one.
func (s *sshSession) becomesMaster() bool {
	return given(s.host, "ControlPath") != "" && (s.yes("ControlMaster") || s.host.Get("ControlMaster") == "ask")
}

// wantsMaster tells whether ssh makes a master where there is none.
func (s *sshSession) wantsMaster() bool {
	return given(s.host, "ControlPath") != "" && strings.HasPrefix(s.host.Get("ControlMaster"), "auto")
}

// overMaster does what was asked for on the connection of a live master, as
// muxclient of mux.c does: the master reads and writes our streams itself. It
// is not done where ssh goes on to connect by itself.
func (s *sshSession) overMaster(ctx context.Context) (done bool, err error) {
	path := s.controlPath()
	files, haveFiles := s.files()
	if path == "" || !haveFiles {
		return false, nil
	}
	master, err := mux.Dial(ctx, path)
	if err != nil {
		return s.withoutMaster(ctx, path, err)
	}
	defer master.Close()
	s.log.say(logDebug, "using the connection of the master on %s", api.Printable(path))
	if s.call.stdio != "" {
		return s.stdioOverMaster(ctx, master, files)
	}
	if failed, err := s.askForwards(ctx, master, openOnMaster); failed || err != nil {
		s.log.say(logError, "muxclient: master forward request failed")
		return false, errors.Join(err, s.alone())
	}
	session, err := master.NewSession(ctx, s.masterSpec(), files[0], files[1], files[2])
	if err != nil {
		return s.refusedByMaster(ctx, err, "mux_client_request_session", "session request")
	}
	s.remember(path, logError, s.leftByMaster())
	return true, s.ride(ctx, session)
}

// files are the standard streams, if they can be handed to a master.
func (s *sshSession) files() (files [3]*os.File, ok bool) {
	in := s.In
	if s.yes("StdinNull") {
		null, err := os.Open(os.DevNull)
		if err != nil {
			return files, false
		}
		in = null // until the program ends
	}
	for i, stream := range []any{in, s.Out, s.Err} {
		if files[i], ok = stream.(*os.File); !ok {
			return files, false
		}
	}
	return files, true
}

// alone makes the way to the host one on which its master is not asked again.
func (s *sshSession) alone() error {
	s.match.Options = append([]string{"ControlPath=none"}, s.match.Options...)
	return s.resolve()
}

// withoutMaster says why there is no master to ask, in the words of mux.c, and
// whether that ends ssh.
func (s *sshSession) withoutMaster(ctx context.Context, path string, err error) (done bool, _ error) {
	switch {
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	case errors.Is(err, mux.ErrTooLong):
		return false, s.fatal("%v", err)
	case errors.Is(err, mux.ErrAbsent), errors.Is(err, mux.ErrUnsupported), errors.Is(err, mux.ErrStale) && s.wantsMaster():
		s.log.say(logDebug, "%v", err)
		return false, nil // the next look at it finds no master either
	case errors.Is(err, mux.ErrNotMaster):
		s.log.say(logError, "sallyport: %v", err)
		s.log.say(logError, "muxclient: master hello exchange failed")
	default:
		s.log.say(logError, "%s", notConnected(path, err))
	}
	return false, s.alone()
}

// notConnected is an error of connect(2) to a control socket in the words of
// mux.c.
func notConnected(path string, err error) string {
	var reason string
	var errno syscall.Errno
	switch {
	case errors.Is(err, mux.ErrAbsent):
		reason = strerror(syscall.ENOENT)
	case errors.Is(err, mux.ErrStale):
		reason = strerror(syscall.ECONNREFUSED)
	case errors.As(err, &errno):
		reason = strerror(errno)
	case errors.Is(err, mux.ErrPermission):
		reason = strerror(syscall.EACCES)
	default:
		reason = err.Error()
	}
	return fmt.Sprintf("Control socket connect(%.100s): %s", api.Printable(path), reason)
}

// refusedByMaster says what the master did not do; ssh then connects by
// itself.
func (s *sshSession) refusedByMaster(ctx context.Context, err error, function, what string) (done bool, _ error) {
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	s.log.say(logError, "%s", refusalOfMaster(err, function, what))
	return false, s.alone()
}

// refusalOfMaster is why a master did not do what it was asked for, in the
// words of a function of mux.c.
func refusalOfMaster(err error, function, what string) string {
	var refused *mux.Refused
	switch {
	case errors.As(err, &refused) && refused.Denied:
		return fmt.Sprintf("Master refused %s: %s", what, api.Printable(refused.Reason))
	case errors.As(err, &refused):
		return fmt.Sprintf("%s: %s failed: %s", function, what, api.Printable(refused.Reason))
	}
	return fmt.Sprintf("%s: read from master failed: %s", function, strerror(syscall.EPIPE))
}

// masterSpec is the session as mux_client_request_session of mux.c asks for it.
// It has no word for none: -N gets a shell there, too.
func (s *sshSession) masterSpec() mux.Spec {
	agent := s.host.Get("ForwardAgent")
	return mux.Spec{
		TTY:       s.spec.PTY,
		X11:       s.yes("ForwardX11"),
		Agent:     agent != "" && agent != "no" && agent != "false",
		Subsystem: s.spec.Kind == sessions.Subsystem,
		Escape:    parseEscape(s.host.Get("EscapeChar")),
		Term:      s.spec.Term,
		Command:   s.spec.Command,
		Env:       sessions.Environment(s.host, os.Environ()),
	}
}

// ride waits for the end of a session that the master drives.
func (s *sshSession) ride(ctx context.Context, session *mux.Passenger) error {
	defer session.Close()
	defer context.AfterFunc(ctx, func() { session.Close() })()
	s.settle()
	s.begun = true
	restore := func() {}
	if term, ok := openTerminal(); ok && s.spec.PTY && s.background == nil {
		var err error
		if restore, err = term.raw(); err != nil {
			return fmt.Errorf("setting the terminal: %w", err)
		}
		defer term.follow(func(api.Size) { _ = session.Resized() })() // a session that has ended has no size
	}
	defer restore()
	select {
	case <-session.Done():
	case <-session.NoTTY():
		restore()
	}
	exit, err := session.Wait()
	restore()
	if s.spec.PTY && s.log.shows(logInfo) {
		fmt.Fprintf(s.Err, "Shared connection to %s closed.\r\n", s.host.HostName())
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, mux.ErrEnded):
		s.log.say(logError, "%s", s.leftByMaster())
	}
	if exit != 0 {
		return status(exit)
	}
	return nil
}

// leftByMaster is the end of a session whose master has ended.
func (s *sshSession) leftByMaster() string {
	return fmt.Sprintf("sallyport: the connection to %s has ended with the ssh that shared it", s.host.HostName())
}

// stdioOverMaster has the master join our streams to a place behind the host.
func (s *sshSession) stdioOverMaster(ctx context.Context, master *mux.Client, files [3]*os.File) (done bool, err error) {
	spec, err := tunnels.Parse(tunnels.Dynamic, s.call.stdio)
	if err != nil {
		return false, err
	}
	far, err := master.NewStdioForward(ctx, api.MasterAddress(spec.Listen), files[0], files[1])
	var refused *mux.Refused
	switch {
	case ctx.Err() != nil:
		return true, context.Cause(ctx)
	case errors.As(err, &refused) && refused.Denied:
		return true, s.fatal("Master refused stdio forwarding request: %s", api.Printable(refused.Reason))
	case errors.As(err, &refused):
		return true, s.fatal("Stdio forwarding request failed: %s", api.Printable(refused.Reason))
	case err != nil:
		return s.refusedByMaster(ctx, err, "mux_client_request_stdio_fwd", "stdio forwarding request")
	}
	defer far.Close()
	defer context.AfterFunc(ctx, func() { far.Close() })()
	s.settle()
	s.begun = true
	<-far.Done()
	return true, nil // mux.c has no other end
}
