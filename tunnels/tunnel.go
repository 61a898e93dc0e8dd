package tunnels

import (
	"context"
	"time"

	"sallyport/transport"
)

// State is that of a tunnel.
type State string

const (
	Closed  State = "closed"
	Opening State = "opening" // the listener is there, the link is on its way
	Up      State = "up"
	Waiting State = "waiting" // the listener is there, the link is away
	Asking  State = "asking"  // the link waits for an answer from a person
	Busy    State = "busy"    // somebody else has the port; taken when it is free
	Failed  State = "failed"  // the link has failed, see Failure
)

// Status is a tunnel as seen from outside. Byte counts are of payload, by our
// own copy loop.
type Status struct {
	ID        string             `json:"id"`
	Host      string             `json:"host"`   // alias
	Config    string             `json:"config"` // the user's file the host was resolved from
	Link      string             `json:"link"`   // LinkStatus.ID
	Spec      Spec               `json:"spec"`
	State     State              `json:"state"`
	Since     time.Time          `json:"since"`    // when State was entered
	Open      int                `json:"open"`     // connections now
	Total     int64              `json:"total"`    // connections since the tunnel was opened
	Sent      int64              `json:"sent"`     // bytes from here to the far side
	Received  int64              `json:"received"` // bytes from the far side
	Failure   *transport.Failure `json:"failure,omitempty"`
	FreePort  int                `json:"freePort,omitempty"`  // offered instead, when Busy
	LastError *transport.Failure `json:"lastError,omitempty"` // of a single connection, e.g. refused at the far side
}

// Link is what a tunnel needs of *transport.Link.
type Link interface {
	Conn(ctx context.Context) (*transport.Conn, error)
	Hold() (release func())
	Status() transport.LinkStatus
}

// Identity is what names a tunnel; it goes into its Status.
type Identity struct {
	ID, Host, Config string
}

// Tunnel is one open forward. One goroutine owns its state.
type Tunnel struct{}

// Open starts a forward and returns at once; notify gets every change of its
// Status (counters at most 4 times a second), in order, and must not block.
// The tunnel ends by Close or with ctx.
func Open(ctx context.Context, l Link, id Identity, s Spec, notify func(Status)) *Tunnel {
	panic("unwritten")
}

// LinkChanged tells the tunnel that its link has a new state.
func (t *Tunnel) LinkChanged(transport.LinkStatus) { panic("unwritten") }

// Close frees the port, ends all connections and waits for them.
func (t *Tunnel) Close() { panic("unwritten") }

// Status is the state of the tunnel now, with exact counters.
func (t *Tunnel) Status() Status { panic("unwritten") }
