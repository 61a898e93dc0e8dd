package config

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"
)

// Match is what besides the name decides a resolution: the command line, and
// whether programs may be run.
type Match struct {
	User    string   // of -l or user@host
	Port    string   // of -p
	Jump    string   // of -J
	Options []string // of -o, each "Keyword value" or "Keyword=value", and of -i, each after KeyFlag, in order
	Command string   // the remote command, for Match command and sessiontype
	Stdio   bool     // -W: ssh has other defaults then
	Execute bool     // run Match exec, ask the network; never while drawing

	// Stderr is that of the programs of Match exec; nil for nobody.
	Stderr io.Writer

	// Told is what hears the lines that "ssh -v" prints of the reading; nil for
	// nobody.
	Told func(line string)
}

// KeyFlag stands before the file of a -i among Match.Options. It is no
// IdentityFile of a -o: ssh takes a file twice that both name, because it notes
// who did (add_identity_file of readconf.c).
const KeyFlag = "-i "

// resolution is the state of one Resolve: ssh's Options with the lines that
// set them.
type resolution struct {
	*Config
	name       string // as asked for
	host       string // what Host lines are matched with: name, then the canonical name
	match      Match
	local      *user.User
	final      bool // a Match final asks for a second pass
	depth      int  // of the file being read
	circle     bool // Includes that depend on the host go round in one
	last       bool // the second pass, of Match final and canonical names
	set        [keyCount][]value
	shadowed   []value // what came too late
	findings   []finding
	reading    *reading // the file that is walked, of those with unknown keywords
	unknown    []unknownLines
	conditions []Problem
	// rawKnownHosts is UserKnownHostsFile before its tokens were expanded.
	rawKnownHosts string
	// fixedHostKeys says that HostKeyAlgorithms is a list of its own, or one
	// with a ^, rather than the usual one with some more or less.
	fixedHostKeys bool
	args          []string // a buffer for words
	out           []value  // a buffer for what a line says
}

// Resolve is what ssh would use for name: the options with all tokens
// expanded. The name may also be user@host or ssh://user@host:port. The Host
// is never nil; the error is ssh's refusal (a Problem, several joined, or the
// first of many), and then nothing may be dialled.
func (c *Config) Resolve(name string, m Match) (*Host, error) {
	r := &resolution{Config: c, match: m, final: c.final}
	local, err := passwd()
	if err != nil {
		local = &user.User{Uid: strconv.Itoa(os.Getuid()), HomeDir: c.paths.Home}
		r.fail(err.Error())
	}
	r.local = local
	r.commandLine(name)
	r.walkAll()
	r.canonicalize()
	h := r.finish()
	return h, r.refusal()
}

// fail notes a refusal that no line is to blame for.
func (r *resolution) fail(message string) { r.failAt(Origin{}, message) }

// afterFiles is later than any line.
const afterFiles = math.MaxInt32

func (r *resolution) failAt(o Origin, message string) {
	r.findings = append(r.findings, finding{Problem: Problem{o, message, true}, seq: afterFiles})
}

// commandLine takes what stands there, before any file.
func (r *resolution) commandLine(name string) {
	r.destination(name)
	r.argument(kUser, r.match.User)
	if r.match.Port != "" {
		port, ok := parsePort(r.match.Port)
		if !ok || port == 0 {
			r.fail(fmt.Sprintf("Bad port '%s'", Printable(r.match.Port)))
		} else {
			r.argument(kPort, strconv.Itoa(port))
		}
	}
	if r.match.Jump != "" {
		if j, ok := r.dialect.parseJump(r.match.Jump, true); ok {
			r.apply([]value{{key: kProxyJump, jump: &j}}, place{})
		} else {
			r.fail("Invalid -J argument")
		}
	}
	for _, option := range r.match.Options {
		r.option(option)
	}
	r.destinationUser(name)
	if user := r.text(kUser); user != "" && !r.dialect.validUser(user) {
		r.fail("remote username contains invalid characters")
	}
	if !validHost(r.name) || r.name == "" {
		r.fail("hostname contains invalid characters")
	}
}

func (r *resolution) argument(k key, text string) {
	if text != "" {
		r.apply([]value{{key: k, text: text, flag: true}}, place{})
	}
}

// destination is the host in user@host or ssh://user@host:port.
func (r *resolution) destination(name string) {
	r.name = name
	if uri, ok := strings.CutPrefix(name, "ssh://"); ok {
		if j, ok := parseURI(uri); ok {
			r.name = j.host
		}
	} else if i := strings.LastIndexByte(name, '@'); i > 0 {
		r.name = name[i+1:]
	}
	r.host = r.name
}

