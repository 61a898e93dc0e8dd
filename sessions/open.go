package sessions

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/ssh"

	"sallyport/transport"
)

// remote is a running shell or command.
type remote struct {
	*ssh.Session
	conn           *transport.Conn
	stdin          io.WriteCloser
	stdout, stderr io.Reader
}

// open waits for the link and starts the shell or command. A connection that
// breaks before anything was asked of it is replaced.
func (s *Session) open(ctx context.Context) (*remote, error) {
	for {
		conn, err := s.link.Conn(ctx)
		if err != nil {
			return nil, err
		}
		session, err := conn.NewSession(ctx)
		if err == nil {
			conn.Prioritize(s.spec.PTY)
			return s.start(ctx, conn, session)
		}
		if !conn.Broke(ctx, err) {
			return nil, err
		}
	}
}

// start asks for terminal, environment and program in one go, and waits only
// for the answer to the last (RFC 4254 section 6): a round trip less for each
// of the others, which OpenSSH's client doesn't wait for either, except that
// it warns of a terminal that was refused.
func (s *Session) start(ctx context.Context, conn *transport.Conn, session *ssh.Session) (*remote, error) {
	r, err := newRemote(conn, session)
	if err != nil {
		return nil, err
	}
	started := make(chan error, 1) // of size 1: the goroutine ends even if nobody waits
	go func() { started <- s.ask(session) }()
	select {
	case err = <-started:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		go session.Close() // it can wait for a full network; it ends with the connection
		return nil, s.refused(ctx, conn, err)
	}
	return r, nil
}

func newRemote(conn *transport.Conn, session *ssh.Session) (*remote, error) {
	stdin, inErr := session.StdinPipe()
	stdout, outErr := session.StdoutPipe()
	stderr, errErr := session.StderrPipe()
	return &remote{session, conn, stdin, stdout, stderr}, errors.Join(inErr, outErr, errErr)
}

func (s *Session) ask(session *ssh.Session) error {
	host := s.link.Host().Host
	vars := variables(s.env, host.All("SendEnv"), host.All("SetEnv"))
	if s.spec.PTY {
		if err := send(session, "pty-req", s.ptyRequest(host.All("SetEnv"))); err != nil {
			return err
		}
	}
	for _, v := range vars {
		if err := send(session, "env", v); err != nil {
			return err
		}
	}
	if s.spec.Command == "" {
		return session.Shell()
	}
	return session.Start(s.spec.Command)
}

// send makes a request whose answer does not matter.
func send(session *ssh.Session, name string, message any) error {
	_, err := session.SendRequest(name, false, ssh.Marshal(message))
	return err
}

// refused says why the far side did not start what was asked for.
func (s *Session) refused(ctx context.Context, conn *transport.Conn, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := conn.Ping(ctx); err != nil {
		return err
	}
	what := "a shell"
	if s.spec.Command != "" {
		what = fmt.Sprintf("the command %q", s.spec.Command)
	}
	return failure("refused", "%q refused %s", s.status.Host, what)
}
