package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"sallyport/internal/brisk"
	"sallyport/sessions"
	"sallyport/transport"
	"sallyport/tunnels"
)

// Target names a host in a configuration, as somebody wants to reach it.
type Target struct {
	Host     string        `json:"host"`               // alias, or a name that no file knows
	User     string        `json:"user,omitempty"`     // of user@host or -l
	Port     string        `json:"port,omitempty"`     // of -p
	Config   string        `json:"config"`             // the user's file
	Explicit bool          `json:"explicit,omitempty"` // Config was named with -F
	Env      transport.Env `json:"env,omitempty"`      // the caller's environment; never kept on disk
}

// SessionRequest asks for a shell or a command. Spec.PTY says that the
// viewer is a terminal; TTY overrides the host's RequestTTY.
type SessionRequest struct {
	Target Target        `json:"target"`
	Spec   sessions.Spec `json:"spec"`
	TTY    string        `json:"tty,omitempty"` // "yes" (-t), "force" (-tt), "no" (-T); "" as configured
	// Since is when somebody began to ask for many hosts: what has failed after
	// that is not tried again. Zero for who asks for one, and forgets all.
	Since time.Time `json:"since,omitzero"`
	// Link is the ID of the link on which alone the session may run, and only
	// if that is up; else it is refused with CodeNotFound. "" for any.
	Link string `json:"link,omitempty"`
	// Warn has ssh's warnings come to Terminal.WarnTo instead of standard error.
	Warn bool `json:"warn,omitempty"`
	// Await has it wait where the host cannot be reached now, as a tunnel does:
	// for who goes on after a break. A login that was refused stays refused.
	Await bool `json:"await,omitempty"`
	// Keep has a session with a terminal outlive its viewers, of whom Viewer
	// is the first, with the size that Spec has.
	Keep   bool          `json:"keep,omitempty"`
	Viewer sessions.View `json:"viewer,omitzero"`
	// Log is where the output of a session that is kept goes; nil for nowhere.
	Log *sessions.Recorded `json:"log,omitempty"`
}

// View is how the first viewer looks at it.
func (r SessionRequest) View() sessions.View {
	return sessions.View{Size: r.Spec.Size, PID: r.Viewer.PID, TTY: Printable(r.Viewer.TTY)}
}

// TunnelRequest switches a tunnel on or off.
type TunnelRequest struct {
	Target Target       `json:"target"`
	Spec   tunnels.Spec `json:"spec"`
	Up     bool         `json:"up"`
	Once   bool         `json:"once,omitempty"` // it shall not come back with the next background process
}

// AnswerRequest answers a question, or declines it.
type AnswerRequest struct {
	Answer transport.Answer `json:"answer"`
	Cancel bool             `json:"cancel,omitempty"`
	Nobody bool             `json:"nobody,omitempty"` // with Cancel: there is nobody to ask
}

// Client talks to the background process of this user.
type Client struct {
	// Socket is the path of its unix socket.
	Socket string
	// Start brings up the process and returns when it answers. Nil: whoever
	// needs it gets an Error with CodeNoDaemon.
	Start func(ctx context.Context) error
}

// A socket that does not answer is asked again, ever more seldom: the process
// that made it may not listen yet, or hand it over to the next one.
const (
	askAgain  = time.Second
	askSeldom = 32 * time.Second
)

// Follow calls f with a Snapshot and then with every event, in order, until
// ctx ends. While no background process runs it reports an empty Snapshot and
// waits for one; it never starts one. It survives restarts: each begins with
// a new Snapshot. Where there is no socket it does nothing until the kernel tells
// of one.
func (c *Client) Follow(ctx context.Context, f func(Event)) {
	rest := askAgain
	for absent := false; ctx.Err() == nil; {
		before, seen := c.socketNow(), false
		if before[c.Socket].info != nil {
			seen, _ = c.watch(ctx, f) // why a watch ended does not matter: the next one begins anew
		}
		if ctx.Err() != nil {
			return
		}
		if seen || !absent {
			absent = true
			f(Event{Snapshot: &Snapshot{}})
		}
		if seen {
			rest = askAgain
		}
		if c.anotherSocket(ctx, before, rest) {
			rest = askAgain
		} else {
			rest = min(2*rest, askSeldom)
		}
	}
}

// socketNow is what there is at the place of the socket.
func (c *Client) socketNow() stamps { return stamps{c.Socket: stampOf(c.Socket)} }

// anotherSocket waits until there is another socket than before, and tells
// whether there is. If there was one, it waits no longer than limit.
func (c *Client) anotherSocket(ctx context.Context, before stamps, limit time.Duration) bool {
	var enough <-chan time.Time
	if before[c.Socket].info != nil {
		enough = time.After(limit)
	}
	w := newWatcher()
	defer w.close()
	return before.await(ctx, w, enough)
}

