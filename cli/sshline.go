package cli

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"sallyport/api"
	"sallyport/config"
)

// sshLine collects the options of ssh that bear on a host's configuration. As
// in main of ssh.c the first that sets something wins, be it -p or -o Port,
// but for the flags that are said to overrule.
type sshLine struct {
	m     config.Match
	above []string // the options of flags that overrule, the latest last
	err   error    // the first refusal, in ssh's words
}

func (l *sshLine) register(flags *pflag.FlagSet) {
	flags.VarP(sshFlag{"Keyword=value", l.option}, "option", "o", "set an option as a line of the file would; may be repeated")
	flags.VarP(sshFlag{"USER", l.user}, "login", "l", "log in as `USER`")
	flags.VarP(sshFlag{"PORT", l.port}, "port", "p", "connect to `PORT`")
	flags.VarP(sshFlag{"HOST", l.jump}, "jump", "J", "go through `HOST`[,HOST...]")
}

// match is what the command line says.
func (l *sshLine) match() (config.Match, error) {
	m := l.m
	m.Options = slices.Concat(l.above, m.Options)
	slices.Reverse(m.Options[:len(l.above)])
	return m, l.err
}

// option takes the argument of a -o, or that of a -i after config.KeyFlag.
func (l *sshLine) option(line string) { l.m.Options = append(l.m.Options, line) }

// overrule sets an option whatever was set before; the latest wins.
func (l *sshLine) overrule(keyword, value string) {
	l.above = append(l.above, keyword+"="+config.Quote(value))
}

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
	case hops == "": // which for a Match is no -J, and would be a direct way
		l.refuse("Invalid -J argument")
	default:
		l.m.Jump = hops
	}
}

func (l *sshLine) refuse(message string) {
	if l.err == nil {
		l.err = &api.Error{Code: api.CodeBadRequest, Message: message}
	}
}

// hasSet tells whether the line so far has set the keyword, which is in lower
// case.
func (l *sshLine) hasSet(keyword string) bool {
	_, set := l.value(keyword)
	return set
}

// value is what the line so far says for a keyword, in lower case both.
func (l *sshLine) value(keyword string) (value string, set bool) {
	for _, line := range slices.Backward(l.above) {
		if word, rest := splitOption(line); word == keyword {
			return rest, true
		}
	}
	for _, line := range l.m.Options {
		if word, rest := splitOption(line); word == keyword {
			return rest, true
		}
	}
	return "", false
}

// splitOption parts the argument of a -o, in lower case both.
func splitOption(line string) (keyword, value string) {
	word := strings.ToLower(strings.TrimLeft(line, " \t"))
	if i := strings.IndexAny(word, " \t="); i >= 0 {
		word, value = word[:i], strings.Trim(word[i:], " \t=\"")
	}
	return word, value
}

// sshFlag hands each argument of a flag on as it comes.
type sshFlag struct {
	kind string
	take func(string)
}

func (f sshFlag) Set(s string) error { f.take(s); return nil }
func (f sshFlag) String() string     { return "" }
func (f sshFlag) Type() string       { return f.kind }
