package config

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"
)

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

	r *resolution
	// found are the expansions that ssh makes only when it connects, and
	// that -G does not show.
	proxyCommand string
	identities   []string
	certificates []string
}

// finish makes the checks and expansions of main of ssh.c between the last
// reading and the connection.
func (r *resolution) finish() *Host {
	h := &Host{Name: r.name, r: r}
	r.clearForwards()
	r.assembleLists()
	r.check()
	r.expandUser()
	r.expandAll()
	h.expandLate()
	return h
}

// clearForwards is ClearAllForwardings, the default of which is yes with -W
// (main of ssh.c).
func (r *resolution) clearForwards() {
	if clear := r.text(kClearAllForwardings); clear == "yes" || clear == "" && r.match.Stdio {
		r.set[kLocalForward], r.set[kRemoteForward], r.set[kTunnel] = nil, nil, nil
	}
}

// assembleLists resolves + - ^ and patterns of the algorithm lists. A list
// that comes out empty or has a negated pattern stops us; ssh complains, but
// forgets to stop for some (fill_default_options returns 0 all the same).
func (r *resolution) assembleLists() {
	for k := range r.dialect.lists() {
		if len(r.set[k]) == 0 {
			continue
		}
		v := &r.set[k][0]
		if k == kHostKeyAlgorithms {
			r.fixedHostKeys = v.text != "" && v.text[0] != '+' && v.text[0] != '-'
		}
		list, ok := r.dialect.list(k).assemble(v.text)
		if !ok {
			r.failAt(v.at.origin(), fmt.Sprintf("%s: invalid argument", keywords[k].lower))
		}
		v.text = list
	}
}

// lists are the options whose values are lists of algorithms.
func (d *dialect) lists() iter.Seq[key] {
	return slices.Values([]key{kCiphers, kMACs, kKexAlgorithms, kHostbasedAcceptedAlgorithms, kPubkeyAcceptedAlgorithms, kCASignatureAlgorithms, kHostKeyAlgorithms})
}

// list are the algorithms of such an option.
func (d *dialect) list(k key) *algorithms {
	switch k {
	case kCiphers:
		return &d.ciphers
	case kMACs:
		return &d.macs
	case kKexAlgorithms:
		return &d.kex
	case kCASignatureAlgorithms:
		return &d.caKeyTypes
	case kHostKeyAlgorithms, kHostbasedAcceptedAlgorithms, kPubkeyAcceptedAlgorithms:
		return &d.keyTypes
	}
	return nil
}

// check refuses what ssh refuses once it knows all options.
func (r *resolution) check() {
	if j := r.jump(); j != nil {
		r.checkJump(j)
	}
	if r.text(kProxyCommand) == "-" && r.text(kProxyUseFdpass) == "yes" {
		r.failOption(kProxyUseFdpass, "ProxyCommand=- and ProxyUseFDPass are incompatible")
	}
	if r.text(kConnectionAttempts) == "0" {
		r.failOption(kConnectionAttempts, "Invalid number of ConnectionAttempts")
	}
	command := r.match.Command != ""
	remote := r.isValue(kRemoteCommand)
	if command && remote {
		r.failOption(kRemoteCommand, "Cannot execute command-line and remote command.")
	}
	if r.text(kForkAfterAuthentication) == "yes" && !command && !remote && r.text(kSessionType) != "none" {
		r.failOption(kForkAfterAuthentication, "Cannot fork into background without a command to execute.")
	}
}

// checkJump refuses a jump host that is the host itself.
func (r *resolution) checkJump(j *jump) {
	port, user := j.port, j.user
	if port == 0 {
		port = defaultPort()
	}
	if user == "" {
		user = r.user()
	}
	if j.host == r.host && strconv.Itoa(port) == r.port() && user == r.user() {
		r.failOption(kProxyJump, "jumphost loop via "+Printable(j.host))
	}
}

