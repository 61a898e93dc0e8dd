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
	Code    string    `json:"code"` // one of the Code constants, or "hostkey-..."
	Message string    `json:"message"`
	Hint    string    `json:"hint,omitempty"`
	Hop     string    `json:"hop,omitempty"` // alias of the hop that failed
	At      time.Time `json:"at,omitzero"`

	// What "sallyport ssh" needs for the line that ssh prints; not passed on to
	// other processes.
	Cause    error    `json:"-"` // the error behind Message
	Accepted []string `json:"-"` // of CodeAuth: the methods that the server accepts
	Silent   bool     `json:"-"` // the server took the connection and sent no version line
	HungUp   bool     `json:"-"` // the server closed the connection instead of answering an attempt to log in
	Before   bool     `json:"-"` // it was the hop before that did not open the way
}

// The codes of failures. Those of host keys begin with "hostkey-".
const (
	CodeUnreachable  = "unreachable"  // no way to the address: refused, no route, an unknown name
	CodeTimeout      = "timeout"      // no answer in time
	CodeClosed       = "closed"       // the far side, or what lies between, ended the connection
	CodeNotSSH       = "notssh"       // something else than an SSH server answered
	CodeProxyCommand = "proxycommand" // the ProxyCommand could not be run or ended
	CodeAlgorithms   = "algorithms"   // no algorithm in common
	CodeProhibited   = "prohibited"   // the server does not permit the channel
	CodeAuth         = "auth"         // the login was refused
	CodeConfig       = "config"       // the configuration is wrong or asks for what cannot be done
	CodeCancelled    = "cancelled"    // by a person
	CodeOpenSSH      = "openssh"      // ssh, which was to lend a link, gave up in words that are not known here
)

// retryable tells whether the same dial may do better later without anybody
// having done anything. A captive portal answers for other servers, so what
// is not SSH may become it.
func retryable(f *Failure) bool {
	switch f.Code {
	case CodeUnreachable, CodeTimeout, CodeClosed, CodeNotSSH, CodeProxyCommand:
		return true
	}
	return false
}

func (f *Failure) Error() string { return f.Message }

// LinkKind says who made a link's connection.
type LinkKind string

const (
	Native LinkKind = "native" // we did
	Shared LinkKind = "shared" // an ssh of the user's, over its control socket
	Lent   LinkKind = "lent"   // an ssh that we started because x/crypto/ssh cannot do what is demanded
)

// LinkStatus is one hop's connection as seen from outside.
type LinkStatus struct {
	ID      string        `json:"id"`
	Host    string        `json:"host"`              // alias
	Config  string        `json:"config"`            // the user's file it was resolved from
	Address string        `json:"address"`           // user@host:port
	Via     string        `json:"via,omitempty"`     // ID of the link it stands on
	State   State         `json:"state"`             //
	Step    string        `json:"step,omitempty"`    // what it is doing: "tcp", "key exchange", "host key", "publickey ~/.ssh/id_ed25519", "password" ...
	Since   time.Time     `json:"since"`             // when State was entered
	Latency time.Duration `json:"latency"`           // of the last keepalive's round trip, 0 if none yet
	Users   int           `json:"users"`             // sessions, tunnels and links that stand on it
	Banner  string        `json:"banner,omitempty"`  // what the server (RFC 4252 section 5.4) and a ProxyCommand said before the login, printable, lines separated by \n
	Notice  string        `json:"notice,omitempty"`  // what is to be mended though the login succeeded, printable, lines separated by \n
	Kind    LinkKind      `json:"kind,omitempty"`    // "" before the first dial
	Why     string        `json:"why,omitempty"`     // what the kind comes from or costs: "via ssh: Compression yes", "by the ssh with pid 7 on ~/.ssh/cm", "not compressed"
	Further int           `json:"further,omitempty"` // connections that the link has beside its own while much is passed over a distance
	Failure *Failure      `json:"failure,omitempty"`
}
