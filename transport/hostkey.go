package transport

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	"al.essio.dev/pkg/shellescape"
	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/keys"
)

// hostKeys judges the host keys of one host as check_host_key (sshconnect.c)
// does, with one deviation: a changed or revoked key is always refused, where
// StrictHostKeyChecking no lets ssh go on without passwords.
type hostKeys struct {
	ctx    context.Context
	host   *config.Host
	env    Env // of KnownHostsCommand
	ask    askFunc
	told   tracer
	digest keys.Digest // of the fingerprints that a person reads
	dns    func() (resolver, error)

	name  string     // in known_hosts: alias, host, or [host]:port
	bare  string     // the same without a port; "" if that is not to be tried
	files []string   // the user's
	file  string     // where accepted keys go; "" for nowhere
	all   knownHosts // every line
	known knownHosts // the lines of this host
	algs  []string

	// mu guards what follows: a later key exchange calls check while others
	// look at what the first has found.
	mu sync.Mutex

	// trusted is the key accepted on this connection: a key exchange during
	// the connection asks again.
	trusted ssh.PublicKey
	at      net.Addr // the other end of the connection
	address string   // how known_hosts calls the IP address; "" if CheckHostIP is not for it
	learns  bool     // UpdateHostKeys may act
	notices []string // what a person should hear of without the connection ending
}

// newHostKeys reads the known_hosts files that h names, and may ask its
// KnownHostsCommand. It fails where none of the host's HostKeyAlgorithms is
// known here.
func newHostKeys(ctx context.Context, h *config.Host, env Env, ask askFunc, told tracer) (*hostKeys, error) {
	k := &hostKeys{
		ctx: ctx, host: h, env: env, ask: ask, told: told,
		digest: keys.DigestNamed(h.Get("FingerprintHash")), dns: systemResolver,
	}
	if alias := given(h, "HostKeyAlias"); alias != "" {
		told.say(1, "using hostkeyalias: %s", alias)
	}
	k.name, k.bare = namesOf(h)
	k.files = paths(h, "UserKnownHostsFile")
	if len(k.files) > 0 && recordable(h.HostName()) {
		k.file = k.files[0]
	}
	k.all = readKnownHosts(append(slices.Clone(k.files), paths(h, "GlobalKnownHostsFile")...), told)
	k.known = k.all.of(k.name)
	if n := len(k.known); n > 0 {
		told.say(3, "load_hostkeys_file: loaded %d keys from %s", n, k.name)
	}
	if err := k.order(); err != nil {
		return nil, err
	}
	if len(k.algs) == 0 {
		return nil, &Failure{
			Code:    CodeConfig,
			Message: config.Printable(fmt.Sprintf("none of the HostKeyAlgorithms of %q is supported: %s", h.Name, h.Get("HostKeyAlgorithms"))),
			Hint:    whereSet(h, "HostKeyAlgorithms"),
		}
	}
	return k, nil
}

// namesOf are how known_hosts files call a host: alias, host, or
// [host]:port; and the same without a port, "" if that is not to be tried.
func namesOf(h *config.Host) (name, bare string) {
	if alias := given(h, "HostKeyAlias"); alias != "" {
		return strings.ToLower(alias), ""
	}
	name = knownName(h.HostName(), h.Port())
	if bare = knownName(h.HostName(), 0); bare == name {
		bare = ""
	}
	return name, bare
}

// recordable tells whether a name can stand in a known_hosts file without
// meaning something else there (check_host_key, sshconnect.c).
func recordable(name string) bool { return !strings.ContainsAny(name, "@?*#[]|'\"\\ \t\r\n") }

// algorithms are for ssh.ClientConfig.HostKeyAlgorithms.
func (k *hostKeys) algorithms() []string { return k.algs }

// check is the ssh.HostKeyCallback. Its errors are *Failure.
func (k *hostKeys) check(_ string, remote net.Addr, key ssh.PublicKey) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.describe(key)
	if keys.Equal(k.trusted, key) {
		return nil
	}
	k.at = remote
	if err := k.judge(key); err != nil {
		return err
	}
	k.trusted = key
	return nil
}

// heard are the notices of the login since it was asked last.
func (k *hostKeys) heard() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	heard := k.notices
	k.notices = nil
	return heard
}

// describe traces what the server shows.
func (k *hostKeys) describe(key ssh.PublicKey) {
	cert, ok := key.(*ssh.Certificate)
	if !ok {
		k.told.say(1, "Server host key: %s %s", key.Type(), k.digest.Fingerprint(key))
		return
	}
	k.told.say(1, "Server host certificate: %s %s, serial %d ID %q CA %s %s", cert.Type(), k.digest.Fingerprint(cert),
		cert.Serial, cert.KeyId, cert.SignatureKey.Type(), k.digest.Fingerprint(cert.SignatureKey))
	for _, name := range cert.ValidPrincipals {
		k.told.say(2, "Server host certificate hostname: %s", name)
	}
}