// watch reads one event stream to its end and tells whether there was any.
func (c *Client) watch(ctx context.Context, f func(Event)) (seen bool, err error) {
	resp, err := c.send(ctx, http.MethodGet, "/v1/watch", nil)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	for dec := json.NewDecoder(resp.Body); ; seen = true {
		var e Event
		if err := dec.Decode(&e); err != nil {
			return seen, err
		}
		f(e)
	}
}

// Snapshot is the state now; with no background process, the empty one.
func (c *Client) Snapshot(ctx context.Context) (Snapshot, error) {
	var s Snapshot
	err := twice(func() error { return c.call(ctx, http.MethodGet, "/v1/snapshot", nil, &s) })
	if IsNoDaemon(err) {
		return Snapshot{}, nil
	}
	return s, err
}

// SetTunnel switches a tunnel, starting the background process if needed. It
// returns once the wish is recorded; how it goes on is in the events.
func (c *Client) SetTunnel(ctx context.Context, r TunnelRequest) (tunnels.Status, error) {
	var s tunnels.Status
	set := func() error { return c.call(ctx, http.MethodPost, "/v1/tunnels", r, &s) }
	err := c.started(ctx, func() error {
		if r.Up {
			return twice(set)
		}
		return set() // the second time there would be none
	})
	return s, err
}

// Tunnel is all that is known of a tunnel, its single connections among it.
func (c *Client) Tunnel(ctx context.Context, id string) (tunnels.Record, error) {
	var r tunnels.Record
	err := c.call(ctx, http.MethodGet, "/v1/tunnels/"+url.PathEscape(id), nil, &r)
	return r, err
}

// Open brings up the link of a host, forgetting an earlier failure.
func (c *Client) Open(ctx context.Context, t Target) (transport.LinkStatus, error) {
	var s transport.LinkStatus
	err := c.started(ctx, func() error {
		return twice(func() error { return c.call(ctx, http.MethodPost, "/v1/links", t, &s) })
	})
	return s, err
}

// Answer answers a question by its ID.
func (c *Client) Answer(ctx context.Context, id string, a transport.Answer) error {
	return c.call(ctx, http.MethodPost, "/v1/questions/"+id, AnswerRequest{Answer: a}, nil)
}

// Cancel declines a question.
func (c *Client) Cancel(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodPost, "/v1/questions/"+id, AnswerRequest{Cancel: true}, nil)
}

// CannotAsk tells that there is nobody to answer a question: a login goes on with
// what needs no answer.
func (c *Client) CannotAsk(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodPost, "/v1/questions/"+id, AnswerRequest{Cancel: true, Nobody: true}, nil)
}

// CloseLink ends a connection and what stands on it.
func (c *Client) CloseLink(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, "/v1/links/"+id, nil, nil)
}

// EndSession ends a shell or a command, wherever it is seen, or dismisses the
// last screen of a shell that has ended.
func (c *Client) EndSession(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, sessionPath(id), nil, nil)
}

// Stop ends the background process, tells which one it was, and waits until that has
// gone. Its wanted tunnels come back with the next one, which may be there at once:
// whoever follows it may want one.
func (c *Client) Stop(ctx context.Context) (ended DaemonStatus, err error) {
	before, err := c.Snapshot(ctx)
	if err != nil {
		return ended, err
	}
	ended = before.Daemon
	if err := c.call(ctx, http.MethodPost, "/v1/stop", nil, nil); err != nil {
		return ended, err
	}
	for ctx.Err() == nil {
		conn, err := c.dial(ctx)
		if err != nil {
			return ended, nil
		}
		if c.Succeeded(ctx, ended) {
			return ended, conn.Close()
		}
		io.Copy(io.Discard, conn) // returns when the process closes its connections
		conn.Close()
	}
	return ended, context.Cause(ctx)
}

// Succeeded tells that another background process answers than the one that was
// there before.
func (c *Client) Succeeded(ctx context.Context, before DaemonStatus) bool {
	now, err := c.Snapshot(ctx)
	return err == nil && now.Daemon.PID != 0 && !now.Daemon.Started.Equal(before.Started)
}

// RestartRequest asks the background process to make room for another one.
type RestartRequest struct {
	Program   string `json:"program"`             // the executable that is to take over
	EndShells bool   `json:"endShells,omitempty"` // it may end shells, which else refuse it
}

