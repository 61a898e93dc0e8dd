package transport

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/ssh"

	"sallyport/keys"
)

const (
	hostKeysRequest = "hostkeys-00@openssh.com"       // [PROTOCOL] section 2.5
	proveRequest    = "hostkeys-prove-00@openssh.com" // the same

	// mostHostKeys is how many keys a server may offer: as many as sshd can
	// have (MAX_HOSTKEYS, servconf.h).
	mostHostKeys = 256
)

// hostKeyOffers has room for the keys that a server offers on one connection.
type hostKeyOffers chan []byte

func newHostKeyOffers() hostKeyOffers { return make(hostKeyOffers, 1) }

// from takes the first offer out of a server's requests and hands on the rest.
// Its goroutine ends with the connection, which closes requests.
func (o hostKeyOffers) from(requests <-chan *ssh.Request) <-chan *ssh.Request {
	rest := make(chan *ssh.Request)
	go func() {
		defer close(rest)
		offered := false
		for r := range requests {
			switch {
			case r.Type != hostKeysRequest:
				rest <- r
				continue
			case !offered:
				o <- r.Payload
				offered = true
			}
			if r.WantReply {
				_ = r.Reply(false, nil) // sshd wants none; without a connection nobody does
			}
		}
	}()
	return rest
}

// learnHostKeys does UpdateHostKeys on a connection: it takes over the keys
// that the server offers and can prove (client_input_hostkeys, clientloop.c).
func (c dialCall) learnHostKeys(conn *Conn, trust *hostKeys, offers hostKeyOffers) {
	if !trust.mayLearn() {
		return
	}
	c.link.set.wg.Go(func() { // ends with conn
		select {
		case offer := <-offers:
			ctx, cancel := conn.lifetime(c.link.set.ctx)
			defer cancel()
			if err := trust.learn(ctx, conn, offer, c.askAside); err != nil && conn.Err() == nil {
				c.showOn(conn, fmt.Sprintf("the host keys that %q offers were not taken over: %v", trust.name, err))
			}
		case <-conn.Done():
		}
	})
}

