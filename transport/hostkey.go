package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/keys"
)

// hostKeys judges the host keys of one host as check_host_key (sshconnect.c)
// does, with one deviation: a changed or revoked key is always refused, where
// StrictHostKeyChecking no lets ssh go on without passwords.
type hostKeys struct {
	ctx  context.Context
	host *config.Host
	ask  askFunc
	told tracer

	name  string     // in known_hosts: alias, host, or [host]:port
	bare  string     // the same without a port; "" if that is not to be tried
	file  string     // where accepted keys go; "" for nowhere
	all   knownHosts // every line
	known knownHosts // the lines of this host
	algs  []string

	// trusted is the key accepted on this connection: a key exchange during
	// the connection asks again. Touched by check only, whose calls follow
	// one another.
	trusted ssh.PublicKey
	unsaved error
}

// newHostKeys reads the known_hosts files that h names. It fails where none
// of the host's HostKeyAlgorithms is known here.
func newHostKeys(ctx context.Context, h *config.Host, _ Env, ask askFunc) (*hostKeys, error) {
	k := &hostKeys{ctx: ctx, host: h, ask: ask}
	if alias := given(h, "HostKeyAlias"); alias != "" {
		k.name = strings.ToLower(alias)
	} else {
		k.name = knownName(h.HostName(), h.Port())
		if bare := knownName(h.HostName(), 0); bare != k.name {
			k.bare = bare
		}
	}
	user := paths(h, "UserKnownHostsFile")
	if len(user) > 0 && recordable(h.HostName()) {
		k.file = user[0]
	}
	k.all = readKnownHosts(append(user, paths(h, "GlobalKnownHostsFile")...))
	k.known = k.all.of(k.name)
	k.algs = orderHostKeyAlgorithms(list(h, "HostKeyAlgorithms"), k.known)
	if len(k.algs) == 0 {
		return nil, &Failure{
			Code:    CodeConfig,
			Message: config.Printable(fmt.Sprintf("none of the HostKeyAlgorithms of %q is supported: %s", h.Name, h.Get("HostKeyAlgorithms"))),
			Hint:    whereSet(h, "HostKeyAlgorithms"),
		}
	}
	return k, nil
}

// recordable tells whether a name can stand in a known_hosts file without
// meaning something else there (check_host_key, sshconnect.c).
func recordable(name string) bool { return !strings.ContainsAny(name, "@?*#[]|'\"\\ \t\r\n") }

// algorithms are for ssh.ClientConfig.HostKeyAlgorithms.
func (k *hostKeys) algorithms() []string { return k.algs }

// orderHostKeyAlgorithms puts those algorithms first whose keys are known for
// the host, so that a server with several keys shows one that can be checked:
// order_hostkeyalgs (sshconnect2.c). What x/crypto/ssh can't verify is left
// out.
func orderHostKeyAlgorithms(wanted []string, known knownHosts) []string {
	supported := append(ssh.SupportedAlgorithms().HostKeys, ssh.InsecureAlgorithms().HostKeys...)
	wanted = slices.DeleteFunc(slices.Clone(wanted), func(a string) bool { return !slices.Contains(supported, a) })
	plain := known.marked("")
	if len(wanted) == 0 || plain.has(hostKeyType(wanted[0])) {
		return wanted
	}
	certified := len(known.marked(markerAuthority)) > 0
	var first, last []string
	for _, a := range wanted {
		if certified && isCertAlgorithm(a) || plain.has(hostKeyType(a)) {
			first = append(first, a)
		} else {
			last = append(last, a)
		}
	}
	return append(first, last...)
}

const certSuffix = "-cert-v01@openssh.com"

func isCertAlgorithm(algorithm string) bool { return strings.HasSuffix(algorithm, certSuffix) }

// hostKeyType is the plain key type that an algorithm signs with.
func hostKeyType(algorithm string) string {
	switch algorithm = strings.TrimSuffix(algorithm, certSuffix); algorithm {
	case ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512:
		return ssh.KeyAlgoRSA
	}
	return algorithm
}

// check is the ssh.HostKeyCallback. Its errors are *Failure.
func (k *hostKeys) check(_ string, remote net.Addr, key ssh.PublicKey) error {
	k.told.say(1, "Server host key: %s %s", key.Type(), keys.Fingerprint(key))
	if keys.Equal(k.trusted, key) {
		return nil
	}
	if err := k.judge(remote, key); err != nil {
		return err
	}
	k.trusted = key
	return nil
}

// warning says what went wrong without ending the connection: that an
// accepted key could not be written down. "" if nothing did.
func (k *hostKeys) warning() string {
	if k.unsaved == nil {
		return ""
	}
	return config.Printable(k.unsaved.Error())
}

