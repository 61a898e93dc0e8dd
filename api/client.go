package api

import (
	"context"
	"io"

	"sallyport/sessions"
	"sallyport/transport"
	"sallyport/tunnels"
)

// Error is a failure as it crosses the wire: a code for programs, a sentence
// for people, and the next thing to do.
type Error struct {
	Code    string   `json:"code"`
	Message string   `json:"message"`
	Hints   []string `json:"hints,omitempty"`
}

func (e *Error) Error() string { return e.Message }

// Target names a host in a configuration, as somebody wants to reach it.
type Target struct {
	Host     string        `json:"host"`               // alias, or a name that no file knows
	User     string        `json:"user,omitempty"`     // of user@host or -l
	Port     string        `json:"port,omitempty"`     // of -p
	Config   string        `json:"config"`             // the user's file
	Explicit bool          `json:"explicit,omitempty"` // Config was named with -F
	Env      transport.Env `json:"env,omitempty"`      // the caller's environment; never kept on disk
}

// SessionRequest asks for a shell or a command.
type SessionRequest struct {
	Target Target        `json:"target"`
	Spec   sessions.Spec `json:"spec"`
}

// TunnelRequest switches a tunnel on or off.
type TunnelRequest struct {
	Target Target       `json:"target"`
	Spec   tunnels.Spec `json:"spec"`
	Up     bool         `json:"up"`
}

// Client talks to the background process of this user. The zero Socket is not
// usable; Start, which brings up the process, may be nil.
type Client struct {
	Socket string
	Start  func(ctx context.Context) error
}

// Follow calls f with a Snapshot and then with every event, in order, until
// ctx ends. While no background process runs it reports an empty Snapshot and
// waits for one; it never starts one. It survives restarts: each begins with
// a new Snapshot.
func (c *Client) Follow(ctx context.Context, f func(Event)) { panic("unwritten") }

// Snapshot is the state now; with no background process, the empty one.
func (c *Client) Snapshot(ctx context.Context) (Snapshot, error) { panic("unwritten") }

// SetTunnel switches a tunnel, starting the background process if needed. It
// returns once the wish is recorded; how it goes on is in the events.
func (c *Client) SetTunnel(ctx context.Context, r TunnelRequest) (tunnels.Status, error) {
	panic("unwritten")
}

// StartSession asks for a session, starting the background process if needed.
// It returns at once; the link may still be on its way and questions may
// come. Cancelling ctx or Terminal.Close gives it up.
func (c *Client) StartSession(ctx context.Context, r SessionRequest) (*Terminal, error) {
	panic("unwritten")
}

// Open brings up the link of a host, forgetting an earlier failure.
func (c *Client) Open(ctx context.Context, t Target) (transport.LinkStatus, error) {
	panic("unwritten")
}

// Answer answers a question by its ID; Cancel declines it.
func (c *Client) Answer(ctx context.Context, id string, a transport.Answer) error {
	panic("unwritten")
}

// Cancel declines a question.
func (c *Client) Cancel(ctx context.Context, id string) error { panic("unwritten") }

// CloseLink ends a connection and what stands on it.
func (c *Client) CloseLink(ctx context.Context, id string) error { panic("unwritten") }

// Terminal is the near end of a session.
type Terminal struct{}

// ID is sessions.Status.ID.
func (t *Terminal) ID() string { panic("unwritten") }

// Links are the IDs of the links on the way, first hop first: whose questions
// belong to this session.
func (t *Terminal) Links() []string { panic("unwritten") }

// Ready waits until the shell or command runs on the far side, or has failed;
// the error is an *Error.
func (t *Terminal) Ready(ctx context.Context) error { panic("unwritten") }

// Attach copies stdin to the session and its output to stdout and stderr until
// it ends.
func (t *Terminal) Attach(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) (sessions.Exit, error) {
	panic("unwritten")
}

// Resize tells the session the window's size.
func (t *Terminal) Resize(s sessions.Size) error { panic("unwritten") }

// Close ends the session.
func (t *Terminal) Close() error { panic("unwritten") }
