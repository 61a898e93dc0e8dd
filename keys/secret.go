package keys

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"errors"

	"golang.org/x/crypto/ssh"
)

// Secret is a key pair with its private half in the clear.
type Secret struct {
	Public  ssh.PublicKey
	Comment string // "" where its file has none
	raw     crypto.PrivateKey
}

// Opened is a private key file with its passphrase.
type Opened struct {
	*Secret
	Path       string
	Lock       Lock
	Passphrase []byte // nil: it has none

	sum [sha256.Size]byte // of what was read
}

// Wipe clears the passphrase.
func (o *Opened) Wipe() { clear(o.Passphrase) }

// Open reads the private key file at path, in any format, a .ppk of PuTTY
// among them. It asks for the passphrase until it is right or nobody answers.
// The comment of a file without one is that of the .pub beside it.
func Open(ctx context.Context, path string, ask Passphrase) (*Opened, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	defer clear(data)
	o := &Opened{Path: path, sum: sha256.Sum256(data)}
	o.Lock, _ = lockOf(data)
	if o.Secret, err = decode(data, nil); errors.As(err, new(*ssh.PassphraseMissingError)) {
		err = o.unlock(ctx, data, ask)
	}
	if err != nil {
		return nil, &FileError{path, err}
	}
	if o.Comment == "" {
		o.Comment = commentBeside(path, o.Public)
	}
	return o, nil
}

func (o *Opened) unlock(ctx context.Context, data []byte, ask Passphrase) error {
	if ask == nil {
		return &ssh.PassphraseMissingError{}
	}
	for try := 1; ; try++ {
		passphrase, err := ask(ctx, o.Path, try)
		if err != nil {
			return err
		}
		if passphrase == nil {
			passphrase = []byte{} // nil stands for a file without one
		}
		o.Secret, err = decode(data, passphrase)
		if err == nil {
			o.Passphrase = passphrase
			return nil
		}
		clear(passphrase)
		if !errors.Is(err, x509.IncorrectPasswordError) {
			return err
		}
	}
}

func commentBeside(path string, key ssh.PublicKey) string {
	data, err := readFile(path + ".pub")
	if err != nil {
		return ""
	}
	if public, comment, ok := ParsePublic(data); ok && Equal(Plain(public), key) {
		return comment
	}
	return ""
}

// decode fails as parsePrivate does.
func decode(data, passphrase []byte) (*Secret, error) {
	if bytes.HasPrefix(data, []byte(puttyMagic)) {
		return decodePPK(data, passphrase)
	}
	half, err := parsePrivate(data, passphrase)
	if err != nil {
		return nil, err
	}
	s := &Secret{Public: half.PublicKey(), raw: half.raw}
	if half.comment != nil {
		s.Comment = *half.comment
	}
	return s, nil
}

// fields are what makes up the private half of each type in OpenSSH's own
// format after its name, as sshkey_private_serialize (sshkey.c) writes it: s is
// a string or a number, b a byte.
var fields = map[string]string{
	ssh.KeyAlgoRSA:         "ssssss",
	ssh.InsecureKeyAlgoDSA: "sssss",
	ssh.KeyAlgoECDSA256:    "sss",
	ssh.KeyAlgoECDSA384:    "sss",
	ssh.KeyAlgoECDSA521:    "sss",
	ssh.KeyAlgoED25519:     "ss",
	ssh.KeyAlgoSKECDSA256:  "sssbss",
	ssh.KeyAlgoSKED25519:   "ssbss",
}

// splitSection parts a private section into the key and its comment; padding
// follows.
func splitSection(section []byte) (key []byte, comment string, err error) {
	kind, rest, ok := cutString(section)
	shape, known := fields[string(kind)]
	if !ok || !known {
		return nil, "", errMalformed
	}
	for _, field := range shape {
		if field == 'b' {
			ok, rest = len(rest) > 0, rest[min(1, len(rest)):]
		} else {
			_, rest, ok = cutString(rest)
		}
		if !ok {
			return nil, "", errMalformed
		}
	}
	text, _, ok := cutString(rest)
	if !ok {
		return nil, "", errMalformed
	}
	return bytes.Clone(section[:len(section)-len(rest)]), string(text), nil
}

// cutString takes a string off the front (RFC 4251 section 5).
func cutString(data []byte) (s, rest []byte, ok bool) {
	var head struct {
		S    []byte
		Rest []byte `ssh:"rest"`
	}
	if ssh.Unmarshal(data, &head) != nil {
		return nil, nil, false
	}
	return head.S, head.Rest, true
}
