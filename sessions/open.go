package sessions

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"sallyport/config"
	"sallyport/internal/rfc4254"
	"sallyport/transport"
)

// open waits for the link and starts what is to run. A connection that breaks
// before anything was asked of it is replaced.
func (s *Session) open(ctx context.Context) (*remote, error) {
	for {
		conn, err := s.link.Conn(ctx)
		if err != nil {
			return nil, err
		}
		channel, err := conn.OpenSession(ctx)
		if err == nil {
			conn.Prioritize(s.spec.PTY)
			return s.start(ctx, newRemote(conn, channel))
		}
		if !conn.Broke(ctx, err) {
			return nil, err
		}
	}
}

func (s *Session) start(ctx context.Context, r *remote) (*remote, error) {
	host := s.link.Host().Host
	s.lendAgent(cmp.Or(s.spec.ForwardAgent, host.Get("ForwardAgent")), host, s.env)
	s.lendDisplay(ctx, cmp.Or(s.spec.ForwardX11, X11(host.Get("ForwardX11"))), host, s.env)
	r.leave = r.peers.join(&s.lender)
	if err := within(ctx, func() error { return s.ask(r, host) }); err != nil {
		r.leave()
		go r.Close() // it can wait for a full network; it ends with the connection
		return nil, s.refused(ctx, r.conn, err)
	}
	return r, nil
}

// ask asks for all that the session needs, in the order of ssh_session2_setup
// in ssh.c and client_session2_setup in clientloop.c, and waits only for the
// answer to the last (RFC 4254 section 6): a round trip less for each of the
// others, which OpenSSH's client doesn't wait for either. Two others matter
// to the person, but x/crypto/ssh awaits one answer at a time: that of X11 is
// awaited, and that of the terminal once for a connection, see askPTY.
func (s *Session) ask(r *remote, host *config.Host) error {
	if s.display != nil {
		accepted, err := r.ask("x11-req", s.display.request())
		if err != nil {
			return err
		}
		if !accepted {
			s.warn(logError, "X11 forwarding request failed on channel 0")
		}
	}
	if s.agent != "" {
		if err := r.send("auth-agent-req@openssh.com", nil); err != nil {
			return err
		}
	}
	setEnv := host.All("SetEnv")
	if s.spec.PTY {
		if err := s.askPTY(r, setEnv); err != nil {
			return err
		}
	}
	for _, v := range variables(s.env, host.All("SendEnv"), setEnv) {
		if err := r.send("env", v); err != nil {
			return err
		}
	}
	return s.askProgram(r)
}

// CodeNoTerminal is that of a session which needs a terminal and gets none.
const CodeNoTerminal = "no-terminal"

// askPTY asks for a terminal. Whether an account may have one is decided for
// a connection (PermitTTY and "restrict" of sshd), so where one was given no
// answer is awaited any more.
func (s *Session) askPTY(r *remote, setEnv []string) error {
	request := s.ptyRequest(setEnv)
	if r.peers.hadPTY() {
		r.pty = true
		return r.send("pty-req", request)
	}
	accepted, err := r.ask("pty-req", request)
	if err != nil {
		return err
	}
	const refusal = "PTY allocation request failed on channel 0"
	switch {
	case accepted:
		r.pty = true
		r.peers.gavePTY()
	case s.spec.NeedPTY: // CONFIRM_TTY of clientloop.c
		return failure(CodeNoTerminal, "%q gives no terminal: %s", s.status.Host, refusal)
	default:
		s.warn(logError, refusal)
	}
	return nil
}

// errRefused is the answer to what was to run.
var errRefused = errors.New("refused")

func (s *Session) askProgram(r *remote) error {
	name, message := "exec", any(rfc4254.Program{Command: s.spec.Command})
	switch {
	case s.spec.Kind == Subsystem:
		name = "subsystem"
	case s.spec.Command == "":
		name, message = "shell", nil
	}
	accepted, err := r.ask(name, message)
	if err == nil && !accepted {
		return errRefused
	}
	return err
}

// refused says why the far side did not start what was asked for.
func (s *Session) refused(ctx context.Context, conn *transport.Conn, err error) error {
	var f *transport.Failure
	if errors.As(err, &f) {
		return f
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := conn.Ping(ctx); err != nil {
		return err
	}
	what := "a shell"
	switch {
	case s.spec.Kind == Subsystem:
		what = fmt.Sprintf("the subsystem %q", s.spec.Command)
	case s.spec.Command != "":
		what = fmt.Sprintf("the command %q", s.spec.Command)
	}
	return failure("refused", "%q refused %s", s.status.Host, what)
}
