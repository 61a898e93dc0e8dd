package sessions

import (
	"context"
	"io"
	"time"

	"sallyport/transport"
)

// State is that of a session.
type State string

const (
	Opening State = "opening" // the link is on its way
	Running State = "running"
	Ended   State = "ended"
)

// Size is that of a terminal: cells, and pixels where known.
type Size struct {
	Cols   int `json:"cols"`
	Rows   int `json:"rows"`
	Width  int `json:"width,omitempty"`
	Height int `json:"height,omitempty"`
}

// Spec is what to run.
type Spec struct {
	Command string `json:"command"` // "" for the login shell
	PTY     bool   `json:"pty"`
	Term    string `json:"term"` // TERM of the viewer
	Size    Size   `json:"size"`
	// Modes are the viewer's terminal modes by RFC 4254 section 8 opcode.
	Modes map[uint8]uint32 `json:"modes,omitempty"`
}

// Exit is how a session ended.
type Exit struct {
	Status  int                `json:"status"`            // of the command; 255 when it is not known
	Signal  string             `json:"signal,omitempty"`  // "TERM", without SIG; Status is then 255 as ssh has it
	Failure *transport.Failure `json:"failure,omitempty"` // why there is no status
}

// Status is a session as seen from outside.
type Status struct {
	ID      string    `json:"id"`
	Host    string    `json:"host"`
	Config  string    `json:"config"`
	Link    string    `json:"link"`
	Command string    `json:"command"` // printable
	PTY     bool      `json:"pty"`
	State   State     `json:"state"`
	Since   time.Time `json:"since"`
	Exit    *Exit     `json:"exit,omitempty"`
}

// Link is what a session needs of *transport.Link.
type Link interface {
	Conn(ctx context.Context) (*transport.Conn, error)
	Hold() (release func())
	Status() transport.LinkStatus
	Host() transport.Hop
}

// Identity is what names a session; it goes into its Status.
type Identity struct {
	ID, Host, Config string
}

// Session is one shell or command on a link.
type Session struct{}

// Start opens a session and returns at once; notify gets every change of its
// Status, in order, and must not block. env is the caller's environment, of
// which TERM and what SendEnv and SetEnv name go to the far side. Nothing is
// read from the far side before Attach.
func Start(ctx context.Context, l Link, id Identity, s Spec, env transport.Env, notify func(Status)) *Session {
	panic("unwritten")
}

// Ready waits until the far side has accepted the shell or command, or has
// refused it.
func (s *Session) Ready(ctx context.Context) error { panic("unwritten") }

// Attach connects a viewer: it copies stdin to the far side until EOF (which
// is passed on) and the far side's output to stdout and stderr, and returns
// when the session has ended and all its output was written, or when ctx ends
// or a write fails; the session is then ended too.
func (s *Session) Attach(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) (Exit, error) {
	panic("unwritten")
}

// Resize tells the far side the window's size.
func (s *Session) Resize(Size) { panic("unwritten") }

// Signal sends a signal by name, without SIG.
func (s *Session) Signal(name string) { panic("unwritten") }

// Close ends the session and waits for its goroutines.
func (s *Session) Close() { panic("unwritten") }

// Status is the state of the session now.
func (s *Session) Status() Status { panic("unwritten") }
