package config

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"

	"sallyport/internal/nss"
)

// Paths says which files make up a configuration.
type Paths struct {
	User     string // the user's file: ~/.ssh/config, or that of -F
	System   string // /etc/ssh/ssh_config; empty with -F, as in ssh
	Home     string // the home directory by the passwd entry, for ~ and %d
	Explicit bool   // User was named with -F: that it is missing is an error
}

const (
	systemDir  = "/etc/ssh"
	systemFile = systemDir + "/ssh_config"
)

// DefaultPaths are those of a plain ssh: ~ is taken from the passwd entry of
// the real uid, not from $HOME.
func DefaultPaths() (Paths, error) {
	pw, err := passwd()
	if err != nil {
		return Paths{}, err
	}
	return Paths{User: filepath.Join(pw.HomeDir, ".ssh", "config"), System: systemFile, Home: pw.HomeDir}, nil
}

// File is DefaultPaths with the one file of -F in place of both. The name
// "none" stands for no file at all, as in ssh.
func File(path string) (Paths, error) {
	pw, err := passwd()
	if err != nil {
		return Paths{}, err
	}
	if !equalFold(path, "none") {
		if path, err = filepath.Abs(path); err != nil {
			return Paths{}, fmt.Errorf("finding %q: %w", path, err)
		}
	}
	return Paths{User: path, Home: pw.HomeDir, Explicit: true}, nil
}

// passwd is the entry of the real uid. It is asked for once, since the directory
// service behind it may be slow.
var passwd = sync.OnceValues(func() (*user.User, error) {
	pw, err := nss.CurrentUser()
	if err != nil {
		return nil, fmt.Errorf("no user exists for uid %d: %w", os.Getuid(), err)
	}
	return pw, nil
})

// Origin is where a value was set. The zero Origin is ssh's default.
type Origin struct {
	File  string `json:"file,omitempty"`
	Line  int    `json:"line,omitempty"`  // from 1; 0 for the command line and for defaults
	Block string `json:"block,omitempty"` // the Host or Match line in force, as written: "Host *ell"; "" before the first
}

// commandLine is the File of what -o, -l, -p and -J set: ssh's own word for it.
const commandLine = "command-line"

// CommandLine is the Origin of what -o, -l, -p and -J set.
var CommandLine = Origin{File: commandLine}

// String is "file:line", "command line" or "default".
func (o Origin) String() string {
	switch {
	case o.File == "":
		return "default"
	case o.File == commandLine && o.Line == 0:
		return "command line"
	case o.Line == 0:
		return o.File
	}
	return o.File + ":" + strconv.Itoa(o.Line)
}

// Problem is what is wrong with a configuration, at its line.
type Problem struct {
	Origin  Origin `json:"origin"`
	Message string `json:"message"` // one sentence; ssh's own where ssh has one
	Fatal   bool   `json:"fatal"`   // ssh refuses to start with this: so nothing may be dialled
}

// Error is "file: line N: message", as ssh prints it. Without a line it is
// "file: message", without a file the message alone.
func (p Problem) Error() string {
	switch {
	case p.Origin.File == "":
		return p.Message
	case p.Origin.Line == 0:
		return Printable(p.Origin.File) + ": " + p.Message
	}
	return fmt.Sprintf("%s: line %d: %s", Printable(p.Origin.File), p.Origin.Line, p.Message)
}

// Config is a configuration as read from its files. It does not change, and
// any number of goroutines may use it.
type Config struct {
	paths    Paths
	dialect  *dialect
	roots    []root
	files    []string // read or looked for, in reading order
	parsed   map[fileKey]*file
	reading  []*file   // those of parsed, in reading order
	problems []Problem // in reading order
	fatal    []finding // those of problems that stop every host
	final    bool      // a Match final asks for a second pass
	overlay  *overlay  // a text that stands for a file's own; nil but in an edit
	named    int       // words of Host lines: there are no more aliases
	listing  listing   // made at the first call of listed
}

// root is a file that ssh opens by itself: the user's, then the system's.
type root struct {
	file *file
	user bool
}

// Entry is an alias that a file names: a word of a Host line without
// wildcards or negation.
type Entry struct {
	Name    string
	Origin  Origin
	Comment string   // the comment lines just above the Host line, without their #
	Tags    []string // of Tag in the block and of "# Tags: a, b" above it
}

// Problems lists what is wrong, in reading order. A keyword that this ssh does
// not know is listed unless IgnoreUnknown lets it pass for every host; whether
// it is refused for one host is for Resolve to say.
func (c *Config) Problems() []Problem { return append([]Problem(nil), c.problems...) }

// Files lists every file that was read or looked for, for watching them.
func (c *Config) Files() []string { return append([]string(nil), c.files...) }

// Insecure tells whether ssh refuses a file of ~/.ssh for its owner or its mode.
func (c *Config) Insecure(info fs.FileInfo) bool { return !c.dialect.secure(info) }

// Paths are those that were given to Load.
func (c *Config) Paths() Paths { return c.paths }