func (k *hostKeys) judge(remote net.Addr, key ssh.PublicKey) error {
	if err := k.listedAsRevoked(key); err != nil {
		return err
	}
	if k.exempt(remote) {
		return nil
	}
	if line, revoked := k.revoked(key); revoked {
		return k.fail("hostkey-revoked", "edit "+line.String(),
			"the %s host key of %q, %s, is marked as revoked in %s: somebody may have stolen it",
			keys.TypeName(key), k.name, keys.Fingerprint(key), line)
	}
	if bits, least := keys.Bits(key), number(k.host, "RequiredRSASize"); keys.Plain(key).Type() == ssh.KeyAlgoRSA && bits < least {
		return k.fail("hostkey-unknown", whereSet(k.host, "RequiredRSASize"),
			"the RSA host key of %q has %d bits where RequiredRSASize asks for %d", k.name, bits, least)
	}
	note := ""
	if cert, ok := key.(*ssh.Certificate); ok {
		err := k.certified(cert)
		if err == nil {
			return nil
		}
		// ssh goes on with the key in the certificate.
		note, key = "Its certificate was not accepted: "+err.Error()+".", cert.Key
	}
	return k.judgePlain(key, note)
}

func (k *hostKeys) judgePlain(key ssh.PublicKey, note string) error {
	known := k.known.marked("")
	if _, found := known.find(key); found {
		return nil
	}
	if len(known) > 0 {
		return k.changed(known, key)
	}
	// A key that is known for port 22 is good for the other ports.
	if k.bare != "" {
		if _, found := k.all.of(k.bare).marked("").find(key); found {
			return nil
		}
	}
	return k.unknown(key, note)
}

