package sessions

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sallyport/config"
	"sallyport/internal/rfc4254"
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

// Kind is the SessionType of ssh_config(5).
type Kind string

const (
	Program   Kind = ""          // a shell or a command
	Subsystem Kind = "subsystem" // Command names it
	None      Kind = "none"      // the connection alone, until it ends
)

// Spec is what to run.
type Spec struct {
	Kind    Kind   `json:"kind,omitempty"`
	Command string `json:"command"` // "" for the login shell
	PTY     bool   `json:"pty"`
	NeedPTY bool   `json:"needPTY,omitempty"` // without a terminal the session fails
	Term    string `json:"term"`              // TERM of the viewer
	Size    Size   `json:"size"`
	// Modes are the viewer's terminal modes by RFC 4254 section 8 opcode.
	Modes map[uint8]uint32 `json:"modes,omitempty"`

	ForwardAgent string `json:"forwardAgent,omitempty"` // as the option has it; "" as the host has it
	ForwardX11   X11    `json:"forwardX11,omitempty"`   // "" as the host has it

	KeptAs *KeptAs `json:"keptAs,omitempty"` // the shell of a keeper, to which Command goes; nil for any other
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
	PTY     bool      `json:"pty"`     // asked for; once it runs, given
	State   State     `json:"state"`
	Since   time.Time `json:"since"`
	Exit    *Exit     `json:"exit,omitempty"`

	// What follows is of a Shell.
	Name    string    `json:"name,omitempty"`    // by which it is asked for
	Viewers []View    `json:"viewers,omitempty"` // in the order in which they joined
	Size    Size      `json:"size,omitzero"`
	Title   string    `json:"title,omitempty"` // printable; a second late, as is Output, but in a snapshot that was asked for
	Output  time.Time `json:"output,omitzero"` // when it last wrote something

	Recorded *Recorded `json:"log,omitempty"`    // where its output goes, nil for nowhere
	KeptAs   *KeptAs   `json:"keptAs,omitempty"` // what goes on on the host without it, nil for nothing
}

// Kept tells whether it outlives its viewers, who can come back to it.
func (s Status) Kept() bool { return s.Name != "" && s.PTY }

// Left tells of a shell that goes on while nobody looks at it.
func (s Status) Left() bool { return s.Kept() && s.State == Running && len(s.Viewers) == 0 }

// ShownOn is the terminal of the first viewer, or its process if it has none,
// and how many more there are; there must be one.
func (s Status) ShownOn() string {
	by := s.Viewers[0].TTY
	if by == "" {
		by = fmt.Sprintf("process %d", s.Viewers[0].PID)
	}
	if more := len(s.Viewers) - 1; more > 0 {
		by += fmt.Sprintf(" and %d more", more)
	}
	return by
}

// Waits tells of a session that has ended with its connection, while its keeper
// goes on: somebody can come back to it.
func (s Status) Waits() bool { return s.KeptAs != nil && s.Exit != nil && s.Exit.Failure != nil }

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
	Name             string // of a Shell
}

// Session is one shell or command on a link.
//
//	Opening --(the far side accepts)--> Running --(it ends, or Close)--> Ended
//	   '------(it refuses, or the link fails, or Close)-------------------^
type Session struct {
	spec   Spec
	link   Link
	env    transport.Env
	notify func(Status)
	cancel context.CancelCauseFunc
	ready  chan struct{} // closed by run when the session is running or ended
	ran    bool          // whether it ever ran; set before ready is closed
	ended  chan struct{} // closed by run at its end

	remote *remote // set before ready is closed; nil if the session never ran, or is of kind None

	lender
	notices notices // for the viewer's standard error

	wishes chan struct{} // of size 1: mu's wishes wait for sendWishes

	telling sync.Mutex // held while the Status changes, so that notify gets the changes in order

	mu       sync.Mutex // guards what follows
	status   Status     // changed only by change
	attached bool
	size     Size // wished for, or as it is
	resized  bool // size was not sent yet
	asked    []wish
}

// errClosed is the cause of a session's end by Close.
var errClosed = errors.New("the session was closed")

