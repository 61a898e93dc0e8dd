package sshtest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
)

// Keygen has ssh-keygen make the key pair path and path.pub, encrypted unless
// passphrase is empty; args choose its type ("-t", "ecdsa") and format.
//
// "-t", "rsa", "-b", "2048" give the same key each time in a process, since
// making one takes half a second.
func Keygen(t testing.TB, path, passphrase string, args ...string) {
	t.Helper()
	how := []string{"-q", "-f", path, "-N", passphrase, "-a", "1"}
	if n := len(rsa2048); len(args) >= n && slices.Equal(args[:n], rsa2048) {
		copyRSA(t, path)
		how, args = append(how, "-p", "-P", ""), args[n:]
	} else {
		how = append(how, "-C", comment)
	}
	Run(t, "ssh-keygen", append(how, args...)...)
}

const comment = "jon@wall"

var rsa2048 = []string{"-t", "rsa", "-b", "2048"}

func copyRSA(t testing.TB, path string) {
	t.Helper()
	Program(t, "ssh-keygen")
	pair, err := makeRSA()
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string][]byte{path: pair.private, path + ".pub": pair.public} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

type pair struct{ private, public []byte }

var makeRSA = sync.OnceValues(func() (p pair, err error) {
	dir, err := os.MkdirTemp("", "rsa")
	if err != nil {
		return p, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "id")
	args := append([]string{"-q", "-f", path, "-N", "", "-C", comment}, rsa2048...)
	if err := exec.Command("ssh-keygen", args...).Run(); err != nil {
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
	block, err := ssh.MarshalPrivateKey(private, comment)
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
