package mux

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"
)

// Why a control socket cannot be used. Each comes wrapped with its path.
var (
	ErrAbsent      = errors.New("there is no such socket")
	ErrStale       = errors.New("nobody listens on it; its master has ended")
	ErrPermission  = errors.New("it may not be used by you")
	ErrTooLong     = errors.New("ControlPath too long")
	ErrNotMaster   = errors.New("what listens there does not speak OpenSSH's multiplexing protocol")
	ErrUnsupported = errors.New("connection sharing is not supported on this system, nor by its OpenSSH")
)

// helloLimit is how long a greeting may take. Masters answer at once, except
// while they ask their user something.
const helloLimit = 10 * time.Second

const busyRest = 5 * time.Millisecond

// control is a connection to a master that has been greeted.
type control struct {
	*net.UnixConn
	extensions []string // of the master's greeting: names and values in turn
}

// connect opens a control connection and exchanges greetings.
func connect(ctx context.Context, path string) (*control, error) {
	if !supported {
		return nil, ErrUnsupported
	}
	if limit := len(syscall.RawSockaddrUnix{}.Path); len(path) >= limit { // muxclient in mux.c
		return nil, fmt.Errorf("%w ('%s' >= %d bytes)", ErrTooLong, printable(path), limit)
	}
	conn, err := dialSocket(ctx, path)
	if err != nil {
		return nil, socketError(ctx, path, err)
	}
	c := &control{UnixConn: conn}
	if err := c.greet(ctx); err != nil {
		_ = c.Close() // nothing was said on it
		return nil, fmt.Errorf("control socket %q: %w", path, err)
	}
	return c, nil
}

// dialSocket connects. To a master that is too busy to accept, Linux has
// programs like ours, which do not block, try again.
func dialSocket(ctx context.Context, path string) (*net.UnixConn, error) {
	for end := time.Now().Add(helloLimit); ; {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "unix", path)
		if err == nil {
			return conn.(*net.UnixConn), nil
		}
		if !errors.Is(err, syscall.EAGAIN) || time.Now().After(end) {
			return nil, err
		}
		rest(ctx, busyRest)
	}
}

func socketError(ctx context.Context, path string, err error) error {
	switch {
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case errors.Is(err, fs.ErrNotExist):
		err = ErrAbsent
	case errors.Is(err, syscall.ECONNREFUSED):
		err = ErrStale
	case errors.Is(err, fs.ErrPermission):
		err = ErrPermission
	case errors.Is(err, syscall.ENOTSOCK), errors.Is(err, syscall.EPROTOTYPE):
		err = ErrNotMaster
	default:
		err = innermost(err)
	}
	return fmt.Errorf("control socket %q: %w", path, err)
}

// innermost is the system's own word, without the names of calls and paths
// that the package net adds.
func innermost(err error) error {
	var no syscall.Errno
	if errors.As(err, &no) {
		return no
	}
	return err
}

// greet checks who is at the other end before anything is asked of it: other
// programs have been seen to listen on ControlPaths.
func (c *control) greet(ctx context.Context) error {
	if err := checkPeer(c.UnixConn); err != nil && os.Geteuid() != 0 { // root may use everybody's
		return fmt.Errorf("%w: %w", ErrPermission, err)
	}
	if err := c.SetDeadline(time.Now().Add(helloLimit)); err != nil {
		return err
	}
	err := c.during(ctx, c.exchangeHello)
	switch {
	case err == nil:
		return c.SetDeadline(time.Time{})
	case ctx.Err() != nil:
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: no greeting came within %.0f seconds", ErrNotMaster, helloLimit.Seconds())
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fmt.Errorf("%w: it hung up instead of greeting", ErrNotMaster)
	}
	return fmt.Errorf("%w: %w", ErrNotMaster, err)
}

func (c *control) exchangeHello() error {
	if err := writeMessage(c, &helloMsg{Version: version}); err != nil {
		return err
	}
	m, err := readMessage(c)
	if err != nil {
		return err
	}
	hello, ok := m.(*helloMsg)
	if !ok {
		return fmt.Errorf("it greets with a message of type %#08x", m.kind())
	}
	if hello.Version != version {
		return fmt.Errorf("it speaks version %d, not %d", hello.Version, version)
	}
	c.extensions = hello.Extensions
	return nil
}

// during runs f, which uses the connection, until ctx ends; the connection is
// then of no use any more.
func (c *control) during(ctx context.Context, f func() error) error {
	stop := context.AfterFunc(ctx, func() { c.Close() })
	err := f()
	if !stop() {
		return context.Cause(ctx)
	}
	return err
}

// ask sends a request and waits for the answer.
func (c *control) ask(ctx context.Context, m message) (answer message, err error) {
	err = c.during(ctx, func() error {
		if err := writeMessage(c, m); err != nil {
			return err
		}
		answer, err = readMessage(c)
		return err
	})
	return answer, err
}

// Refused is the answer of a master that does not do what it was asked for.
type Refused struct {
	What   string // what it was asked for
	Reason string // the master's word
	Denied bool   // its user said no
}

func (e *Refused) Error() string {
	if e.Denied {
		return fmt.Sprintf("the master refused %s: %s", e.What, printable(e.Reason))
	}
	return fmt.Sprintf("%s failed: %s", e.What, printable(e.Reason))
}

// printable shows text from outside without what moves a terminal.
func printable(s string) string {
	quoted := strconv.QuoteToGraphic(s)
	return quoted[1 : len(quoted)-1]
}

// refusal is the error that an answer stands for. Any other than those that
// were expected is a mistake of the master.
func refusal(what string, answer message) error {
	switch m := answer.(type) {
	case *deniedMsg:
		return &Refused{What: what, Reason: m.Reason, Denied: true}
	case *failureMsg:
		return &Refused{What: what, Reason: m.Reason}
	}
	return fmt.Errorf("%s: the master gave an unexpected answer of type %#08x", what, answer.kind())
}
