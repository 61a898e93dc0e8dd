package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/keys"
)

// errSkipped is an empty passphrase: it means "not this key".
var errSkipped = errors.New("no passphrase was given")

// errTries is the end of the tries for a passphrase.
var errTries = errors.New("the passphrase was wrong")

// TouchStep ends LinkStatus.Step while a security key waits for a touch. There
// is no limit of time.
const TouchStep = " (touch the security key)"

// publickey offers the next key. One attempt is one key, so that a passphrase
// is asked for in the key's turn and each answer of the server is known.
func (a *auth) publickey() ssh.AuthMethod {
	a.bind()
	for len(a.identities) > 0 && !a.identities[0].tried && a.stop == nil {
		id := a.identities[0]
		id.tried = true
		// To the end: for the next factor the keys that were not tried yet
		// come first (userauth_pubkey, sshconnect2.c).
		a.identities = append(a.identities[1:], id)
		if offer := a.offer(id); offer != nil {
			return ssh.PublicKeys(offer)
		}
	}
	return nil
}

// offer makes the signer for one attempt, nil if the key can't be used.
func (a *auth) offer(id *identity) ssh.Signer {
	if id.key.Public == nil {
		a.told.say(1, "Trying private key: %s", id.key.Path)
	}
	if id.broken != nil {
		a.sayUnread(id, id.broken)
		return nil
	}
	if id.key.Public == nil {
		if err := a.unlock(id); err != nil {
			a.note(a.describe(id), err)
			return nil
		}
	}
	algorithms, err := a.algorithms(id.key.Public)
	var open *keys.PermissionError
	if err == nil {
		err = id.key.Usable()
	}
	if err != nil && !errors.As(err, &open) { // ssh finds that out when it is to sign
		a.told.say(1, "Skipping %s key %s - %v", id.key.Public.Type(), a.describe(id), err)
		a.note(a.describe(id), err)
		return nil
	}
	if err != nil && keys.IsPublic(id.key.Path) { // which others may read: it is no mistake before it is to sign
		err = nil
	}
	signer, ok := id.key.Signer.(ssh.AlgorithmSigner)
	if !ok {
		return nil
	}
	t := a.begin(&trial{method: "publickey", what: a.describe(id), key: id, err: err})
	a.told.say(1, "Offering public key: %s", id.trace())
	return &offered{AlgorithmSigner: signer, login: a, algorithms: algorithms, trial: t}
}

// offered is a signer that notes what became of it.
type offered struct {
	ssh.AlgorithmSigner
	login      *auth
	algorithms []string
	trial      *trial
}

func (o *offered) Algorithms() []string { return o.algorithms }

func (o *offered) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	o.trial.signed = true
	o.login.told.say(1, "Server accepts key: %s", o.trial.key.trace())
	began := time.Now()
	signature, err := o.sign(rand, data, algorithm)
	o.trial.took = time.Since(began)
	if err != nil {
		o.login.told.say(1, "signing failed for %s: %v", o.trial.key.trace(), err)
	}
	o.trial.err = err
	return signature, err
}

// sign reads the key first, if it is in a file: the agent takes it before it
// is used, as in load_identity_file (sshconnect2.c).
func (o *offered) sign(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	if err := o.login.unlock(o.trial.key); err != nil {
		return nil, err
	}
	if id := o.trial.key; id.key.InAgent && keys.IsSecurityKey(id.key.Public) {
		defer o.login.touch(id)() // the agent does not tell whether it waits for one
	}
	return o.AlgorithmSigner.SignWithAlgorithm(rand, data, algorithm)
}

// errPublic is an IdentityFile that was to sign and cannot.
var errPublic = errors.New("the file is the public half of the key, and no agent has the private one")

// unlock reads the private half of a key in a file, asking for its passphrase
// if there is one. The other hops of the chain, and the agent if it is to
// have the key, then have it too.
func (a *auth) unlock(id *identity) error {
	if id.key.InAgent {
		return nil
	}
	if err := id.key.Unlock(); err != nil {
		a.warnOfMode(id, err)
		if errors.Is(err, keys.ErrNoKey) {
			a.sayUnread(id, err)
		}
		if keys.IsPublic(id.key.Path) {
			return errPublic
		}
		return err
	}
	a.fresh.giveAll(a.chain)
	a.addToAgent(id)
	return nil
}

// unprotected is what ssh says of a key file that others can reach, line by
// line: sshkey_perm_ok (authfile.c), and load_identity_file (sshconnect2.c).
const unprotected = `@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@         WARNING: UNPROTECTED PRIVATE KEY FILE!          @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
%v.
It is required that your private key files are NOT accessible by others.
This private key will be ignored.
Load key "%s": bad permissions`

// warnOfMode says so where err is that others can reach the file. It is a
// notice as well, for a login that goes on with another key.
func (a *auth) warnOfMode(id *identity, err error) {
	var open *keys.PermissionError
	if !errors.As(err, &open) {
		return
	}
	shown := *open
	shown.Path = config.Printable(open.Path) // a line break in it makes no line
	for line := range strings.SplitSeq(fmt.Sprintf(unprotected, &shown, shown.Path), "\n") {
		a.told.say(LevelError, "%s", line)
	}
	if keys.IsPublic(open.Path) { // and chmod would not help
		a.notices = append(a.notices, config.Printable(fmt.Sprintf("The key %s was passed over: %v.", a.describe(id), errPublic)))
		return
	}
	a.notices = append(a.notices, config.Printable(fmt.Sprintf("The key %s was passed over: its mode is %04o, which lets others reach it. chmod 600 %s", a.describe(id), open.Mode.Perm(), a.word(open.Path))))
}

