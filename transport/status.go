package transport

import "time"

// State is that of a link; see the package comment for the way between them.
type State string

const (
	Down       State = "down"
	Connecting State = "connecting"
	Asking     State = "asking"
	Up         State = "up"
	Waiting    State = "waiting" // for the next try after a break
	Failed     State = "failed"
)

// Failure is why something did not work, and what to do about it. Message is
// one printable sentence, from the outside in; Hint holds an exact command or
// file:line.
type Failure struct {
	Code    string    `json:"code"` // "auth", "hostkey-changed", "hostkey-unknown", "config", "unreachable", "closed", "cancelled", ...
	Message string    `json:"message"`
	Hint    string    `json:"hint,omitempty"`
	Hop     string    `json:"hop,omitempty"` // alias of the hop that failed
	At      time.Time `json:"at,omitzero"`
}

func (f *Failure) Error() string { return f.Message }

// LinkStatus is one hop's connection as seen from outside.
type LinkStatus struct {
	ID      string        `json:"id"`
	Host    string        `json:"host"`           // alias
	Config  string        `json:"config"`         // the user's file it was resolved from
	Address string        `json:"address"`        // user@host:port
	Via     string        `json:"via,omitempty"`  // ID of the link it stands on
	State   State         `json:"state"`          //
	Step    string        `json:"step,omitempty"` // what it is doing: "tcp", "key exchange", "host key", "publickey ~/.ssh/id_ed25519", "password" ...
	Since   time.Time     `json:"since"`          // when State was entered
	Latency time.Duration `json:"latency"`        // of the last keepalive's round trip, 0 if none yet
	Users   int           `json:"users"`          // sessions, tunnels and links that stand on it
	Failure *Failure      `json:"failure,omitempty"`
}
