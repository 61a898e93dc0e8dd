package transport

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"sallyport/config"
)

// commandConn speaks through a ProxyCommand.
type commandConn struct {
	*child
	command string
	in, out *os.File // our ends: in is written to, out is read
}

// newCommand prepares a ProxyCommand as sshconnect.c does: to be run by the
// user's shell, replaced by the command, with the caller's environment. heard
// gets what it says on its standard error, which is the user's there: where to
// log in with a browser, or a prompt.
func newCommand(command string, env Env, heard func(string)) *child {
	shell := env.Get("SHELL")
	if shell == "" {
		shell = "/bin/sh"
	}
	c := newChild(env, shell, "-c", "exec "+command)
	c.said.heard = heard
	return c
}

// startCommand runs a ProxyCommand that passes the bytes itself.
func startCommand(command string, env Env, heard func(string)) (*commandConn, error) {
	c := &commandConn{child: newCommand(command, env, heard), command: command}
	if err := c.connect(); err != nil {
		return nil, notStarted(c.child, err)
	}
	return c, nil
}

// notStarted is the failure of a shell that could not be run.
func notStarted(c *child, err error) *Failure {
	return &Failure{
		Code:    CodeProxyCommand,
		Message: fmt.Sprintf("the ProxyCommand could not be started with %q: %v", c.process.Path, err),
		Hint:    "check SHELL",
	}
}

// connect connects the pipes and starts the process.
func (c *commandConn) connect() error {
	theirIn, in, err := os.Pipe()
	if err != nil {
		return err
	}
	defer theirIn.Close()
	out, theirOut, err := os.Pipe()
	if err != nil {
		in.Close()
		return err
	}
	defer theirOut.Close()
	c.in, c.out = in, out
	c.process.Stdin, c.process.Stdout = theirIn, theirOut
	if err := c.start(ownGroup); err != nil {
		in.Close()
		out.Close()
		return err
	}
	return nil
}

func (c *commandConn) Read(p []byte) (int, error)  { return c.out.Read(p) }
func (c *commandConn) Write(p []byte) (int, error) { return c.in.Write(p) }

// Close ends the command. It does not wait.
func (c *commandConn) Close() error {
	c.stop() // first, so that the command hears why its input ends
	c.in.Close()
	c.out.Close()
	return nil
}

func (c *commandConn) LocalAddr() net.Addr              { return commandAddr(c.command) }
func (c *commandConn) RemoteAddr() net.Addr             { return commandAddr(c.command) }
func (c *commandConn) SetDeadline(time.Time) error      { return errors.ErrUnsupported }
func (c *commandConn) SetReadDeadline(time.Time) error  { return errors.ErrUnsupported }
func (c *commandConn) SetWriteDeadline(time.Time) error { return errors.ErrUnsupported }

// commandAddr stands where an address is wanted.
type commandAddr string

func (commandAddr) Network() string  { return "proxycommand" }
func (a commandAddr) String() string { return config.Printable(string(a)) }
