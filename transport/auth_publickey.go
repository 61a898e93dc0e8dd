package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/keys"
)

// identity is a key that may be offered, or a file that may hold one.
type identity struct {
	key      *keys.Key
	explicit bool // the configuration names its file
	tried    bool // since the last partial success
}

// errSkipped is an empty passphrase: it means "not this key".
var errSkipped = errors.New("no passphrase was given")

// errTries is the end of the tries for a passphrase.
var errTries = errors.New("the passphrase was wrong")

// publickey offers the next key. One attempt is one key, so that a passphrase
// is asked for in the key's turn and each answer of the server is known.
func (a *auth) publickey() ssh.AuthMethod {
	if a.identities == nil {
		a.identities = a.prepare()
	}
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
		if err := id.key.Unlock(); err != nil {
			a.note(a.describe(id), err)
			return nil
		}
	}
	algorithms, err := a.algorithms(id.key.Public)
	if err == nil {
		err = id.key.Usable()
	}
	if err != nil {
		a.note(a.describe(id), err)
		return nil
	}
	signer, ok := id.key.Signer.(ssh.AlgorithmSigner)
	if !ok {
		return nil
	}
	t := a.begin(&trial{method: "publickey", what: a.describe(id), key: id})
	return &offered{AlgorithmSigner: signer, algorithms: algorithms, trial: t}
}

// offered is a signer that notes what became of it.
type offered struct {
	ssh.AlgorithmSigner
	algorithms []string
	trial      *trial
}

func (o *offered) Algorithms() []string { return o.algorithms }

func (o *offered) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	o.trial.signed = true
	signature, err := o.AlgorithmSigner.SignWithAlgorithm(rand, data, algorithm)
	o.trial.err = err
	return signature, err
}

// prepare orders the keys as pubkey_prepare (sshconnect2.c) does: first those
// of the agent that the configuration names, then the agent's others, then the
// files.
func (a *auth) prepare() []*identity {
	files := a.files()
	held := a.held()
	var named, others []*identity
	for _, key := range held {
		i := slices.IndexFunc(files, func(id *identity) bool { return keys.Equal(id.key.Public, key.Public) })
		switch {
		case i >= 0:
			key.Path = files[i].key.Path
			named = append(named, &identity{key: key, explicit: files[i].explicit})
			files = slices.Delete(files, i, i+1)
		case !yes(a.host, "IdentitiesOnly"):
			others = append(others, &identity{key: key})
		}
	}
	files = certified(named, files)
	return slices.Concat([]*identity{}, named, others, files)
}

// files are the identity files, each after its certificate: a server that
// knows only the authority then refuses nothing. (ssh offers the key first.)
func (a *auth) files() []*identity {
	paths, explicit := a.host.IdentityFiles()
	certificates := a.host.CertificateFiles()
	var all []*identity
	for _, path := range paths {
		if strings.EqualFold(path, "none") {
			continue
		}
		key, err := keys.Load(a.ctx, path, a.passphrase)
		if err != nil {
			if explicit || !errors.Is(err, fs.ErrNotExist) {
				a.note(path, err)
			}
			continue
		}
		for _, cert := range a.certificates(path, certificates) {
			if c, err := key.WithCertificate(cert); err == nil {
				all = append(all, &identity{key: c, explicit: explicit})
			}
		}
		all = append(all, &identity{key: key, explicit: explicit})
	}
	return all
}

// certificates are those of the CertificateFiles or, where the configuration
// names none, the one beside the key.
func (a *auth) certificates(path string, configured []string) []*ssh.Certificate {
	beside := len(configured) == 0
	if beside {
		configured = []string{path + "-cert.pub"}
	}
	var all []*ssh.Certificate
	for _, file := range configured {
		cert, err := keys.LoadCertificate(file)
		switch {
		case err == nil:
			all = append(all, cert)
		case !beside || !errors.Is(err, fs.ErrNotExist):
			a.note(file, err)
		}
	}
	return all
}

// certified lets the agent sign for the certificates of keys that only it
// holds: the certificate's own file entry could not.
func certified(named, files []*identity) []*identity {
	for _, id := range files {
		cert, ok := id.key.Public.(*ssh.Certificate)
		if !ok {
			continue
		}
		for _, holder := range named {
			if c, err := holder.key.WithCertificate(cert); err == nil {
				id.key = c
			}
		}
	}
	return files
}

// held lists the agent's keys. That there is no agent is no error; that one is
// set up and does not answer is noted.
func (a *auth) held() []*keys.Key {
	socket := agentSocket(a.host, a.env)
	if socket == "" {
		return nil
	}
	agent, err := keys.DialAgent(a.ctx, socket)
	if err != nil {
		a.note("agent", err)
		return nil
	}
	a.mu.Lock()
	a.agent = agent
	a.mu.Unlock()
	held, err := agent.Keys()
	if err != nil {
		a.note("agent", err)
	}
	return held
}

// agentSocket is where the agent listens: IdentityAgent, which may be none, a
// path, or a variable of the caller; else SSH_AUTH_SOCK (main in ssh.c). ""
// is no agent.
func agentSocket(h *config.Host, env Env) string {
	value := h.Get("IdentityAgent")
	switch {
	case value == "":
		return env.Get("SSH_AUTH_SOCK")
	case value == "none":
		return ""
	case value == "SSH_AUTH_SOCK":
		return env.Get("SSH_AUTH_SOCK")
	case strings.HasPrefix(value, "${") && strings.HasSuffix(value, "}"):
		return env.Get(value[2 : len(value)-1])
	case strings.HasPrefix(value, "$"):
		return env.Get(value[1:])
	}
	return value
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
	if yes(a.host, "BatchMode") {
		return nil, errors.New("it needs a passphrase, and BatchMode forbids asking")
	}
	if try > number(a.host, "NumberOfPasswordPrompts") {
		return nil, errTries
	}
	q := Question{
		Kind:    AskPassphrase,
		Title:   config.Printable(fmt.Sprintf("The key %s is locked.", a.tilde(path))),
		Prompts: []Prompt{{Text: "Passphrase"}},
		Try:     try,
		File:    config.Printable(path),
	}
	if try > 1 {
		q.Title = config.Printable(fmt.Sprintf("That passphrase does not open %s.", a.tilde(path)))
	}
	answer, err := a.put(q)
	if err != nil {
		return nil, err
	}
	if len(answer.Texts[0]) == 0 {
		return nil, errSkipped
	}
	return answer.Texts[0], nil
}

// describe names a key for the person.
func (a *auth) describe(id *identity) string {
	switch {
	case id.key.Path != "":
		return config.Printable(a.tilde(id.key.Path))
	case id.key.Comment != "":
		return config.Printable(fmt.Sprintf("%q of the agent", id.key.Comment))
	}
	return "a key of the agent"
}

// tilde shortens a path in the caller's home.
func (a *auth) tilde(path string) string {
	if rest, inside := strings.CutPrefix(path, strings.TrimSuffix(a.env.Get("HOME"), "/")+"/"); inside && a.env.Get("HOME") != "" {
		return "~/" + rest
	}
	return path
}

// problem is why a key was not offered.
type problem struct {
	what string
	err  error
}

func (a *auth) note(what string, err error) {
	p := problem{a.tilde(what), err}
	known := slices.ContainsFunc(a.unused, func(o problem) bool { return o.what == p.what && o.err.Error() == err.Error() })
	if !known && a.stop == nil {
		a.unused = append(a.unused, p)
	}
}
