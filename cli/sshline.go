package cli

import (
	"strings"

	"github.com/spf13/pflag"

	"sallyport/api"
	"sallyport/config"
)

// sshLine collects the options of ssh that bear on a host's configuration. As
// in main of ssh.c the first that sets something wins, be it -p or -o Port.
type sshLine struct {
	m   config.Match
	err error // the first refusal, in ssh's words
}

func (l *sshLine) register(flags *pflag.FlagSet) {
	flags.VarP(sshFlag{"Keyword=value", l.option}, "option", "o", "set an option as a line of the file would; may be repeated")
	flags.VarP(sshFlag{"USER", l.user}, "login", "l", "log in as `USER`")
	flags.VarP(sshFlag{"PORT", l.port}, "port", "p", "connect to `PORT`")
	flags.VarP(sshFlag{"HOST", l.jump}, "jump", "J", "go through `HOST`[,HOST...]")
}

// match is what the command line says.
func (l *sshLine) match() (config.Match, error) { return l.m, l.err }

func (l *sshLine) option(line string) { l.m.Options = append(l.m.Options, line) }

func (l *sshLine) user(name string) {
	if l.m.User == "" && !l.hasSet("user") {
		l.m.User = name
	}
}

func (l *sshLine) port(port string) {
	if l.m.Port == "" && !l.hasSet("port") {
		l.m.Port = port
	}
}

func (l *sshLine) jump(hops string) {
	switch {
	case l.m.Jump != "" || l.hasSet("proxyjump"):
		l.refuse("Only a single -J option is permitted (use commas to separate multiple jump hops)")
	case l.hasSet("proxycommand"):
		l.refuse("Cannot specify -J with ProxyCommand")
	default:
		l.m.Jump = hops
	}
}

func (l *sshLine) refuse(message string) {
	if l.err == nil {
		l.err = &api.Error{Code: api.CodeBadRequest, Message: message}
	}
}

// hasSet tells whether a -o so far has set the keyword, which is in lower case.
func (l *sshLine) hasSet(keyword string) bool {
	for _, line := range l.m.Options {
		word := strings.TrimLeft(line, " \t")
		if i := strings.IndexAny(word, " \t="); i >= 0 {
			word = word[:i]
		}
		if strings.ToLower(word) == keyword {
			return true
		}
	}
	return false
}

// sshFlag hands each argument of a flag on as it comes.
type sshFlag struct {
	kind string
	take func(string)
}

func (f sshFlag) Set(s string) error { f.take(s); return nil }
func (f sshFlag) String() string     { return "" }
func (f sshFlag) Type() string       { return f.kind }