// Restart has program take over from the background process that runs, and
// waits until it answers. Listeners are handed over: no port refuses
// meanwhile. What is open stays with the old process to its end, but for shells
// that nobody looks at.
func (c *Client) Restart(ctx context.Context, r RestartRequest) error {
	before, err := c.Snapshot(ctx)
	if err != nil {
		return err
	}
	if err := c.call(ctx, http.MethodPost, "/v1/restart", r, nil); err != nil {
		return err
	}
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		if now, err := c.Snapshot(ctx); err == nil && now.Daemon.PID != 0 && now.Daemon.PID != before.Daemon.PID {
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// StartSession asks for a session, starting the background process if needed.
// It returns at once; the link may still be on its way and questions may
// come. Cancelling ctx, until Ready, or Terminal.Close gives it up.
func (c *Client) StartSession(ctx context.Context, r SessionRequest) (*Terminal, error) {
	var t *Terminal
	err := c.started(ctx, func() (err error) {
		t, err = c.openTerminal(ctx, sessionsPath, r, r.Target.Host)
		return err
	})
	if err == nil {
		t.own = true
	}
	return t, err
}

// View looks at a session that is kept.
func (c *Client) View(ctx context.Context, s sessions.Status, v sessions.View) (*Terminal, error) {
	return c.openTerminal(ctx, sessionPath(s.ID)+viewSuffix, v, s.Host)
}

// Log has the output of a shell go to a file from now on.
func (c *Client) Log(ctx context.Context, id string, to sessions.Recorded) error {
	return c.call(ctx, http.MethodPost, sessionPath(id)+logSuffix, to, nil)
}

// StopLog ends the file of a shell's output.
func (c *Client) StopLog(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, sessionPath(id)+logSuffix, nil, nil)
}

// started runs call, and once more after starting the background process if
// there was none.
func (c *Client) started(ctx context.Context, call func() error) error {
	err := call()
	if !IsNoDaemon(err) || c.Start == nil {
		return err
	}
	if err := c.Start(ctx); err != nil {
		return err
	}
	return call()
}

// twice runs a call that comes to the same when it is made again, and does so
// where the process ended under it: one that was killed still takes connections
// for a moment before it is gone. What it had done then, the next one does again,
// or has found in the state.
func twice(call func() error) error {
	err := call()
	if err != nil && AsError(err).Code == CodeEnded {
		return call()
	}
	return err
}

// call sends one request and reads its answer into out, which may be nil.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	resp, err := c.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("reading the answer to %s %s: %w", method, path, err)
	}
	return nil
}

// send sends one request; an answer that is not a success becomes an *Error.
func (c *Client) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	body, err := encode(in)
	if err != nil {
		return nil, err
	}
	defer clear(body)
	req, err := http.NewRequestWithContext(ctx, method, "http://sallyport"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if path == sessionsPath || strings.HasSuffix(path, viewSuffix) {
		req.Header.Set("Connection", "Upgrade")
		req.Header.Set("Upgrade", Protocol)
	}
	conn, err := c.dial(ctx) // before net/http is set to work: there may be nobody to ask
	if err != nil {
		return nil, c.noDaemon(err)
	}
	resp, err := over(conn).RoundTrip(req)
	if err != nil {
		conn.Close()
		return nil, c.noDaemon(err)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	e := &Error{Code: CodeInternal, Message: fmt.Sprintf("%s %s: %s", method, path, resp.Status)}
	if err := json.NewDecoder(resp.Body).Decode(e); err != nil {
		return nil, fmt.Errorf("%s: %w", e.Message, err)
	}
	return nil, e
}

func encode(in any) ([]byte, error) {
	if in == nil {
		return nil, nil
	}
	return json.Marshal(in)
}

// over makes the one request of a connection: requests are few, and long ones
// (watch, sessions) keep theirs.
func over(conn net.Conn) *http.Transport {
	return &http.Transport{
		DisableKeepAlives:  true,
		DisableCompression: true,
		DialContext:        func(context.Context, string, string) (net.Conn, error) { return conn, nil },
	}
}

func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", c.Socket)
	if err != nil {
		return nil, err
	}
	return brisk.Wrap(conn), nil
}

// noDaemon turns a refused or absent socket, and a process that ended under a
// request, into their Errors.
func (c *Client) noDaemon(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
		return &Error{
			Code:    CodeEnded,
			Message: "the background process ended while it was asked",
			Hints:   []string{"sallyport daemon status"},
		}
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" && !op.Timeout() {
		return &Error{
			Code:    CodeNoDaemon,
			Message: "no background process answers: " + Printable(err.Error()),
		}
	}
	return err
}

// IsNoDaemon tells that err means that no background process runs.
func IsNoDaemon(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == CodeNoDaemon
}