// destinationUser takes user and port of the name, which count after the
// options.
func (r *resolution) destinationUser(name string) {
	if uri, ok := strings.CutPrefix(name, "ssh://"); ok {
		if j, ok := parseURI(uri); ok {
			r.argument(kUser, j.user)
			if j.port > 0 {
				r.argument(kPort, strconv.Itoa(j.port))
			}
		}
	} else if i := strings.LastIndexByte(name, '@'); i > 0 {
		r.argument(kUser, name[:i])
	}
}

// option reads the argument of a -o, or of a -i.
func (r *resolution) option(line string) {
	if file, flag := strings.CutPrefix(line, KeyFlag); flag {
		r.apply([]value{{key: kIdentityFile, text: file, flag: true}}, place{})
		return
	}
	word, rest, more := splitKeyword(trimLine(line))
	if word == "" {
		return
	}
	here := Origin{File: commandLine}
	name := lower(word)
	k := r.dialect.lookup(word)
	switch {
	case !more:
		r.failAt(here, fmt.Sprintf("no argument after keyword \"%s\"", Printable(name)))
		return
	case k == kHost || k == kMatch:
		r.failAt(here, "Host directive not supported as a command-line option")
		return
	case k == kInclude:
		r.failAt(here, "Include directive not supported as a command-line option")
		return
	case k == kUnknown:
		if !matchList(name, r.text(kIgnoreUnknown), true) {
			r.failAt(here, badOption(word))
		}
		return
	}
	args, ok := splitWords(rest, nil)
	if !ok {
		r.failAt(here, "invalid quotes")
		return
	}
	if keywords[k].read == nil {
		return
	}
	w := words{key: k, name: name, rest: rest, args: args, dialect: r.dialect, cmdline: true}
	if why := w.readAll(); why != "" {
		r.failAt(here, why)
	} else {
		r.apply(w.out, place{})
	}
}

// walkAll reads all files once, in ssh's order.
func (r *resolution) walkAll() {
	for _, root := range r.roots {
		r.walk(root.file, true)
	}
}

// walk reads a file that applies, or one that does not and is read for its
// side effects.
func (r *resolution) walk(f *file, active bool) {
	r.tell("Reading configuration data %s", f.path)
	if !active && !f.loud {
		return
	}
	if r.depth++; r.depth > deepestInclude+1 {
		r.fail(tooDeep) // by Includes that depend on the host
		r.circle = true
		return
	}
	defer func() { r.depth-- }()
	if len(f.unknown) > 0 {
		r.begin(f)
		defer r.end()
	}
	r.block(f, 0, active)
	var buf [8]int32
	index := f.index()
	named := index.named(r.host, buf[:0])
	for _, b := range index.open {
		if b == 0 {
			continue
		}
		for len(named) > 0 && named[0] < b {
			r.block(f, named[0], active)
			named = named[1:]
		}
		if len(named) > 0 && named[0] == b {
			named = named[1:]
		}
		r.block(f, b, active && r.applies(f, b))
	}
	for _, b := range named {
		r.block(f, b, active)
	}
}

// tell says a line of "ssh -v" (readconf.c).
func (r *resolution) tell(format string, args ...any) {
	if r.match.Told != nil {
		r.match.Told(Printable(fmt.Sprintf(format, args...)))
	}
}

// tellMet says that a Host line is met, and by which of its patterns first.
func (r *resolution) tellMet(f *file, head int32) {
	if r.match.Told == nil {
		return
	}
	patterns, _ := splitWords(f.directives[head].rest, nil)
	for _, p := range patterns {
		if matchPattern(r.host, p) {
			r.tell("%s line %d: Applying options for %s", f.path, f.directives[head].line, p)
			return
		}
	}
}

// applies tells whether a Host or Match line is met.
func (r *resolution) applies(f *file, b int32) bool {
	head := f.blocks[b].from
	if f.blocks[b].kind == kHost {
		return r.hostLine(f.directives[head].rest)
	}
	cond := f.conditions[head]
	return cond != nil && r.meets(cond, place{f, head, b})
}

// hostLine matches the patterns of a Host line; a negated one that matches
// settles it.
func (r *resolution) hostLine(rest string) bool {
	patterns, _ := splitWords(rest, r.args[:0])
	r.args = patterns
	found := false
	for _, p := range patterns {
		positive := strings.TrimPrefix(p, "!")
		if !matchPattern(r.host, positive) {
			continue
		}
		if positive != p {
			return false
		}
		found = true
	}
	return found
}

