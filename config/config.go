package config

import "iter"

// Paths says which files make up a configuration.
type Paths struct {
	User     string // the user's file: ~/.ssh/config, or that of -F
	System   string // /etc/ssh/ssh_config; empty with -F, as in ssh
	Home     string // the home directory by the passwd entry, for ~ and %d
	Explicit bool   // User was named with -F: that it is missing is an error
}

// DefaultPaths are those of a plain ssh: ~ is taken from the passwd entry of
// the real uid, not from $HOME.
func DefaultPaths() (Paths, error) { panic("unwritten") }

// File is DefaultPaths with the one file of -F in place of both.
func File(path string) (Paths, error) { panic("unwritten") }

// Origin is where a value was set. The zero Origin is ssh's default.
type Origin struct {
	File  string `json:"file,omitempty"`
	Line  int    `json:"line,omitempty"`  // from 1; 0 for the command line and for defaults
	Block string `json:"block,omitempty"` // the Host or Match line in force, as written: "Host *ell"; "" before the first
}

// String is "file:line", "command line" or "default".
func (o Origin) String() string { panic("unwritten") }

// Problem is what is wrong with a configuration, at its line.
type Problem struct {
	Origin  Origin `json:"origin"`
	Message string `json:"message"` // one sentence; ssh's own where ssh has one
	Fatal   bool   `json:"fatal"`   // ssh refuses to start with this: so nothing may be dialled
}

// Error is "file: line N: message", as ssh prints it.
func (p Problem) Error() string { panic("unwritten") }

// Config is a configuration as read from its files. It does not change.
type Config struct{}

// Load reads the files of p and all that they include. It never returns a nil
// Config: what could not be read or understood is in Problems, and the rest
// is there.
func Load(p Paths) *Config { panic("unwritten") }

// Entry is an alias that a file names: a word of a Host line without
// wildcards or negation.
type Entry struct {
	Name    string
	Origin  Origin
	Comment string   // the comment lines just above the Host line, without their #
	Tags    []string // of Tag in the block and of "# Tags: a, b" above it
}

// Hosts lists every alias once, in file order. It executes nothing.
func (c *Config) Hosts() []Entry { panic("unwritten") }

// Problems lists what is wrong, in reading order.
func (c *Config) Problems() []Problem { panic("unwritten") }

// Files lists every file that was read or looked for, for watching them.
func (c *Config) Files() []string { panic("unwritten") }

// Paths are those that were given to Load.
func (c *Config) Paths() Paths { panic("unwritten") }

// Match is what besides the name decides a resolution: the command line, and
// whether programs may be run.
type Match struct {
	User    string   // of -l or user@host
	Port    string   // of -p
	Jump    string   // of -J
	Options []string // of -o, each "Keyword value" or "Keyword=value", in order
	Command string   // the remote command, for Match command and sessiontype
	Execute bool     // run Match exec, ask the network; never while drawing
}

// Resolve is what ssh would use for name: the options with all tokens
// expanded. The Host is never nil; the error is ssh's refusal (a Problem, or
// several joined), and then nothing may be dialled.
func (c *Config) Resolve(name string, m Match) (*Host, error) { panic("unwritten") }

// Option is one value of a keyword. A keyword that accumulates (IdentityFile,
// LocalForward, ...) has several.
type Option struct {
	Key    string `json:"key"`   // as ssh_config(5) spells it: "IdentityFile"
	Value  string `json:"value"` // as ssh -G would print it
	Origin Origin `json:"origin"`
}

// Forward is a LocalForward, RemoteForward or DynamicForward as written, its
// tokens expanded.
type Forward struct {
	Keyword string // "LocalForward", "RemoteForward", "DynamicForward"
	Listen  string // "8080", "localhost:8080", "[::1]:8080", "/run/x.sock"
	Connect string // "targaryen:8080", "/run/y.sock"; "" for a dynamic one
	Origin  Origin
}

// Host is a resolved host: what ssh -G says of it, and why.
type Host struct {
	Name string // as asked for, without user and port
}

// HostName is the address to dial: HostName, or the name itself.
func (h *Host) HostName() string { panic("unwritten") }

// User is the login name there.
func (h *Host) User() string { panic("unwritten") }

// Port is the TCP port, 1 to 65535.
func (h *Host) Port() int { panic("unwritten") }

// ProxyJump is the jump list as ssh would take it, "" for none (also where a
// ProxyCommand came first).
func (h *Host) ProxyJump() string { panic("unwritten") }

// ProxyCommand is the command with its tokens expanded, "" for none.
func (h *Host) ProxyCommand() string { panic("unwritten") }

// IdentityFiles are the key files to try in order, expanded to paths. Set
// tells those of the configuration from ssh's default list.
func (h *Host) IdentityFiles() (files []string, set bool) { panic("unwritten") }

// Forwards are the forwards of the configuration, in order.
func (h *Host) Forwards() []Forward { panic("unwritten") }

// Get is the value in force of a keyword (in any case), the first of several,
// or ssh's default, as ssh -G prints it; "" where there is none.
func (h *Host) Get(keyword string) string { panic("unwritten") }

// All are all values of a keyword.
func (h *Host) All(keyword string) []string { panic("unwritten") }

// IsSet tells whether a file or the command line set the keyword, and where.
func (h *Host) IsSet(keyword string) (Origin, bool) { panic("unwritten") }

// Options walks the options that a file or the command line set, in the order
// of ssh -G.
func (h *Host) Options() iter.Seq[Option] { panic("unwritten") }

// Conditions names the parts of the configuration that were left out because
// Match.Execute was false, and which may change this host when it is opened:
// each at its Match line.
func (h *Host) Conditions() []Problem { panic("unwritten") }

// Printable is s with everything that a terminal could act on made visible:
// control characters (C0, DEL, C1), invalid UTF-8, and bidirectional marks.
// Newlines and tabs are shown too. Text from outside passes through it before
// it reaches a person.
func Printable(s string) string { panic("unwritten") }
