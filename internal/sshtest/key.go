package sshtest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"os"
	"testing"

	"golang.org/x/crypto/ssh"
)

// Keygen has ssh-keygen make the key pair path and path.pub, encrypted unless
// passphrase is empty; args choose its type ("-t", "ecdsa").
func Keygen(t testing.TB, path, passphrase string, args ...string) {
	t.Helper()
	Run(t, "ssh-keygen", append([]string{"-q", "-f", path, "-N", passphrase, "-C", "jon@wall", "-a", "1"}, args...)...)
}

// NewKey makes an ed25519 key.
func NewKey(t testing.TB) ssh.Signer {
	t.Helper()
	signer, err := ssh.NewSignerFromSigner(newPrivate(t))
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// WriteKey makes an ed25519 key and writes it to a file, without its .pub.
func WriteKey(t testing.TB, path string) ssh.Signer {
	t.Helper()
	private := newPrivate(t)
	block, err := ssh.MarshalPrivateKey(private, "jon@wall")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func newPrivate(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return private
}
