package keys

import (
	"context"

	"golang.org/x/crypto/ssh"
)

// Passphrase asks for the passphrase of the key file at path. tries counts
// from 1. An error ends the asking. The slice is wiped after use.
type Passphrase func(ctx context.Context, path string, tries int) ([]byte, error)

// Key is a key that can sign: from a file or from an agent.
type Key struct {
	Signer  ssh.Signer // asks for the passphrase at the first signature, not before
	Public  ssh.PublicKey
	Path    string // the file, as configured; "" when only the agent has it
	Comment string // the agent's or the file's comment
	InAgent bool

	file *fileSigner // nil for a key of an agent
}

// Usable tells why no signature can be made with the key's file: that it is
// missing or unreadable, that others can read it (*PermissionError), or that
// it is a security key and UseToken was not called. A key in an agent is
// usable.
func (k *Key) Usable() error {
	if k.file == nil {
		return nil
	}
	return k.file.usable()
}

// Unlock reads the private half of the key now, asking for the passphrase if
// there is one. A key whose Public was nil has it, and a Signer, afterwards.
func (k *Key) Unlock() error {
	if k.file == nil {
		return nil
	}
	half, err := k.file.unlock()
	if err != nil {
		return err
	}
	if k.Public == nil {
		k.Public = half.PublicKey()
		k.Signer = k.file
	}
	return nil
}

// CommentInside is the comment that the private half holds: "" if there is none,
// or it has not been read.
func (k *Key) CommentInside() string {
	if k.file == nil {
		return ""
	}
	return k.file.comment()
}

// UseToken lets a key whose file stands for one in a FIDO token sign through
// it. For other keys it changes nothing.
func (k *Key) UseToken(t Token) {
	if k.file != nil {
		k.file.token = &t
	}
}

// IsSecurityKey tells whether key is held by a FIDO token.
func IsSecurityKey(key ssh.PublicKey) bool { return key != nil && isSecurityKey(key) }

// Equal tells whether both are the same public key, a certificate being
// another key than the one it certifies.
func Equal(a, b ssh.PublicKey) bool {
	return a != nil && b != nil && string(a.Marshal()) == string(b.Marshal())
}

// Plain is key itself, or the key that a certificate certifies.
func Plain(key ssh.PublicKey) ssh.PublicKey {
	if cert, ok := key.(*ssh.Certificate); ok {
		return cert.Key
	}
	return key
}
