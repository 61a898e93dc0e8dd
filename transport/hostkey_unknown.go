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
func (k *hostKeys) unknown(key ssh.PublicKey, note string) error {
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

func (k *hostKeys) question(key ssh.PublicKey, note string) Question {
	q := Question{
		Kind:    AskHostKey,
		Title:   config.Printable(fmt.Sprintf("The host key of %s is not known.", net.JoinHostPort(k.host.HostName(), strconv.Itoa(k.host.Port())))),
		Choices: []string{AcceptAndRemember, AcceptOnce, Refuse},
		Try:     1,
		HostKey: &HostKey{
			Type:        keys.TypeName(key),
			Fingerprint: k.digest.Fingerprint(key),
			Art:         k.digest.Randomart(key),
			Note:        joined(note, k.elsewhere(key)),
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