// exempt is NoHostAuthenticationForLocalhost; behind a proxy the other end is
// not this machine, whatever its name.
func (k *hostKeys) exempt(remote net.Addr) bool {
	if !yes(k.host, "NoHostAuthenticationForLocalhost") || given(k.host, "HostKeyAlias") != "" ||
		k.host.ProxyJump() != "" || k.host.ProxyCommand() != "" {
		return false
	}
	tcp, ok := remote.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

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

// withAuthority is a key, and for a certificate its key and its authority.
func withAuthority(key ssh.PublicKey) []ssh.PublicKey {
	if cert, ok := key.(*ssh.Certificate); ok {
		return []ssh.PublicKey{cert, cert.Key, cert.SignatureKey}
	}
	return []ssh.PublicKey{key}
}

// listedAsRevoked looks into the RevokedHostKeys file. As in ssh, every host
// is refused when it can't be read.
func (k *hostKeys) listedAsRevoked(key ssh.PublicKey) error {
	file := given(k.host, "RevokedHostKeys")
	if file == "" {
		return nil
	}
	file, err := k.host.Expand(file)
	var data []byte
	if err == nil {
		data, err = os.ReadFile(file)
	}
	if err == nil && bytes.HasPrefix(data, []byte("SSHKRL\n\x00")) {
		err = fmt.Errorf("%q is a binary list, which only ssh reads", file)
	}
	if err != nil {
		return k.fail("hostkey-revoked", whereSet(k.host, "RevokedHostKeys"), "reading RevokedHostKeys: %v", err)
	}
	number := 0
	for line := range bytes.Lines(data) {
		number++
		listed, _, ok := keys.ParsePublic(line)
		if ok && slices.ContainsFunc(withAuthority(key), func(c ssh.PublicKey) bool { return keys.Equal(c, listed) }) {
			return k.fail("hostkey-revoked", "edit "+file+":"+strconv.Itoa(number),
				"the %s host key of %q, %s, is revoked by %s:%d", keys.TypeName(key), k.name, keys.Fingerprint(key), file, number)
		}
	}
	return nil
}

// certified checks a host certificate against the @cert-authority lines.
func (k *hostKeys) certified(cert *ssh.Certificate) error {
	authorities := k.known.marked(markerAuthority)
	if k.bare != "" {
		authorities = append(authorities, k.all.of(k.bare).marked(markerAuthority)...)
	}
	if _, found := authorities.find(cert.SignatureKey); !found {
		return errors.New("its authority is not known")
	}
	if cert.CertType != ssh.HostCert {
		return errors.New("it is not a host certificate")
	}
	if allowed := list(k.host, "CASignatureAlgorithms"); len(allowed) > 0 && !slices.Contains(allowed, cert.Signature.Format) {
		return fmt.Errorf("it is signed with %s, which CASignatureAlgorithms leaves out", config.Printable(cert.Signature.Format))
	}
	principal := given(k.host, "HostKeyAlias")
	if principal == "" {
		principal = strings.ToLower(k.host.HostName())
	}
	if err := new(ssh.CertChecker).CheckCert(principal, cert); err != nil {
		return errors.New(config.Printable(strings.TrimPrefix(err.Error(), "ssh: ")))
	}
	return nil
}

// changed is the refusal of a key where other keys are known.
func (k *hostKeys) changed(known knownHosts, key ssh.PublicKey) error {
	old := known[len(known)-1] // the one that ssh names
	if i := slices.IndexFunc(known, func(e knownHost) bool { return e.key.Type() == key.Type() }); i >= 0 {
		old = known[i]
	}
	hint := "ssh-keygen -f " + quote(old.file) + " -R " + quote(k.name)
	if old.wild() {
		hint = "edit " + old.String()
	}
	message := "the host key of %q has changed: it shows %s %s, and %s says %s %s"
	if strict(k.host) == strictNo {
		message += " (StrictHostKeyChecking no does not help here: a changed key is always refused)"
	}
	return k.fail("hostkey-changed", hint, message, k.name,
		keys.TypeName(key), keys.Fingerprint(key), old, keys.TypeName(old.key), keys.Fingerprint(old.key))
}

// unknown does with a new key what StrictHostKeyChecking says.
func (k *hostKeys) unknown(key ssh.PublicKey, note string) error {
	switch mode := strict(k.host); {
	case (mode == strictNo || mode == strictNew) && k.file == "":
		// As in ssh: trust on first use needs a place for the second.
		return k.fail("hostkey-unknown", whereSet(k.host, "UserKnownHostsFile"),
			"the host key of %q, %s %s, is not known and there is no file to remember it in", k.name, keys.TypeName(key), keys.Fingerprint(key))
	case mode == strictNo, mode == strictNew:
		k.remember(key)
		return nil
	case mode == strictYes:
		return k.fail("hostkey-unknown", "ssh -o StrictHostKeyChecking=ask "+quote(k.host.Name),
			"no %s host key is known for %q and StrictHostKeyChecking is yes; it shows %s", keys.TypeName(key), k.name, keys.Fingerprint(key))
	case yes(k.host, "BatchMode"):
		return k.fail("hostkey-unknown", "ssh -o BatchMode=no "+quote(k.host.Name),
			"no %s host key is known for %q and BatchMode forbids asking; it shows %s", keys.TypeName(key), k.name, keys.Fingerprint(key))
	}
	return k.askAbout(key, note)
}

func (k *hostKeys) askAbout(key ssh.PublicKey, note string) error {
	answer, err := k.ask(k.ctx, k.question(key, note))
	if errors.Is(err, ErrCancelled) {
		return k.fail(CodeCancelled, "", "whether to accept the host key of %q was not answered", k.name)
	}
	if err != nil {
		return err
	}
	defer answer.Wipe()
	switch answer.Choice {
	case AcceptAndRemember:
		k.remember(key)
		return nil
	case AcceptOnce:
		return nil
	}
	return k.fail("hostkey-unknown", "", "the host key of %q, %s %s, was not accepted", k.name, keys.TypeName(key), keys.Fingerprint(key))
}

func (k *hostKeys) question(key ssh.PublicKey, note string) Question {
	q := Question{
		Kind:    AskHostKey,
		Title:   config.Printable(fmt.Sprintf("The host key of %s is not known.", net.JoinHostPort(k.host.HostName(), strconv.Itoa(k.host.Port())))),
		Choices: []string{AcceptAndRemember, AcceptOnce, Refuse},
		Try:     1,
		HostKey: &HostKey{
			Type:        keys.TypeName(key),
			Fingerprint: keys.Fingerprint(key),
			Art:         keys.Randomart(key),
			Note:        strings.TrimSpace(note + " " + k.elsewhere(key)),
		},
	}
	if k.file == "" {
		q.Choices = []string{AcceptOnce, Refuse}
	}
	return q
}

// elsewhere says under which other names the key is known, as ssh does.
func (k *hostKeys) elsewhere(key ssh.PublicKey) string {
	const shown = 5
	var places []string
	for _, e := range k.all.marked("") {
		if !keys.Equal(e.key, key) {
			continue
		}
		names := e.names
		if e.hashed() {
			names = "[hashed name]"
		}
		places = append(places, config.Printable(names+" ("+e.String()+")"))
	}
	switch more := len(places) - shown; {
	case len(places) == 0:
		return "This key is not known by any other names."
	case more > 0:
		places = append(places[:shown], fmt.Sprintf("%d more", more))
	}
	return "This key is known by other names: " + strings.Join(places, ", ") + "."
}

// remember writes the key down. That it could not be written does not end the
// connection, as in ssh.
func (k *hostKeys) remember(key ssh.PublicKey) {
	if k.file != "" {
		k.unsaved = rememberHost(k.file, k.name, key, yes(k.host, "HashKnownHosts"))
	}
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
