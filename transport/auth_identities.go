package transport

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"sallyport/keys"
)

// identity is a key that may be offered, or a file that may hold one.
type identity struct {
	key      *keys.Key
	explicit bool // the configuration names its file
	tried    bool // since the last partial success
	added    bool // to the agent, or it was not to be

	broken error // why the file holds no key; nil for one that may
}

// usable are the identities that may be keys.
func (a *auth) usable() []*identity {
	return slices.DeleteFunc(slices.Clone(a.identities), func(id *identity) bool { return id.broken != nil })
}

// trace is the identity in ssh's debug lines: format_identity
// (sshconnect2.c).
func (id *identity) trace() string {
	name := id.key.Path
	if name == "" {
		name = id.key.Comment
	}
	said := []string{name}
	if id.key.Public != nil {
		said = append(said, keys.TypeName(id.key.Public), keys.Fingerprint(id.key.Public))
	}
	if id.explicit {
		said = append(said, "explicit")
	}
	if id.key.InAgent {
		said = append(said, "agent")
	}
	return strings.Join(said, " ")
}

// readKeys puts the keys in order, once. It may begin before the login does, as
// ssh_userauth2 (sshconnect2.c) does it before it asks for the methods: files
// and an agent take their time, and the server takes its own meanwhile.
func (a *auth) readKeys() {
	a.reading.Do(func() {
		if !switchedOff(a.host, "PubkeyAuthentication") && slices.Contains(a.preferred(), "publickey") {
			a.identities = a.prepare(a.list)
		}
	})
}

// forgetKeys is for a login in which it never came to them: what is wrong with
// keys is not the reason why it failed.
func (a *auth) forgetKeys() {
	began := a.spent["publickey"] || slices.ContainsFunc(a.tried, func(t *trial) bool { return t.method == "publickey" })
	if !began {
		a.identities, a.unused = nil, nil
	}
}

// prepare orders the keys as pubkey_prepare (sshconnect2.c) does: the
// CertificateFiles, those of the agent that the configuration names, the
// agent's others, and the files. The agent is asked what it holds after them.
func (a *auth) prepare(held func() []*keys.Key) []*identity {
	files := a.files()
	a.held = held()
	var named, others []*identity
	passed := 0
	for _, key := range a.held {
		i := slices.IndexFunc(files, func(id *identity) bool { return keys.Equal(id.key.Public, key.Public) })
		switch {
		case i >= 0:
			key.Path = files[i].key.Path
			named = append(named, &identity{key: key, explicit: files[i].explicit})
			files = slices.Delete(files, i, i+1)
		case !yes(a.host, "IdentitiesOnly"):
			others = append(others, &identity{key: key})
		default:
			passed++
		}
	}
	all := a.signed(slices.Concat(a.certificateFiles(), named, others, files))
	switch {
	case slices.ContainsFunc(all, func(id *identity) bool { return id.broken == nil }) || a.agent == nil:
	case passed > 0:
		a.note("agent", passedError(passed))
	case !a.bound:
		a.note("agent", errNoKeys)
	}
	for _, id := range all {
		a.told.say(1, "Will attempt key: %s", id.trace())
	}
	return all
}

// files are the identity files, each with the certificate beside it where
// the configuration names none: load_public_identity_files (ssh.c).
func (a *auth) files() []*identity {
	paths, explicit := a.host.IdentityFiles()
	beside := len(a.host.CertificateFiles()) == 0
	all := []*identity{}
	for _, path := range paths {
		if strings.EqualFold(path, "none") {
			continue
		}
		key, err := keys.Load(a.ctx, path, a.passphrase)
		if err != nil {
			if explicit || !errors.Is(err, fs.ErrNotExist) {
				a.note(path, err)
				all = append(all, &identity{key: &keys.Key{Path: path}, explicit: explicit, broken: err})
			}
			continue
		}
		a.token(key)
		if a.chain != nil {
			key.Share(&a.chain.ring)
		}
		all = append(all, &identity{key: key, explicit: explicit})
		if !beside {
			continue
		}
		switch cert, err := keys.LoadCertificate(path + "-cert.pub"); {
		case err == nil:
			all = append(all, &identity{key: &keys.Key{Public: cert, Path: path}, explicit: explicit})
		case !errors.Is(err, fs.ErrNotExist):
			a.note(path+"-cert.pub", err)
		}
	}
	return all
}

// certificateFiles are those that the configuration names.
func (a *auth) certificateFiles() []*identity {
	var all []*identity
	for _, path := range a.host.CertificateFiles() {
		cert, err := keys.LoadCertificate(path)
		if err != nil {
			a.note(path, err)
			continue
		}
		all = append(all, &identity{key: &keys.Key{Public: cert, Path: path}, explicit: true})
	}
	return all
}

// errAlone is a certificate that nothing can sign for.
var errAlone = errors.New("its key is neither in the agent nor in an IdentityFile")

// signed lets each certificate sign by its key, wherever that is:
// sign_and_send_pubkey (sshconnect2.c). One that can't is left out.
func (a *auth) signed(all []*identity) []*identity {
	return slices.DeleteFunc(slices.Clone(all), func(id *identity) bool {
		cert, ok := id.key.Public.(*ssh.Certificate)
		if !ok || id.key.InAgent {
			return false
		}
		for _, holder := range all {
			if key, err := holder.key.WithCertificate(cert); err == nil {
				key.Path = id.key.Path
				id.key = key
				return false
			}
		}
		a.note(id.key.Path, errAlone)
		return true
	})
}
