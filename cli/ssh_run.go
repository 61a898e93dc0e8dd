package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"sallyport/api"
	"sallyport/sessions"
	"sallyport/transport"
)

// over does on a connection what was asked for, in the order of ssh_session2
// of ssh.c.
func (s *sshSession) over(ctx context.Context, link *transport.Link, conn *transport.Conn) error {
	if err := s.openForwards(ctx); err != nil {
		return err
	}
	if err := s.localCommand(ctx, s.host); err != nil {
		return err
	}
	s.settle()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s.begun = true
	s.log.say(logDebug, "Entering interactive session.")
	s.rates = s.counting(conn)
	switch {
	case s.call.stdio != "":
		return s.forwardStdio(ctx, conn)
	case s.sessionType() == "none":
		return s.stay(ctx, conn)
	}
	return s.session(ctx, link)
}

// counting is what client_loop of clientloop.c says in the end of what has
// passed since now.
func (s *sshSession) counting(conn *transport.Conn) func() {
	begin := time.Now()
	return func() {
		sent, received := conn.Carried()
		took := time.Since(begin).Seconds()
		s.log.say(logVerbose, "Transferred: sent %d, received %d bytes, in %.1f seconds", sent, received, took)
		s.log.say(logVerbose, "Bytes per second: sent %.1f, received %.1f", float64(sent)/took, float64(received)/took)
	}
}

// stay keeps the connection for its forwards until it ends.
func (s *sshSession) stay(ctx context.Context, conn *transport.Conn) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-conn.Done():
		return s.broke(conn.Err())
	}
}

// broke ends with the connection: client_loop of clientloop.c.
func (s *sshSession) broke(err error) error {
	var f *transport.Failure
	if errors.As(err, &f) && f.Code == transport.CodeTimeout {
		return s.fatal("Timeout, server %s not responding.", s.host.HostName())
	}
	s.log.say(logInfo, "Connection to %s closed by remote host.", s.host.HostName())
	return status(ours)
}

// session runs a shell, a command or a subsystem and ends with its status.
func (s *sshSession) session(ctx context.Context, link *transport.Link) error {
	remote := sessions.Start(ctx, link, sessions.Identity{Host: s.host.Name}, s.spec, os.Environ(), func(sessions.Status) {})
	if s.call.logFile != "" {
		remote.WarnTo(s.log)
	}
	if err := remote.Ready(ctx); err != nil {
		return s.notStarted(ctx, err)
	}
	if s.spec.Command != "" {
		s.log.say(logDebug, "Sending command: %s", api.Printable(s.spec.Command))
	}
	s.spec.PTY = remote.Status().PTY // a shell does without where it is refused
	s.forwards.session = remote
	can := abilitiesOf(s.host)
	can.ends = endsConnection
	can.sendBreak = func() { remote.Break(sessions.BreakLength) }
	can.inform = func(out io.Writer) { io.WriteString(out, remote.Information(ctx)) } // a terminal that has gone cannot be told
	can.forwards, can.verbosity = s.forwards, s.log.louder
	v := viewed{pty: s.spec.PTY, attach: remote.Attach, resize: remote.Resize, unread: remote.Unread, name: s.host.HostName(), can: can}
	return s.view(ctx, v, "Connection to %s closed.")
}

// view gives this terminal to a session and ends with its status, but not
// before the connections of its forwards have ended. closed is what ssh says
// after a session with a terminal.
func (s *sshSession) view(ctx context.Context, v viewed, closed string) error {
	ended := false // by itself: who leaves it by the escape has been told
	attach := v.attach
	v.attach = func(ctx context.Context, in io.Reader, out, errs io.Writer) (api.Exit, error) {
		exit, err := attach(ctx, in, out, errs)
		ended = err == nil && exit.Failure == nil
		return exit, err
	}
	exit, err := s.attach(ctx, v, s.escape())
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if ended && s.forwards != nil {
		s.forwards.drain(ctx)
	}
	if ended && s.spec.PTY && s.log.shows(logInfo) {
		fmt.Fprintf(s.Err, closed+"\r\n", s.host.HostName())
	}
	return s.finish(exit, err)
}

// escape is the escape character: only a session with a terminal has one.
func (s *sshSession) escape() byte {
	if !s.spec.PTY {
		return 0
	}
	return parseEscape(s.host.Get("EscapeChar"))
}

// notStarted ends with a session that the far side refused.
func (s *sshSession) notStarted(ctx context.Context, err error) error {
	var f *transport.Failure
	if !errors.As(err, &f) || ctx.Err() != nil || f.Code == transport.CodeClosed {
		return s.failed(ctx, err)
	}
	s.log.say(logError, "sallyport: %s", f.Message)
	what := "exec"
	switch {
	case f.Code == sessions.CodeNoTerminal:
		what = "PTY allocation"
	case s.spec.Kind == sessions.Subsystem:
		what = "subsystem"
	case s.spec.Command == "":
		what = "shell"
	}
	return s.fatal("%s request failed on channel 0", what)
}

// finish turns the end of a session into ours. That a signal ended the command
// has no other sign than the status, as with ssh.
func (s *sshSession) finish(exit api.Exit, err error) error {
	switch {
	case err != nil:
		return err
	case exit.Failure != nil:
		return s.broke(exit.Failure)
	}
	if s.rates != nil {
		s.rates()
	}
	s.log.say(logDebug, "Exit status %d", exit.Status)
	if exit.Status != 0 {
		return status(exit.Status)
	}
	return nil
}

// settle is done with the login: from here on ssh -f is in the background, and
// input is what the configuration leaves of it.
func (s *sshSession) settle() {
	if s.yes("StdinNull") {
		s.In = strings.NewReader("")
	}
	if s.background != nil {
		s.leaveTerminal()
	}
}

// leaveTerminal is what fork_postauth of ssh.c does, in a process that has
// been in the background from the start.
func (s *sshSession) leaveTerminal() {
	if s.call.verbose == 0 && s.call.logFile == "" {
		s.log.redirect(io.Discard)
	}
	if err := detach(s.sessionType() == "none", s.call.verbose > 0); err != nil {
		s.log.say(logError, "leaving the terminal: %v", err)
	}
	s.background.Write([]byte{loggedIn}) // nobody waits any more if it fails
	s.background.Close()
}