// meets goes through the criteria of a Match line, as ssh does to the end: a
// program is only run if all before it was met.
func (r *resolution) meets(cond *condition, at place) bool {
	met, skipped := true, false
	for _, c := range cond.criteria {
		switch c.name {
		case "all":
			met = met && !c.negated
		case "canonical", "final":
			met = met && r.last != c.negated
		case "exec":
			if met && !r.match.Execute {
				skipped = true
			} else if met {
				met = r.run(c.arg, at) != c.negated
			}
		default:
			met = criteria[c.name].holds(r, c.arg) != c.negated && met
		}
	}
	if met && skipped {
		r.condition(Problem{Origin: at.origin(), Message: "applies or not as the program of Match exec says, which is only run when the host is opened"})
		return false
	}
	return met
}

// condition notes once what was left out.
func (r *resolution) condition(p Problem) {
	if !slices.Contains(r.conditions, p) {
		r.conditions = append(r.conditions, p)
	}
}

// run runs the program of a Match exec in the user's shell, without input and
// output (execute_in_shell, readconf.c), and tells whether it succeeded.
func (r *resolution) run(command string, at place) bool {
	host := r.currentHost()
	alias := r.text(kHostKeyAlias)
	if alias == "" {
		alias = host
	}
	command, err := expand(command, r.tokens(host, alias), nil)
	if err != nil {
		return false // refused when it was read
	}
	shell := os.Getenv("SHELL")
	if shell == "" {
		shell = "/bin/sh"
	}
	program := exec.Command(shell, "-c", command)
	program.Stderr = r.match.Stderr
	err = program.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return true
	case errors.As(err, &exit) && exit.Exited():
		return false
	case errors.As(err, &exit):
		r.failLine(at, fmt.Sprintf("match exec '%.100s' error", Printable(command)))
	default:
		r.failLine(at, fmt.Sprintf("Shell \"%s\" is not executable: %s", Printable(shell), reason(err)))
	}
	return false
}

func (r *resolution) failLine(at place, message string) {
	if at.file == nil {
		r.failAt(at.origin(), message)
		return
	}
	seq := at.file.directives[at.line].seq
	r.findings = append(r.findings, finding{Problem: Problem{at.origin(), message, true}, seq: seq})
}

// block reads the lines of a block.
func (r *resolution) block(f *file, b int32, active bool) {
	block := &f.blocks[b]
	if !active && !block.loud {
		return
	}
	from := block.from
	if block.kind != kNone {
		from++
	}
	if active && block.kind == kHost {
		r.tellMet(f, block.from)
	}
	for i := from; i < block.to; i++ {
		r.reading.reach(f, i)
		r.line(place{f, i, b}, active)
	}
}

// line reads one line of a block.
func (r *resolution) line(at place, active bool) {
	d := &at.file.directives[at.line]
	switch {
	case d.bad && d.key != kInclude: // what an Include line found before its fault counts
	case d.key == kInclude:
		r.include(at, active)
	case keywords[d.key].read == nil, !active && !r.dialect.always(d.key):
	default:
		args, _ := splitWords(d.rest, r.args[:0])
		r.args = args
		w := words{key: d.key, name: keywords[d.key].lower, rest: d.rest, args: args, dialect: r.dialect, out: r.out[:0]}
		if keywords[d.key].read(&w) == "" {
			r.apply(w.out, at)
		}
		r.out = w.out
	}
}

// apply takes what a line says into account, unless an earlier one has said
// it.
func (r *resolution) apply(values []value, at place) {
	if len(values) == 0 {
		return
	}
	open := len(r.set[values[0].key]) == 0
	for _, v := range values {
		v.at, v.set = at, true
		if !r.take(v, open) && !r.last {
			r.shadowed = append(r.shadowed, v)
		}
	}
}

// take is true if the value came into force. open tells that the option had
// no value before this line.
func (r *resolution) take(v value, open bool) bool {
	switch keywords[v.key].policy {
	case firstRow:
		return open && r.add(v)
	case appended:
		return r.takeEnv(v)
	case every:
		return r.takeEvery(v)
	}
	switch {
	case r.last && slices.Contains(decided, v.key):
		return false
	case v.key == kRefuseConnection:
		r.failLine(v.at, refusing+Printable(v.text))
	case v.key == kStreamLocalBindMask && r.dialect.always(v.key): // the last one wins: readconf.c does not ask
		r.set[v.key] = r.set[v.key][:0]
	case v.key == kProxyCommand && r.jump() != nil:
		return false
	case v.key == kProxyJump && !v.jump.none && len(r.set[kProxyCommand]) > 0:
		return false
	}
	return len(r.set[v.key]) == 0 && r.add(v)
}

