package transport

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/keys"
)

// unknown does with a new key what StrictHostKeyChecking says.
func (k *hostKeys) unknown(key ssh.PublicKey, note []string) error {
	switch mode := strict(k.host); {
	case (mode == strictNo || mode == strictNew) && k.file == "":
		// As in ssh: trust on first use needs a place for the second.
		return k.fail("hostkey-unknown", whereSet(k.host, "UserKnownHostsFile"),
			"the host key of %q, %s %s, is not known and there is no file to remember it in", k.name, keys.TypeName(key), k.digest.Fingerprint(key))
	case mode == strictNo, mode == strictNew:
		if name := k.remember(key); name != "" {
			k.notice("Warning: Permanently added '%s' (%s) to the list of known hosts.", name, keys.TypeName(key))
		}
		return nil
	case mode == strictYes:
		return k.fail("hostkey-unknown", "ssh -o StrictHostKeyChecking=ask "+shellescape.Quote(k.host.Name),
			"no %s host key is known for %q and StrictHostKeyChecking is yes; it shows %s", keys.TypeName(key), k.name, k.digest.Fingerprint(key))
	case yes(k.host, "BatchMode"):
		return k.fail("hostkey-unknown", "ssh -o BatchMode=no "+shellescape.Quote(k.host.Name),
			"no %s host key is known for %q and BatchMode forbids asking; it shows %s", keys.TypeName(key), k.name, k.digest.Fingerprint(key))
	}
	return k.askAbout(key, note)
}

func (k *hostKeys) askAbout(key ssh.PublicKey, note []string) error {
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
		k.learns = true
		if name := k.remember(key); name != "" {
			k.told.say(0, "Warning: Permanently added '%s' (%s) to the list of known hosts.", name, keys.TypeName(key))
		}
		return nil
	case AcceptOnce:
		return nil
	}
	return k.fail("hostkey-unknown", "", "the host key of %q, %s %s, was not accepted", k.name, keys.TypeName(key), k.digest.Fingerprint(key))
}

func (k *hostKeys) question(key ssh.PublicKey, note []string) Question {
	q := Question{
		Kind:    AskHostKey,
		Title:   config.Printable(fmt.Sprintf("The host key of %s is not known.", k.place())),
		Choices: []string{AcceptAndRemember, AcceptOnce, Refuse},
		Try:     1,
		HostKey: &HostKey{
			Type:        keys.TypeName(key),
			Fingerprint: k.digest.Fingerprint(key),
			Art:         k.digest.Randomart(key),
			Address:     k.reached(),
			Note:        strings.Join(append(note, k.elsewhere(key)...), "\n"),
		},
	}
	if k.file == "" {
		q.Choices = []string{AcceptOnce, Refuse}
	}
	return q
}

// place is where the host is said to be, and which address that led to.
func (k *hostKeys) place() string {
	place := net.JoinHostPort(k.host.HostName(), strconv.Itoa(k.host.Port()))
	if at, direct := k.at.(*net.TCPAddr); direct && !k.proxied() && at.IP.String() != k.host.HostName() {
		place += " (" + at.IP.String() + ")"
	}
	return place
}

// reached is how known_hosts calls the address that was connected to, "" where
// only a proxy knows it.
func (k *hostKeys) reached() string {
	at, direct := k.at.(*net.TCPAddr)
	if !direct || k.proxied() {
		return ""
	}
	return knownName((&net.IPAddr{IP: at.IP, Zone: at.Zone}).String(), k.host.Port())
}

// elsewhere says under which other names the key is known
// (other_hostkeys_message, sshconnect.c).
func (k *hostKeys) elsewhere(key ssh.PublicKey) []string {
	const shown = 8
	said := []string{"This host key is known by the following other names/addresses:"}
	for _, e := range k.all.marked("") {
		if !keys.Equal(e.key, key) {
			continue
		}
		names := e.names
		if e.hashed() {
			names = "[hashed name]"
		}
		said = append(said, config.Printable("    "+k.env.tilde(e.String())+": "+names))
	}
	switch more := len(said) - 1 - shown; {
	case len(said) == 1:
		return []string{"This key is not known by any other names."}
	case more > 0:
		return append(said[:1+shown], fmt.Sprintf("    (%d additional names omitted)", more))
	}
	return said
}

// remember writes the key down, for its address too if that is new, and
// returns the names under which it now stands. That it could not be written
// does not end the connection, as in ssh.
func (k *hostKeys) remember(key ssh.PublicKey) (written string) {
	if k.file == "" {
		return ""
	}
	names := []string{k.name}
	if k.address != "" && len(k.addressLines().marked("")) == 0 {
		names = append(names, k.address)
	}
	if err := rememberHost(k.file, names, key, yes(k.host, "HashKnownHosts")); err != nil {
		k.notice("Failed to add the host to the list of known hosts (%s).", k.file)
		k.told.say(1, "%v", err)
		return ""
	}
	written = strings.Join(names, ",")
	k.told.say(1, "Permanently added '%s' (%s) to the list of known hosts.", written, keys.TypeName(key))
	return written
}