func (k *hostKeys) judge(key ssh.PublicKey) error {
	if err := k.listedAsRevoked(key); err != nil {
		return err
	}
	if k.exempt() {
		k.told.say(1, "Forcing accepting of host key for loopback/localhost.")
		return nil
	}
	said, err := k.command(invokedForName, k.name, key)
	if err != nil {
		return err
	}
	k.known = append(k.known, said...)
	if line, revoked := k.revoked(key); revoked {
		return k.fail("hostkey-revoked", "edit "+line.String(),
			"the %s host key of %q, %s, is marked as revoked in %s: somebody may have stolen it",
			keys.TypeName(key), k.name, k.digest.Fingerprint(key), line)
	}
	if bits, least := keys.Bits(key), number(k.host, "RequiredRSASize"); keys.Plain(key).Type() == ssh.KeyAlgoRSA && bits < least {
		return k.fail("hostkey-unknown", whereSet(k.host, "RequiredRSASize"),
			"the RSA host key of %q has %d bits where RequiredRSASize asks for %d", k.name, bits, least)
	}
	sure, note := k.verifyByDNS(keys.Plain(key))
	if sure {
		return nil
	}
	if cert, ok := key.(*ssh.Certificate); ok {
		err := k.certified(cert)
		if err == nil {
			k.told.say(1, "Host '%s' is known and matches the %s host certificate.", k.name, keys.TypeName(cert))
			return nil
		}
		// ssh goes on with the key in the certificate, and leaves its address
		// alone.
		k.told.say(1, "No matching CA found. Retry with plain key")
		note, key = append([]string{"Its certificate was not accepted: " + err.Error() + "."}, note...), cert.Key
	} else {
		k.address = k.addressName()
	}
	return k.judgePlain(key, note)
}

func (k *hostKeys) judgePlain(key ssh.PublicKey, note []string) error {
	known := k.known.marked("")
	if line, found := known.find(key); found {
		k.recognize(line)
		return k.checkAddress(key, &line)
	}
	if len(known) > 0 {
		return k.changed(known, key)
	}
	if k.bare != "" {
		// A key that is known for port 22 is good for the other ports.
		k.told.say(1, "checking without port identifier")
		if _, found := k.all.of(k.bare).marked("").find(key); found {
			k.told.say(1, "found matching key w/out port")
			return k.checkAddress(key, nil)
		}
	}
	if err := k.unknown(key, note); err != nil {
		return err
	}
	return k.checkAddress(key, nil)
}

// recognize notes where a key is known.
func (k *hostKeys) recognize(line knownHost) {
	name := keys.TypeName(line.key)
	k.told.say(1, "Host '%s' is known and matches the %s host key.", k.name, name)
	k.told.say(1, "Found key in %s", line)
	// Keys are learned only where ssh keeps them itself.
	k.learns = !line.said && slices.Contains(k.files, line.file)
	if line.said {
		k.file = "" // the command is the one to remember
	}
	if yes(k.host, "VisualHostKey") {
		k.notice("Host key fingerprint is %s\n%s", k.digest.Fingerprint(line.key), k.digest.Randomart(line.key))
	}
}

// exempt is NoHostAuthenticationForLocalhost; behind a proxy the other end is
// not this machine, whatever its name.
func (k *hostKeys) exempt() bool {
	if !yes(k.host, "NoHostAuthenticationForLocalhost") || given(k.host, "HostKeyAlias") != "" || k.proxied() {
		return false
	}
	tcp, ok := k.at.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// proxied tells whether something else than this machine connects.
func (k *hostKeys) proxied() bool { return k.host.ProxyJump() != "" || k.host.ProxyCommand() != "" }

// revoked finds a @revoked line for the key or for its authority.
func (k *hostKeys) revoked(key ssh.PublicKey) (knownHost, bool) {
	lines := k.known
	if k.bare != "" {
		lines = append(slices.Clone(lines), k.all.of(k.bare)...)
	}
	lines = lines.marked(markerRevoked)
	for _, candidate := range withAuthority(key) {
		if line, found := lines.find(candidate); found {
			return line, true
		}
	}
	return knownHost{}, false
}

// changed is the refusal of a key where other keys are known.
func (k *hostKeys) changed(known knownHosts, key ssh.PublicKey) error {
	old := known[len(known)-1] // the one that ssh names
	if i := slices.IndexFunc(known, func(e knownHost) bool { return e.key.Type() == key.Type() }); i >= 0 {
		old = known[i]
	}
	hint := "ssh-keygen -f " + shellescape.Quote(old.file) + " -R " + shellescape.Quote(k.name)
	switch {
	case old.said:
		hint = whereSet(k.host, "KnownHostsCommand")
	case old.wild():
		hint = "edit " + old.String()
	}
	message := "the host key of %q has changed: it shows %s %s, and %s says %s %s%s"
	if strict(k.host) == strictNo {
		message += " (StrictHostKeyChecking no does not help here: a changed key is always refused)"
	}
	return k.fail("hostkey-changed", hint, message, k.name,
		keys.TypeName(key), k.digest.Fingerprint(key), old, keys.TypeName(old.key), k.digest.Fingerprint(old.key), k.addressBeside(key, old))
}

// notice keeps what a person should hear of.
func (k *hostKeys) notice(format string, args ...any) {
	k.notices = append(k.notices, fmt.Sprintf(format, args...))
}

func (k *hostKeys) fail(code, hint, format string, args ...any) *Failure {
	return &Failure{Code: code, Hint: config.Printable(hint), Message: config.Printable(fmt.Sprintf(format, args...))}
}

// The modes of StrictHostKeyChecking.
const (
	strictYes = "yes"
	strictNo  = "no"
	strictAsk = "ask"
	strictNew = "accept-new"
)

// strict is the mode in force; ssh -G prints yes as "true", no as "false".
func strict(h *config.Host) string {
	switch value := strings.ToLower(h.Get("StrictHostKeyChecking")); value {
	case "yes", "true":
		return strictYes
	case "no", "off", "false":
		return strictNo
	case strictNew:
		return strictNew
	}
	return strictAsk
}
