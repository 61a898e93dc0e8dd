package sshtest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
)

// Keygen has ssh-keygen make the key pair path and path.pub, encrypted unless
// passphrase is empty; args choose its type ("-t", "ecdsa").
func Keygen(t testing.TB, path, passphrase string, args ...string) {
	t.Helper()
	Run(t, "ssh-keygen", append([]string{"-q", "-f", path, "-N", passphrase, "-C", "jon@wall", "-a", "1"}, args...)...)
}

// RSA is Keygen for an RSA key of 2048 bits, of which there is one in each
// process: making one takes half a second.
func RSA(t testing.TB, path, passphrase string, args ...string) {
	t.Helper()
	Program(t, "ssh-keygen")
	pair, err := theRSA()
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string][]byte{path: pair.private, path + ".pub": pair.public} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if passphrase != "" || len(args) > 0 {
		Run(t, "ssh-keygen", append([]string{"-q", "-p", "-f", path, "-P", "", "-N", passphrase, "-a", "1"}, args...)...)
	}
}

type pair struct{ private, public []byte }

var theRSA = sync.OnceValues(func() (p pair, err error) {
	dir, err := os.MkdirTemp("", "rsa")
	if err != nil {
		return p, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "id")
	if err := exec.Command("ssh-keygen", "-q", "-f", path, "-N", "", "-C", "jon@wall", "-t", "rsa", "-b", "2048").Run(); err != nil {
		return p, fmt.Errorf("ssh-keygen: %w", err)
	}
	if p.private, err = os.ReadFile(path); err == nil {
		p.public, err = os.ReadFile(path + ".pub")
	}
	return p, err
})

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