// sayUnread is what ssh says of a file that it cannot read a key from
// (load_identity_file, sshconnect2.c): an error, in the
// words of ssherr.c, where it was OpenSSL that could make nothing of it.
func (a *auth) sayUnread(id *identity, err error) {
	word := "invalid format"
	var errno syscall.Errno
	switch {
	case errors.Is(err, syscall.ENOENT):
		a.told.say(LevelError, "no such identity: %s: %s", id.key.Path, Strerror(syscall.ENOENT))
		return
	case errors.As(err, &errno):
		word = Strerror(errno)
	case errors.Is(err, keys.ErrNoKey):
		word = "error in libcrypto"
	}
	a.told.say(LevelError, "Load key \"%s\": %s", id.key.Path, word)
}

// algorithms are the signatures that PubkeyAcceptedAlgorithms lets the key
// make, in its order.
func (a *auth) algorithms(key ssh.PublicKey) ([]string, error) {
	if bits, least := keys.Bits(key), number(a.host, "RequiredRSASize"); keys.Plain(key).Type() == ssh.KeyAlgoRSA && bits < least {
		return nil, fmt.Errorf("%d bits are less than RequiredRSASize", bits)
	}
	can := keys.SignatureAlgorithms(key)
	_, certificate := key.(*ssh.Certificate)
	var may []string
	for _, name := range list(a.host, "PubkeyAcceptedAlgorithms") {
		signature, forCertificate := strings.CutSuffix(name, certSuffix)
		if forCertificate && strings.HasPrefix(name, "sk-") {
			signature += "@openssh.com" // the plain names carry it too
		}
		if forCertificate == certificate && slices.Contains(can, signature) {
			may = append(may, signature)
		}
	}
	if len(may) == 0 {
		return nil, fmt.Errorf("PubkeyAcceptedAlgorithms leaves out %s", keys.TypeName(key))
	}
	return may, nil
}

// passphrase is the keys.Passphrase of this login: load_identity_file
// (sshconnect2.c).
func (a *auth) passphrase(_ context.Context, path string, try int) ([]byte, error) {
	q := Question{Kind: AskPassphrase, Prompts: []Prompt{{Text: "Passphrase"}}, File: config.Printable(path)}
	c := claimOf(q)
	if text := a.recall(q); text != nil {
		return text, nil
	}
	a.fresh.drop(c)
	if yes(a.host, "BatchMode") {
		return nil, errors.New("it needs a passphrase, and BatchMode forbids asking")
	}
	a.asks[c]++
	if q.Try = a.asks[c]; q.Try > number(a.host, "NumberOfPasswordPrompts") {
		return nil, errTries
	}
	q.Title = config.Printable(fmt.Sprintf("The key %s is locked.", a.env.tilde(path)))
	if q.Try > 1 {
		q.Title = config.Printable(fmt.Sprintf("That passphrase does not open %s.", a.env.tilde(path)))
	}
	answer, err := a.put(q)
	if err != nil {
		return nil, err
	}
	if len(answer.Texts[0]) == 0 {
		return nil, errSkipped
	}
	a.fresh.put(c, answer.Texts[0], answer.Keep)
	return answer.Texts[0], nil
}

// token lets a key in a FIDO token sign through its file, where there is
// OpenSSH's helper for that.
func (a *auth) token(key *keys.Key) {
	helper := keys.FindHelper(a.env.Get("SSH_SK_HELPER"))
	provider := a.host.Get("SecurityKeyProvider")
	if name, variable := strings.CutPrefix(provider, "$"); variable {
		provider = a.env.Get(name)
	}
	if helper == "" || provider == "" || !keys.IsSecurityKey(key.Public) {
		return
	}
	id := &identity{key: key}
	key.UseToken(keys.Token{
		Helper: helper, Provider: provider, Env: a.env,
		Touch: func() func() { return a.touch(id) },
		PIN:   func(_ context.Context, path string) ([]byte, error) { return a.pin(key, path) },
	})
}

// touch tells the person to touch the security key, until done is called.
func (a *auth) touch(id *identity) (done func()) {
	a.told.say(1, "Confirm user presence for key %s %s", keys.TypeName(id.key.Public), keys.Fingerprint(id.key.Public))
	a.step("publickey " + a.describe(id) + TouchStep)
	return func() { a.step("publickey " + a.describe(id)) }
}

// pin asks for the PIN of a security key, once: a token locks itself after a
// few wrong ones.
func (a *auth) pin(key *keys.Key, path string) ([]byte, error) {
	if yes(a.host, "BatchMode") {
		return nil, errors.New("it needs its PIN, and BatchMode forbids asking")
	}
	answer, err := a.put(Question{
		Kind:    AskPIN,
		Title:   config.Printable(fmt.Sprintf("The security key of %s asks for its PIN.", a.env.tilde(path))),
		Prompts: []Prompt{{Text: config.Printable(fmt.Sprintf("Enter PIN for %s key %s", keys.TypeName(key.Public), path))}},
		Try:     1,
		File:    config.Printable(path),
	})
	if err != nil {
		return nil, err
	}
	return answer.Texts[0], nil
}

// describe names a key for the person.
func (a *auth) describe(id *identity) string {
	switch {
	case id.key.Path != "":
		return config.Printable(a.env.tilde(id.key.Path))
	case id.key.Comment != "":
		return config.Printable(fmt.Sprintf("%q of the agent", id.key.Comment))
	}
	return "a key of the agent"
}

// problem is why a key was not offered.
type problem struct {
	what string
	err  error
}

func (a *auth) note(what string, err error) {
	p := problem{a.env.tilde(what), err}
	known := slices.ContainsFunc(a.unused, func(o problem) bool { return o.what == p.what && o.err.Error() == err.Error() })
	if !known && a.stop == nil {
		a.unused = append(a.unused, p)
	}
}
