package mux

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
)

// Client is attached to a master. Each request has a control connection of its
// own, so they may be made at the same time, and the end of a ctx ends no
// other.
//
// One more connection is open as long as the Client is: Done is closed when
// the master ends. A master with ControlPersist does not expire meanwhile.
type Client struct {
	path string
	line *control      // written to by Alive, read by watch
	done chan struct{} // closed by watch
	pids chan aliveMsg // from watch to Alive, of size 1

	turn    chan struct{} // of size 1: held by the one Alive that asks
	request uint32        // touched only by that one
}

// ErrEnded is the end of a master.
var ErrEnded = errors.New("the master has ended")

// Dial attaches to the master that listens on path, once it has proved to be
// one. The error is ErrAbsent, ErrStale, ErrPermission, ErrTooLong or
// ErrNotMaster if it is one of these.
func Dial(ctx context.Context, path string) (*Client, error) {
	line, err := connect(ctx, path)
	if err != nil {
		return nil, err
	}
	c := &Client{path: path, line: line, done: make(chan struct{}), pids: make(chan aliveMsg, 1), turn: make(chan struct{}, 1)}
	go c.watch() // ends with the connection
	return c, nil
}

// Close detaches. Sessions and proxies that were opened go on.
func (c *Client) Close() error { return c.line.Close() }

// Done is closed when the master has ended, or the Client was closed.
func (c *Client) Done() <-chan struct{} { return c.done }

// watch reads the answers to Alive, and so learns of the master's end.
func (c *Client) watch() {
	defer close(c.done)
	for {
		m, err := readMessage(c.line)
		if err != nil {
			return
		}
		alive, ok := m.(*aliveMsg)
		if !ok {
			_ = c.line.Close() // it does not keep to the protocol
			return
		}
		select {
		case <-c.pids: // the answer to a question that was given up
		default:
		}
		c.pids <- *alive
	}
}

// Alive asks the master for its process number.
func (c *Client) Alive(ctx context.Context) (pid int, err error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	c.request++
	if err := writeMessage(c.line, &aliveCheckMsg{c.request}); err != nil {
		return 0, ErrEnded
	}
	for {
		select {
		case m := <-c.pids:
			if m.Request == c.request {
				return int(m.PID), nil
			}
		case <-c.done:
			return 0, ErrEnded
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// Forward has the master open a forward, or leave one that it has already.
// port is that which the far side chose for a remote forward with listen port
// 0, else 0.
func (c *Client) Forward(ctx context.Context, f Forward) (port int, err error) {
	what := fmt.Sprintf("opening the %s", f)
	answer, err := c.ask(ctx, what, &openForwardMsg{forwardFields: f.message()})
	if err != nil {
		return 0, err
	}
	switch m := answer.(type) {
	case *okMsg:
		return 0, nil
	case *remotePortMsg:
		return int(m.Port), nil
	}
	return 0, refusal(what, answer)
}

// CancelForward has the master close a forward. It must be described as it was
// when it was opened, with listen port 0 if the far side chose one.
func (c *Client) CancelForward(ctx context.Context, f Forward) error {
	return c.command(ctx, fmt.Sprintf("cancelling the %s", f), &closeForwardMsg{forwardFields: f.message()})
}

// Stop has the master take no more clients and remove its socket. What is
// open goes on.
func (c *Client) Stop(ctx context.Context) error {
	return c.command(ctx, "stopping the master from listening", &stopListeningMsg{})
}

// Exit has the master end, with all that goes through it.
func (c *Client) Exit(ctx context.Context) error {
	err := c.command(ctx, "ending the master", &terminateMsg{})
	if errors.Is(err, ErrEnded) {
		return nil // OpenSSH's ends before it has answered
	}
	return err
}

// ErrNoInfo is for masters older than OpenSSH 10.3.
var ErrNoInfo = errors.New("the master tells nothing of its connection")

// Info is what the master tells of its "connection" or "channels", in lines that
// end in CR and LF and do not move a terminal.
func (c *Client) Info(ctx context.Context, what string) (string, error) {
	conn, err := connect(ctx, c.path)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if !slices.Contains(conn.extensions, infoExtension) {
		return "", ErrNoInfo
	}
	answer, err := conn.ask(ctx, &infoMsg{What: what})
	if err != nil {
		return "", ended(ctx, err)
	}
	m, ok := answer.(*infoReplyMsg)
	switch {
	case !ok:
		return "", refusal("asking for its "+what, answer)
	case !m.OK:
		return "", &Refused{What: "asking for its " + what, Reason: m.Text}
	}
	var text strings.Builder
	for line := range strings.Lines(m.Text) {
		text.WriteString(printable(strings.TrimRight(line, "\r\n")) + "\r\n")
	}
	return text.String(), nil
}

// command makes a request that is answered by OK.
func (c *Client) command(ctx context.Context, what string, m message) error {
	answer, err := c.ask(ctx, what, m)
	if err != nil {
		return err
	}
	if _, ok := answer.(*okMsg); !ok {
		return refusal(what, answer)
	}
	return nil
}

// ask makes a request on a connection of its own.
func (c *Client) ask(ctx context.Context, what string, m message) (message, error) {
	conn, err := connect(ctx, c.path)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	answer, err := conn.ask(ctx, m)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, ended(ctx, err))
	}
	return answer, nil
}

// ended is err, or ErrEnded if it only says that the connection did end.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.As(err, new(unknownError)) {
		return err
	}
	return ErrEnded
}

// ErrNoProxy is the answer of masters older than OpenSSH 7.4.
var ErrNoProxy = errors.New("the master has no proxy mode")

// Proxy asks for proxy mode. The connection is for ssh.NewControlClientConn of
// x/crypto, which can do on it what it can on any, except for what makes
// OpenSSH's masters hang up: keepalives, and remote forwards and their end
// (use Alive, Forward and CancelForward). It can end the master: see Aboard.
func (c *Client) Proxy(ctx context.Context) (net.Conn, error) {
	conn, err := connect(ctx, c.path)
	if err != nil {
		return nil, err
	}
	answer, err := conn.ask(ctx, &proxyMsg{})
	if err != nil {
		_ = conn.Close() // it has failed already
		return nil, fmt.Errorf("proxy mode: %w", ended(ctx, err))
	}
	switch answer.(type) {
	case *proxyOKMsg:
		return newGreeted(conn.UnixConn), nil
	case *failureMsg:
		err = ErrNoProxy
	default:
		err = refusal("proxy mode", answer)
	}
	_ = conn.Close() // nothing runs on it
	return nil, err
}
