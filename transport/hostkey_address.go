package transport

import (
	"errors"
	"fmt"
	"net"
	"slices"

	"al.essio.dev/pkg/shellescape"
	"golang.org/x/crypto/ssh"

	"sallyport/keys"
)

// addressName is how known_hosts calls the IP address that CheckHostIP is to
// compare, "" where there is nothing to compare: the name is an address
// itself, the other end is this machine, or only a proxy knows the address.
func (k *hostKeys) addressName() string {
	name := k.reached()
	if name == "" || name == k.name || !yes(k.host, "CheckHostIP") || k.at.(*net.TCPAddr).IP.IsLoopback() {
		return ""
	}
	return name
}

// addressLines are the lines of the address.
func (k *hostKeys) addressLines() knownHosts { return k.all.of(k.address) }

// checkAddress compares an accepted key with those known for the address.
// line is where the name has it, nil where the name was new.
func (k *hostKeys) checkAddress(key ssh.PublicKey, line *knownHost) error {
	if k.address == "" {
		return nil
	}
	said, err := k.command(invokedForAddress, k.address, key)
	if err != nil {
		return err
	}
	known := append(k.addressLines(), said...).marked("")
	if _, found := known.find(key); found {
		return nil
	}
	if len(known) == 0 {
		if line != nil {
			k.rememberAddress(key)
		}
		return nil
	}
	return k.addressDiffers(key, known[len(known)-1], line)
}

// rememberAddress writes a known key down for its address, whatever
// StrictHostKeyChecking says.
func (k *hostKeys) rememberAddress(key ssh.PublicKey) {
	name := keys.TypeName(key)
	if k.file == "" {
		k.notice("%s host key for IP address '%s' not in list of known hosts.", name, k.address)
		return
	}
	if err := rememberHost(k.file, []string{k.address}, key, yes(k.host, "HashKnownHosts")); err != nil {
		k.notice("Failed to add the %s host key for IP address '%s' to the list of known hosts: %v", name, k.address, err)
		return
	}
	k.notice("Warning: Permanently added the %s host key for IP address '%s' to the list of known hosts.", name, k.address)
}

// addressDiffers does with a key that is good for the name but not for the
// address what StrictHostKeyChecking says.
func (k *hostKeys) addressDiffers(key ssh.PublicKey, old knownHost, line *knownHost) error {
	places := "Offending key for IP in " + old.String() + "."
	if line != nil {
		places += " Matching host key in " + line.String() + "."
	}
	said := fmt.Sprintf("the %s host key for '%s' differs from the key for the IP address '%s'", keys.TypeName(key), k.name, k.address)
	if strict(k.host) == strictNo {
		k.notice("Warning: %s\n%s", said, places)
		return nil
	}
	refused := k.fail("hostkey-changed", "ssh-keygen -f "+shellescape.Quote(old.file)+" -R "+shellescape.Quote(k.address), "%s: %s", said, places)
	if strict(k.host) != strictAsk || yes(k.host, "BatchMode") {
		return refused
	}
	q := k.question(key, []string{places})
	q.Title = "Warning: " + said + "."
	q.Choices = []string{AcceptOnce, Refuse}
	answer, err := k.ask(k.ctx, q)
	if err != nil && !errors.Is(err, ErrCancelled) {
		return err
	}
	defer answer.Wipe()
	if err != nil || !slices.Contains([]string{AcceptOnce, AcceptAndRemember}, answer.Choice) {
		return refused
	}
	return nil
}

// addressBeside says, where the key of a name has changed, whether the address
// has changed with it: a name that leads elsewhere (DNS spoofing) looks so.
func (k *hostKeys) addressBeside(key ssh.PublicKey, old knownHost) string {
	if k.address == "" {
		return ""
	}
	known := k.addressLines().marked("")
	state := "is known with a different value"
	if len(known) == 0 {
		state = "is unknown"
	} else if _, found := known.find(key); found {
		state = "is unchanged"
	} else if keys.Equal(known[len(known)-1].key, old.key) {
		return "" // both have changed, as after a new installation
	}
	return fmt.Sprintf("; the key for its address %s %s, so either the name leads elsewhere now (DNS spoofing) or name and key have changed together", k.address, state)
}