// limits of readconf.h and ssh.h: more values are refused.
const (
	mostIdentities = 100
	mostHostFiles  = 32
	mostDomains    = 32
)

// add appends a value, or refuses its line where there are too many.
func (r *resolution) add(v value) bool {
	n := len(r.set[v.key])
	switch k := v.key; {
	case k == kIdentityFile && n >= mostIdentities:
		r.failLine(v.at, fmt.Sprintf("Too many identity files specified (max %d).", mostIdentities))
	case k == kCertificateFile && n >= mostIdentities:
		r.failLine(v.at, fmt.Sprintf("Too many certificate files specified (max %d).", mostIdentities))
	case (k == kUserKnownHostsFile || k == kGlobalKnownHostsFile) && n >= mostHostFiles:
		r.failLine(v.at, "too many "+keywords[k].lower+" entries.")
	case k == kCanonicalDomains && n >= mostDomains && r.dialect.version < v10_0:
		r.failLine(v.at, "too many hostname suffixes.")
	case k == kCanonicalizePermittedCNAMEs && n >= mostDomains && r.dialect.version < v10_0:
		r.failLine(v.at, "too many permitted CNAMEs.")
	default:
		if k == kIgnoreUnknown {
			r.judgeUnknown()
		}
		r.set[k] = append(r.set[k], v)
		return true
	}
	return false
}

// takeEvery adds a value that is not there yet.
func (r *resolution) takeEvery(v value) bool {
	slot := v.key
	if slot == kDynamicForward { // ssh keeps both in one list
		slot = kLocalForward
	}
	for _, old := range r.set[slot] {
		if old.same(v) {
			return false
		}
	}
	if slot != v.key {
		r.set[slot] = append(r.set[slot], v)
		return true
	}
	return r.add(v)
}

// same tells duplicates. A key file of the user, one of the system and one of
// -i are three.
func (v value) same(w value) bool {
	if v.fwd != nil && w.fwd != nil {
		return *v.fwd == *w.fwd
	}
	return v.text == w.text && v.flag == w.flag && v.at.user() == w.at.user()
}

// user tells whether the place is in the user's hands, not the system's.
func (p place) user() bool { return p.file == nil || p.file.user }

// takeEnv adds a pattern of SendEnv, or takes those away that match -pattern.
func (r *resolution) takeEnv(v value) bool {
	pattern, remove := strings.CutPrefix(v.text, "-")
	if !remove {
		return r.add(v)
	}
	r.set[kSendEnv] = slices.DeleteFunc(r.set[kSendEnv], func(old value) bool {
		return matchPattern(old.text, pattern)
	})
	return true
}

// text is the first value of an option, "" if it is not set.
func (r *resolution) text(k key) string {
	if len(r.set[k]) == 0 {
		return ""
	}
	return r.set[k][0].text
}

// orDefault is text, or what ssh takes if nothing is set.
func (r *resolution) orDefault(k key) string {
	if len(r.set[k]) == 0 {
		return r.dialect.defaults[k]
	}
	return r.set[k][0].text
}

// jump is the ProxyJump in force, nil where there is none or "none" was said.
func (r *resolution) jump() *jump {
	if len(r.set[kProxyJump]) == 0 || r.set[kProxyJump][0].jump.none {
		return nil
	}
	return r.set[kProxyJump][0].jump
}

// user is the login name in force.
func (r *resolution) user() string {
	if user := r.text(kUser); user != "" {
		return user
	}
	return r.local.Username
}

// port is that in force.
func (r *resolution) port() string {
	if port := r.text(kPort); port != "" {
		return port
	}
	return strconv.Itoa(defaultPort())
}

// sshPort is the port that IANA gave to ssh.
const sshPort = 22

func defaultPort() int {
	if port, ok := services()["ssh"]; ok {
		return port
	}
	return sshPort
}

// currentHost is the host name as Match host sees it at this point.
func (r *resolution) currentHost() string {
	hostName := r.text(kHostName)
	switch {
	case hostName == "":
		return r.host
	case r.last:
		return hostName
	}
	host, err := expand(hostName, hostTokens(r.name), nil)
	if err != nil {
		return hostName // refused by finish
	}
	return host
}

// hostTokens are those of HostName: the name that was asked for, and nothing
// else.
func hostTokens(name string) tokens {
	return func(letter byte) (string, bool) { return name, letter == 'h' }
}