func (r *resolution) failOption(k key, message string) {
	r.failAt(r.set[k][0].at.origin(), message)
}

// isValue tells whether an option is set, and not to "none".
func (r *resolution) isValue(k key) bool {
	return len(r.set[k]) > 0 && !equalFold(r.set[k][0].text, "none")
}

// expandUser expands User, since 10.0, unless it came by -l or with the host; the
// result is then looked at as if it had.
func (r *resolution) expandUser() {
	if r.dialect.version < v10_0 || len(r.set[kUser]) == 0 || r.set[kUser][0].flag {
		return
	}
	v := &r.set[kUser][0]
	user, err := expand(v.text, r.tokensBeforeUser, os.LookupEnv)
	switch {
	case err != nil:
		r.failAt(v.at.origin(), expansion(kUser, err))
	case user != v.text && !r.dialect.validUser(user):
		r.failAt(v.at.origin(), "remote username contains invalid characters")
	}
	v.text = user
}

// tokensBeforeUser are those that do not depend on the user.
func (r *resolution) tokensBeforeUser(letter byte) (string, bool) {
	if letter == 'r' || letter == 'C' {
		return "", false
	}
	return r.connectionTokens(letter)
}

// expandModern expands what ssh expands since 10.0.
func (r *resolution) expandModern() {
	if r.dialect.version < v10_0 {
		return
	}
	if r.isValue(kRevokedHostKeys) {
		for i := range r.set[kRevokedHostKeys] {
			r.expandPath(&r.set[kRevokedHostKeys][i])
		}
	}
	if len(r.set[kVersionAddendum]) > 0 {
		r.expandIn(&r.set[kVersionAddendum][0], true)
	}
	for i := range r.set[kSetEnv] {
		v := &r.set[kSetEnv][i]
		name, text, _ := strings.Cut(v.text, "=")
		text, err := r.expand(text, true)
		if err != nil {
			r.failAt(v.at.origin(), expansion(kSetEnv, err))
		}
		v.text = name + "=" + text
	}
}

// expandAll expands what ssh -G shows expanded.
func (r *resolution) expandAll() {
	if len(r.set[kHostKeyAlias]) > 0 {
		r.set[kHostKeyAlias][0].text = lower(r.set[kHostKeyAlias][0].text)
	}
	if r.isValue(kRemoteCommand) {
		r.expandIn(&r.set[kRemoteCommand][0], false)
	}
	r.expandModern()
	for _, k := range []key{kControlPath, kIdentityAgent, kForwardAgentPath} {
		if r.isValue(k) || len(r.set[k]) > 0 && k != kControlPath {
			r.expandPath(&r.set[k][0])
		}
	}
	r.checkAgentSocket()
	for _, v := range r.set[kUserKnownHostsFile] {
		r.rawKnownHosts = strings.TrimLeft(r.rawKnownHosts+" "+v.text, " ")
	}
	for i := range r.set[kUserKnownHostsFile] {
		if v := &r.set[kUserKnownHostsFile][i]; !equalFold(v.text, "none") {
			r.expandPath(v)
		}
	}
	for _, k := range []key{kLocalForward, kRemoteForward} {
		for i := range r.set[k] {
			r.expandForward(&r.set[k][i])
		}
	}
}

// expandIn expands tokens, and ${VARIABLE} if env says so.
func (r *resolution) expandIn(v *value, env bool) {
	text, err := r.expand(v.text, env)
	if err != nil {
		r.failAt(v.at.origin(), expansion(v.key, err))
		return
	}
	v.text = text
}

func expansion(k key, err error) string { return keywords[k].name + ": " + err.Error() }

func (r *resolution) expand(s string, env bool) (string, error) {
	if env {
		return expand(s, r.connectionTokens, os.LookupEnv)
	}
	return expand(s, r.connectionTokens, nil)
}