// lifetime is a context that ends with the connection.
func (c *Conn) lifetime(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() { // ends with ctx
		select {
		case <-c.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// showOn shows what is said about a connection that is up.
func (c dialCall) showOn(conn *Conn, text string) {
	c.link.do(func() {
		if o := &c.link.owned; o.conn == conn || o.attempt == c.attempt {
			c.link.addBanner(text)
		}
	})
}

// mayLearn tells whether UpdateHostKeys may act on this connection.
func (k *hostKeys) mayLearn() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.learns {
		k.told.say(1, "hostkey not known or explicitly trusted: disabling UpdateHostkeys")
		return false
	}
	asks := strings.EqualFold(k.host.Get("UpdateHostKeys"), "ask")
	return yes(k.host, "UpdateHostKeys") || asks && !yes(k.host, "BatchMode")
}

// learn takes over an offer. That it can't be is no error where ssh passes
// over it in silence.
func (k *hostKeys) learn(ctx context.Context, conn *Conn, offer []byte, ask askFunc) error {
	offered, err := k.parseOffer(offer)
	if err != nil || len(offered) == 0 {
		return err
	}
	change, why := k.compare(offered)
	if why != "" {
		k.told.say(1, "%s", why)
		return nil
	}
	if len(change.unseen) > 0 {
		k.told.say(3, "asking server to prove ownership for %d keys", len(change.unseen))
		if err := conn.prove(ctx, change.unseen); err != nil {
			return err
		}
	}
	for _, key := range change.unseen {
		k.told.say(1, "Learned new hostkey: %s %s", keys.TypeName(key), k.digest.Fingerprint(key))
	}
	for _, key := range change.old {
		k.told.say(1, "Deprecating obsolete hostkey: %s %s", keys.TypeName(key), k.digest.Fingerprint(key))
	}
	if !yes(k.host, "UpdateHostKeys") && !k.agreed(ctx, change, ask) {
		return nil
	}
	return k.takeOver(change)
}

// parseOffer reads the keys of a hostkeys-00 request that HostKeyAlgorithms
// has a use for.
func (k *hostKeys) parseOffer(offer []byte) ([]ssh.PublicKey, error) {
	var offered []ssh.PublicKey
	count := 0
	for s := cryptobyte.String(offer); !s.Empty(); count++ {
		var blob cryptobyte.String
		if !readString(&s, &blob) {
			return nil, fmt.Errorf("the offer is cut short after %d keys", count)
		}
		if count == mostHostKeys {
			return nil, fmt.Errorf("there are more than %d", mostHostKeys)
		}
		key, err := ssh.ParsePublicKey(blob)
		if err != nil || !k.uses(key) {
			k.told.say(3, "host key %d of the server is of no use here", count+1)
			continue
		}
		k.told.say(3, "received %s key %s", keys.TypeName(key), k.digest.Fingerprint(key))
		if slices.ContainsFunc(offered, func(o ssh.PublicKey) bool { return keys.Equal(o, key) }) {
			return nil, fmt.Errorf("the %s key %s comes twice", keys.TypeName(key), k.digest.Fingerprint(key))
		}
		offered = append(offered, key)
	}
	return offered, nil
}

// uses tells whether a plain key is of a type that may be asked for.
func (k *hostKeys) uses(key ssh.PublicKey) bool {
	return slices.ContainsFunc(k.algs, func(a string) bool { return !isCertAlgorithm(a) && hostKeyType(a) == key.Type() })
}

// keyChange is what an offer changes in the user's files.
type keyChange struct {
	names   []string        // of the host in known_hosts
	offered []ssh.PublicKey // all that it shall have
	unseen  []ssh.PublicKey // those that stand nowhere yet
	old     []ssh.PublicKey // those that it has no more
}

// compare looks for the offered keys in the user's files. why tells why they
// are left as they are: hostkeys_find and what follows it (clientloop.c).
func (k *hostKeys) compare(offered []ssh.PublicKey) (change keyChange, why string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change = keyChange{names: []string{k.name}, offered: offered}
	if k.address != "" {
		change.names = append(change.names, k.address)
	}
	var ours, others knownHosts
	for _, e := range readKnownHosts(k.files, nil) {
		if len(e.matching(change.names)) > 0 {
			ours = append(ours, e)
		} else {
			others = append(others, e)
		}
	}
	incomplete := false
	for _, key := range offered {
		missing := slices.Clone(change.names)
		for _, e := range ours {
			if keys.Equal(e.key, key) {
				missing = slices.DeleteFunc(missing, e.matches)
			}
		}
		if _, seen := ours.find(key); !seen {
			change.unseen = append(change.unseen, key)
		} else if len(missing) > 0 {
			incomplete = true
		}
	}
	has := func(all []ssh.PublicKey) func(knownHost) bool {
		return func(e knownHost) bool {
			return slices.ContainsFunc(all, func(key ssh.PublicKey) bool { return keys.Equal(e.key, key) })
		}
	}
	for _, e := range ours {
		if !has(offered)(e) {
			change.old = append(change.old, e.key)
		}
	}
	switch {
	case len(change.unseen) == 0 && len(change.old) == 0 && !incomplete:
		why = "no new or deprecated keys from server"
	case slices.ContainsFunc(ours, knownHost.byHand):
		why = "CA/revocation marker, manual host list or wildcard host pattern found, skipping UserKnownHostsFile update"
	case slices.ContainsFunc(others, has(offered)) || k.address != "" && slices.ContainsFunc(ours, change.pairsOtherwise):
		why = "host key found matching a different name/address, skipping UserKnownHostsFile update"
	case slices.ContainsFunc(others, has(change.old)):
		why = "key(s) for " + strings.Join(change.names, ",") + " exist under other names; skipping UserKnownHostsFile update"
	}
	return change, why
}

// byHand tells a line that ssh never writes: hostspec_is_complex
// (clientloop.c).
func (e knownHost) byHand() bool {
	return e.marker != "" || strings.ContainsAny(e.names, "*?") || strings.Count(e.names, ",") > 1
}

// pairsOtherwise tells a line that has the host's name with another address,
// or its address with another name.
func (c keyChange) pairsOtherwise(e knownHost) bool {
	return strings.Contains(e.names, ",") && len(e.matching(c.names)) < len(c.names)
}

// agreed asks what ssh asks with UpdateHostKeys ask.
func (k *hostKeys) agreed(ctx context.Context, change keyChange, ask askFunc) bool {
	var lines []string
	for _, key := range change.unseen {
		lines = append(lines, fmt.Sprintf("Learned new hostkey: %s %s", keys.TypeName(key), k.digest.Fingerprint(key)))
	}
	for _, key := range change.old {
		lines = append(lines, fmt.Sprintf("Deprecating obsolete hostkey: %s %s", keys.TypeName(key), k.digest.Fingerprint(key)))
	}
	const tries = 3
	for try := 1; try <= tries; try++ {
		answer, err := ask(ctx, Question{
			Kind:        AskInteractive,
			Title:       "The server has updated its host keys. These changes were verified by the server's existing trusted key.",
			Instruction: strings.Join(lines, "\n"),
			Prompts:     []Prompt{{Text: "Accept updated hostkeys? (yes/no): ", Echo: true}},
			Try:         try,
		})
		if err != nil || len(answer.Texts) != 1 {
			return false
		}
		word := strings.ToLower(strings.TrimSpace(string(answer.Texts[0])))
		answer.Wipe()
		if word == "yes" || word == "no" {
			return word == "yes"
		}
	}
	return false
}

// takeOver writes a change down: the keys go into the first file, and leave
// the others.
func (k *hostKeys) takeOver(change keyChange) error {
	for i, file := range k.files {
		var keep []ssh.PublicKey
		if i == 0 {
			keep = change.offered
		}
		if err := replaceKnownHosts(file, change.names, keep, yes(k.host, "HashKnownHosts")); err != nil {
			return err
		}
	}
	return nil
}
