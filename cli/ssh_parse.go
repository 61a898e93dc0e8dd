package cli

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"sallyport/api"
	"sallyport/config"
)

// sshCall is a command line of ssh, taken apart as main of ssh.c does it.
type sshCall struct {
	args        []string // as given
	line        sshLine
	configFile  string // -F
	destination string // [user@]host or ssh://[user@]host[:port]
	command     string // what follows, joined by blanks
	logFile     string // -E
	syslog      bool   // -y
	dump        bool   // -G
	verbose     int    // number of -v, at most 3
	level       int    // logLevel of -v and -q, while hasLevel
	hasLevel    bool
	stdio       string        // of -W
	control     string        // of -O
	session     string        // "none" of -N and -W, "subsystem" of -s
	warnings    []string      // of flags, each a whole line
	given       map[byte]bool // the flags
}

// sshExit ends ssh before it has done anything.
type sshExit struct {
	status int
	stdout string
	stderr string // whole lines: those that ssh logs end in CR LF
}

func (e *sshExit) Error() string { return strings.TrimSpace(e.stderr) }

// fatal is an end by a logged message.
func fatal(format string, args ...any) error {
	return &sshExit{status: ours, stderr: fmt.Sprintf(format, args...) + "\r\n"}
}

// complain is an end by a message that ssh prints without its log.
func complain(format string, args ...any) error {
	return &sshExit{status: ours, stderr: fmt.Sprintf(format, args...) + "\n"}
}

const sshUsage = `usage: sallyport ssh [-46AaCfGgKkMNnqsTtVvXxYy] [-B bind_interface] [-b bind_address]
           [-c cipher_spec] [-D [bind_address:]port] [-E log_file]
           [-e escape_char] [-F configfile] [-I pkcs11] [-i identity_file]
           [-J destination] [-L address] [-l login_name] [-m mac_spec]
           [-O ctl_cmd] [-o option] [-P tag] [-p port] [-R address]
           [-S ctl_path] [-W host:port] [-w local_tun[:remote_tun]]
           destination [command [argument ...]]
       sallyport ssh [-Q query_option]
`

// usage is the end of a command line that ssh does not understand; before it
// stands what is wrong, if ssh says that.
func usage(what string) error { return &sshExit{status: ours, stderr: what + sshUsage} }

// parseSSH takes a command line apart. Errors are *sshExit.
func parseSSH(args []string) (*sshCall, error) {
	c := &sshCall{args: args, given: map[byte]bool{}}
	if err := c.parse(); err != nil {
		return nil, cmp.Or(c.refusedOption(), err)
	}
	return c, c.check()
}

// parse reads the words in the order of main of ssh.c: options may follow the
// host once, and the command begins with what is none.
func (c *sshCall) parse() error {
	rest, ended, err := c.flags(c.args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		c.destination, rest = rest[0], rest[1:]
		if !config.ValidDestination(c.destination) {
			return usage("")
		}
		if len(rest) > 0 && !ended {
			if rest, _, err = c.flags(rest); err != nil {
				return err
			}
		}
	}
	if c.destination == "" {
		return usage("")
	}
	c.command = strings.Join(rest, " ")
	return nil
}

// check refuses what does not go together.
func (c *sshCall) check() error {
	switch {
	case c.command == "" && c.session == "subsystem":
		return usage("You must specify a subsystem to invoke.\n")
	case c.given['F'] && c.configFile == "":
		return fatal("Can't open user config file : No such file or directory")
	case c.syslog && c.given['E']:
		return fatal("Can't specify both -y and -E")
	}
	return nil
}

// flags reads options as BSD's getopt does, up to the first word that is none.
// ended tells that "--" was there.
func (c *sshCall) flags(args []string) (rest []string, ended bool, err error) {
	for len(args) > 0 {
		word := args[0]
		switch {
		case word == "--":
			return args[1:], true, nil
		case len(word) < 2 || word[0] != '-':
			return args, false, nil
		}
		args = args[1:]
		for i := 1; i < len(word); i++ {
			f, known := flagNamed(word[i])
			if !known || !f.offered() {
				return nil, false, usage(fmt.Sprintf("unknown option -- %c\r\n", word[i]))
			}
			arg := ""
			if f.argument {
				switch {
				case i+1 < len(word):
					arg = word[i+1:]
				case len(args) > 0:
					arg, args = args[0], args[1:]
				default:
					return nil, false, usage(fmt.Sprintf("option requires an argument -- %c\r\n", f.letter))
				}
				i = len(word)
			}
			if err := c.take(f, arg); err != nil {
				return nil, false, err
			}
		}
	}
	return nil, false, nil
}

// take applies one flag.
func (c *sshCall) take(f sshOption, arg string) error {
	c.given[f.letter] = true
	if err := f.set(c, arg); err != nil {
		return err
	}
	var refused *api.Error
	if errors.As(c.line.err, &refused) {
		return fatal("%s", refused.Message)
	}
	return nil
}