// expandPath expands ~, too.
func (r *resolution) expandPath(v *value) {
	path, err := tilde(v.text, r.paths.Home)
	if err != nil {
		r.failAt(v.at.origin(), expansion(v.key, err))
		return
	}
	v.text = path
	r.expandIn(v, true)
}

// expandForward expands the paths of sockets.
func (r *resolution) expandForward(v *value) {
	f := *v.fwd
	for _, path := range []*string{&f.listen.path, &f.connect.path} {
		text, err := r.expand(*path, false)
		if err != nil {
			r.failAt(v.at.origin(), expansion(v.key, err))
			continue
		}
		*path = text
	}
	v.fwd = &f
}

// checkAgentSocket refuses a missing socket of ForwardAgent if forwarding must
// not fail.
func (r *resolution) checkAgentSocket() {
	path := r.text(kForwardAgentPath)
	if path == "" || r.text(kExitOnForwardFailure) != "yes" {
		return
	}
	if _, err := os.Stat(path); err != nil {
		r.failOption(kForwardAgentPath, fmt.Sprintf("Cannot forward agent socket path \"%s\": %s", Printable(path), reason(errors.Unwrap(err))))
	}
}

// connectionTokens are the tokens of most options (DEFAULT_CLIENT_PERCENT_EXPAND_ARGS).
func (r *resolution) connectionTokens(letter byte) (string, bool) {
	alias := r.text(kHostKeyAlias)
	if alias == "" {
		alias = r.name
	}
	return r.tokens(r.host, alias)(letter)
}

// tokens are those tokens for a host name and the name of its key.
func (r *resolution) tokens(host, alias string) tokens {
	return func(letter byte) (string, bool) {
		switch letter {
		case 'C':
			return r.hash(host), true
		case 'L':
			name, _, _ := strings.Cut(thisHost(), ".")
			return name, true
		case 'd':
			return r.paths.Home, true
		case 'h':
			return host, true
		case 'i':
			return r.local.Uid, true
		case 'j':
			return r.jumpHost(), r.dialect.version >= v9_6
		case 'k':
			return alias, true
		case 'l':
			return thisHost(), true
		case 'n':
			return r.name, true
		case 'p':
			return r.port(), true
		case 'r':
			return r.user(), true
		case 'u':
			return r.local.Username, true
		}
		return "", false
	}
}

func thisHost() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}

// jumpHost is what %j stands for.
func (r *resolution) jumpHost() string {
	if j := r.jump(); j != nil {
		return j.host
	}
	return ""
}