// Start opens a session and returns at once; notify gets every change of its
// Status, in order, and must not block. env is the caller's environment, of
// which TERM and what SendEnv and SetEnv name go to the far side, and whose
// agent and display are forwarded. Nothing is read from the far side before
// Attach.
func Start(ctx context.Context, l Link, id Identity, s Spec, env transport.Env, notify func(Status)) *Session {
	ctx, cancel := context.WithCancelCause(ctx)
	session := &Session{
		spec:   s,
		link:   l,
		env:    env,
		notify: notify,
		cancel: cancel,
		ready:  make(chan struct{}),
		ended:  make(chan struct{}),
		wishes: make(chan struct{}, 1),
		size:   s.Size,
		status: Status{
			ID: id.ID, Host: id.Host, Config: id.Config, Name: id.Name,
			Link: l.Status().ID, Command: config.Printable(s.Command), PTY: s.PTY,
			State: Opening, Since: time.Now(), KeptAs: s.KeptAs,
		},
	}
	session.caution = session.warn
	go session.run(ctx) // Close waits for it
	return session
}

// Ready waits until the far side has accepted what is to run, or has refused
// it.
func (s *Session) Ready(ctx context.Context) error {
	select {
	case <-s.ready:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if !s.ran {
		return s.Status().Exit.Failure
	}
	return nil
}

// Resize tells the far side the window's size. It does not block.
func (s *Session) Resize(size Size) {
	s.mu.Lock()
	s.size, s.resized = size, true
	s.mu.Unlock()
	s.wish()
}

// Signal sends a signal by name, without SIG. It does not block; the far side
// doesn't say whether it took it (RFC 4254 section 6.9).
func (s *Session) Signal(name string) { s.request(wish{"signal", rfc4254.Signal{Name: name}}) }

// BreakLength is that of ~B in clientloop.c, in milliseconds.
const BreakLength = 1000

// Break sends a break (RFC 4335) of a length in milliseconds, as a serial
// console understands it. It does not block, and no answer is asked for.
func (s *Session) Break(milliseconds uint32) {
	s.request(wish{"break", rfc4254.Break{Milliseconds: milliseconds}})
}

// Unread tells the far side that nobody reads the output any more, so that the
// program there learns it too ([PROTOCOL] section 2.1, chan_write_failed of
// nchan.c). It does not block; what still comes is to be read all the same.
func (s *Session) Unread() { s.request(wish{"eow@openssh.com", nil}) }

// Information is what is known of the connection under a session that runs
// something: see (*transport.Conn).Information.
func (s *Session) Information(ctx context.Context) string { return s.remote.conn.Information(ctx) }

func (s *Session) request(w wish) {
	s.mu.Lock()
	s.asked = append(s.asked, w)
	s.mu.Unlock()
	s.wish()
}

func (s *Session) wish() {
	select {
	case s.wishes <- struct{}{}:
	default:
	}
}

// Close ends the session and waits for its goroutines, except for one that
// waits for a far side which no longer answers: it ends with the connection.
func (s *Session) Close() {
	s.cancel(errClosed)
	<-s.ended
}

// Status is the state of the session now.
func (s *Session) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// run owns the session from its opening to its end.
func (s *Session) run(ctx context.Context) {
	defer close(s.ended)
	defer s.cancel(errClosed) // nothing of ctx outlives the session
	defer s.link.Hold()()
	s.notify(s.Status())
	if s.spec.Kind == None {
		s.stay(ctx)
		return
	}
	remote, err := s.open(ctx)
	if err != nil {
		s.fail(err)
		return
	}
	defer remote.leave()
	s.remote = remote
	s.begin(remote.pty)
	go s.sendWishes(ctx) // ends with ctx, at the latest with the connection
	s.end(s.supervise(ctx))
}

// stay is a session of kind None: it runs nothing and ends with the
// connection.
func (s *Session) stay(ctx context.Context) {
	conn, err := s.link.Conn(ctx)
	if err != nil {
		s.fail(err)
		return
	}
	s.begin(false)
	select {
	case <-conn.Done():
		err = conn.Err()
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	s.end(Exit{Status: unknown, Failure: asFailure(err)})
}

// begin tells that the session runs, and whether it has a terminal.
func (s *Session) begin(pty bool) {
	s.mu.Lock()
	s.status.PTY = pty
	s.mu.Unlock()
	s.enter(Running, nil)
	s.ran = true
	close(s.ready)
}

// fail ends a session that never ran.
func (s *Session) fail(err error) {
	s.end(Exit{Status: unknown, Failure: asFailure(err)})
	close(s.ready)
}

func (s *Session) end(e Exit) { s.enter(Ended, &e) }

func (s *Session) enter(state State, exit *Exit) {
	s.change(func(now *Status) { now.State, now.Since, now.Exit = state, time.Now(), exit })
}

// change changes the Status and tells it.
func (s *Session) change(f func(*Status)) {
	s.telling.Lock()
	defer s.telling.Unlock()
	s.mu.Lock()
	f(&s.status)
	status := s.status
	s.mu.Unlock()
	s.notify(status)
}
