package demo

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	_ "embed"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"
)

// identities are the made keys of people, by file name.
type identities map[string]madeKey

// madeKey is a key pair as its two files.
type madeKey struct {
	private []byte // PEM, encrypted if the identity has a passphrase
	public  ssh.PublicKey
	comment string
}

func makeIdentities() (identities, error) {
	made := identities{}
	for _, id := range people {
		key, err := id.generate()
		if err != nil {
			return nil, fmt.Errorf("making the key %q: %w", id.file, err)
		}
		made[id.file] = key
	}
	return made, nil
}

func (id identity) generate() (madeKey, error) {
	key, err := newKey(id.kind)
	if err != nil {
		return madeKey{}, err
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		return madeKey{}, err
	}
	block, err := id.marshal(key)
	if err != nil {
		return madeKey{}, err
	}
	return madeKey{pem.EncodeToMemory(block), signer.PublicKey(), id.comment}, nil
}

func (id identity) marshal(key crypto.Signer) (*pem.Block, error) {
	if id.passphrase == "" {
		return ssh.MarshalPrivateKey(key, id.comment)
	}
	return ssh.MarshalPrivateKeyWithPassphrase(key, id.comment, []byte(id.passphrase))
}

// newKey makes an "ecdsa" (521 bits), "rsa" (2048 bits: quick, and good enough
// for a day on loopback) or "ed25519" key.
func newKey(kind string) (crypto.Signer, error) {
	switch kind {
	case "ecdsa":
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "rsa":
		return rsa.GenerateKey(rand.Reader, 2048)
	default:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
}

// hostKeys are the host keys of one host.
type hostKeys struct {
	ed25519 ssh.Signer
	rsa     ssh.Signer    // nil if it has none
	former  ssh.PublicKey // the key that it had before it was set up anew, nil if it was not
}

func makeHostKeys() (map[string]hostKeys, error) {
	made := map[string]hostKeys{}
	for _, h := range hosts {
		keys, err := h.generateKeys()
		if err != nil {
			return nil, fmt.Errorf("making the host keys of %q: %w", h.name, err)
		}
		made[h.name] = keys
	}
	return made, nil
}

func (h *host) generateKeys() (keys hostKeys, err error) {
	if keys.ed25519, err = newSigner("ed25519"); err != nil {
		return keys, err
	}
	if h.rsa {
		if keys.rsa, err = newSigner("rsa"); err != nil {
			return keys, err
		}
	}
	if h.known == knownOther {
		former, err := newSigner("ed25519")
		if err != nil {
			return keys, err
		}
		keys.former = former.PublicKey()
	}
	return keys, nil
}

func newSigner(kind string) (ssh.Signer, error) {
	key, err := newKey(kind)
	if err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(key)
}

// knownHostsLine is what known_hosts says of h, "" for nothing (sshd(8), "SSH
// KNOWN_HOSTS FILE FORMAT").
func (h *host) knownHostsLine(keys hostKeys) string {
	name := h.name
	if h.knownAs != "" {
		name = h.knownAs
	}
	key := keys.ed25519.PublicKey()
	switch h.known {
	case knownNothing:
		return ""
	case knownRSA:
		key = keys.rsa.PublicKey()
	case knownOther:
		key = keys.former
	}
	return name + " " + string(ssh.MarshalAuthorizedKey(key))
}

// writeHome writes what a client finds in its home: keys, known_hosts, the
// configuration, and the directories for the background process.
func (n *Network) writeHome(ids identities, keys map[string]hostKeys) error {
	for _, dir := range []string{".ssh", "run", "state"} {
		if err := os.Mkdir(filepath.Join(n.dir, dir), 0o700); err != nil {
			return err
		}
	}
	for file, key := range ids {
		public := strings.TrimSuffix(string(ssh.MarshalAuthorizedKey(key.public)), "\n") + " " + key.comment + "\n"
		if err := os.WriteFile(n.ssh(file+".pub"), []byte(public), 0o644); err != nil {
			return err
		}
		if err := os.WriteFile(n.ssh(file), key.private, 0o600); err != nil {
			return err
		}
	}
	if err := os.WriteFile(n.ssh("known_hosts"), knownHosts(keys), 0o600); err != nil {
		return err
	}
	config, err := n.configText()
	if err != nil {
		return err
	}
	return os.WriteFile(n.Config(), config, 0o600)
}

func knownHosts(keys map[string]hostKeys) []byte {
	var text bytes.Buffer
	for _, h := range hosts {
		text.WriteString(h.knownHostsLine(keys[h.name]))
	}
	return text.Bytes()
}

//go:embed ssh_config.tmpl
var configTemplate string

// configText is the configuration with this network's ports and paths.
func (n *Network) configText() ([]byte, error) {
	text, err := fill(configTemplate, map[string]func(string) (string, error){
		"port":       n.port,
		"file":       func(name string) (string, error) { return quoted(n.ssh(name)), nil },
		"password":   func(string) (string, error) { return password, nil },
		"code":       func(string) (string, error) { return oneTimeCode, nil },
		"passphrase": func(file string) (string, error) { return passphraseOf(file), nil },
		"inner":      func(name string) (string, error) { return innerName(name), nil },
		"moved":      func(name string) (string, error) { return n.moved(name), nil },
	})
	return []byte(text), err
}

// fill replaces each {{word}} and {{word "argument"}} in a text by what the
// word means. text/template would do more, and calls methods by their names:
// for that the linker keeps every method of the whole program, a sixth of its
// size (the "ReflectMethod" of cmd/link).
func fill(text string, words map[string]func(argument string) (string, error)) (string, error) {
	var filled strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{{")
		filled.WriteString(before)
		if !found {
			return filled.String(), nil
		}
		call, after, _ := strings.Cut(rest, "}}")
		word, argument, _ := strings.Cut(call, " ")
		mean, known := words[word]
		if !known {
			return "", fmt.Errorf("%q is not to be filled in", word)
		}
		value, err := mean(strings.Trim(argument, `"`))
		if err != nil {
			return "", err
		}
		filled.WriteString(value)
		text = after
	}
}

// moved says so where a host does not listen on the port that it should have.
func (n *Network) moved(name string) string {
	if usual := hostNamed(name).port; n.ports[name] != usual {
		return fmt.Sprintf(" (%d was taken)", usual)
	}
	return ""
}

func (n *Network) port(name string) (string, error) {
	port, ok := n.ports[name]
	if !ok {
		return "", fmt.Errorf("%q does not listen", name)
	}
	return strconv.Itoa(port), nil
}

// hostNamed is the host with that alias, nil if there is none.
func hostNamed(name string) *host {
	for _, h := range hosts {
		if h.name == name {
			return h
		}
	}
	return nil
}

// innerName is the name by which other hosts know an inner host.
func innerName(name string) string {
	address, _, _ := strings.Cut(hostNamed(name).inner, ":")
	return address
}

func passphraseOf(file string) string {
	for _, id := range people {
		if id.file == file {
			return id.passphrase
		}
	}
	return ""
}

// quoted is a path as ssh_config takes it: slashes on every system (in quotes
// a backslash escapes), "%" doubled because tokens are expanded, quotes
// because a home directory may have a space in its name.
func quoted(path string) string {
	return `"` + strings.ReplaceAll(filepath.ToSlash(path), "%", "%%") + `"`
}