// hash is ssh_connection_hash of readconf.c.
func (r *resolution) hash(host string) string {
	text := thisHost() + host + r.port() + r.user()
	if r.dialect.version >= v9_6 {
		text += r.jumpHost()
	}
	sum := sha1.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// expandLate expands what ssh expands only when it connects.
func (h *Host) expandLate() {
	r := h.r
	if r.isValue(kProxyCommand) && r.jump() == nil {
		v := &r.set[kProxyCommand][0]
		command, err := expand(v.text, r.proxyTokens, nil)
		if err != nil {
			r.failLate(v.at.origin(), expansion(kProxyCommand, err))
		}
		h.proxyCommand = command
	}
	h.identities = h.expandFiles(kIdentityFile)
	h.certificates = h.expandFiles(kCertificateFile)
	if len(r.set[kIdentityFile]) == 0 {
		for _, name := range r.dialect.identities {
			path, _ := tilde(identityDir+name, r.paths.Home) // no user to look up
			h.identities = append(h.identities, path)
		}
	}
}

// proxyTokens are those of ProxyCommand: expand_proxy_command of sshconnect.c.
func (r *resolution) proxyTokens(letter byte) (string, bool) {
	if strings.IndexByte("hknpr", letter) < 0 {
		return "", false
	}
	return r.connectionTokens(letter)
}

func (h *Host) expandFiles(k key) (files []string) {
	for _, v := range h.r.set[k] {
		if equalFold(v.text, "none") && k == kIdentityFile {
			continue
		}
		path, err := tilde(v.text, h.r.paths.Home)
		if err == nil {
			path, err = h.r.expand(path, true)
		}
		if err != nil {
			h.r.failLate(v.at.origin(), expansion(k, err))
			continue
		}
		if !slices.Contains(files, path) { // ssh would offer a key again that was refused
			files = append(files, path)
		}
	}
	return files
}

// failLate notes a refusal that -G does not show.
func (r *resolution) failLate(o Origin, message string) {
	r.failAt(o, message)
	r.findings[len(r.findings)-1].late = true
}

// HostName is the address to dial: HostName, or the name itself.
func (h *Host) HostName() string { return h.r.host }

// User is the login name there.
func (h *Host) User() string { return h.r.user() }

// Port is the TCP port, 1 to 65535.
func (h *Host) Port() int {
	port, _ := strconv.Atoi(h.r.port()) // a number by its reader
	return port
}

// ProxyJump is the jump list as ssh would take it, "" for none (also where a
// ProxyCommand came first).
func (h *Host) ProxyJump() string {
	if j := h.r.jump(); j != nil {
		return j.String()
	}
	return ""
}

// ProxyCommand is the command with its tokens expanded, "" for none.
func (h *Host) ProxyCommand() string { return h.proxyCommand }

// IdentityFiles are the key files to try in order, expanded to paths. Set
// tells those of the configuration from ssh's default list.
func (h *Host) IdentityFiles() (files []string, set bool) {
	return slices.Clone(h.identities), len(h.r.set[kIdentityFile]) > 0
}

// CertificateFiles are the certificates named by the configuration, expanded
// to paths.
func (h *Host) CertificateFiles() []string { return slices.Clone(h.certificates) }

// Expand puts values in place of the tokens and ${VARIABLE}s of s, and of a ~
// at its start, as ssh does in most options. KnownHostsCommand is expanded with
// it when its time comes.
func (h *Host) Expand(s string) (string, error) {
	s, err := tilde(s, h.r.paths.Home)
	if err != nil {
		return "", err
	}
	return h.r.expand(s, true)
}

// LocalCommand is what to run here once the host is connected, "" for nothing
// or where PermitLocalCommand forbids it. Its tokens are expanded; variables
// and ~ are left to the shell. %T is the interface of a tunnel device, which
// there never is.
func (h *Host) LocalCommand() (string, error) {
	command := h.Get("LocalCommand")
	if h.Get("PermitLocalCommand") != "yes" || equalFold(command, "none") {
		return "", nil
	}
	return expand(command, func(letter byte) (string, bool) {
		if letter == 'T' {
			return "NONE", true
		}
		return h.r.connectionTokens(letter)
	}, nil)
}

// Forwards are the forwards of the configuration, in order.
func (h *Host) Forwards() []Forward {
	var all []Forward
	for _, k := range []key{kLocalForward, kRemoteForward} {
		for _, v := range h.r.set[k] {
			f := Forward{Keyword: keywords[v.key].name, Listen: v.fwd.listen.spec(), Origin: v.at.origin()}
			if !v.fwd.dynamic {
				f.Connect = v.fwd.connect.spec()
			}
			all = append(all, f)
		}
	}
	return all
}

// Conditions names the parts of the configuration that were left out because
// Match.Execute was false, and which may change this host when it is opened:
// each at its Match line.
func (h *Host) Conditions() []Problem { return slices.Clone(h.r.conditions) }

// Shadowed are the lines that apply to this host and set nothing, because an
// earlier line had set the same option. Keyword is in any case; "" means all.
func (h *Host) Shadowed(keyword string) []Option {
	var late []Option
	for _, v := range h.r.shadowed {
		if keyword != "" && lookup(keyword) != v.key {
			continue
		}
		late = append(late, Option{keywords[v.key].name, v.print(), v.at.origin()})
	}
	return late
}
