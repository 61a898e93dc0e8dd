package keys

import (
	"crypto/ed25519"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

// writePPK writes a .ppk, and a file with its passphrase for puttygen.
func writePPK(t *testing.T, s *Secret, passphrase string, version int) (path, secret string) {
	t.Helper()
	text, err := s.EncodePPK([]byte(passphrase), version)
	check(t, err)
	path, secret = filepath.Join(t.TempDir(), "jon.ppk"), filepath.Join(t.TempDir(), "passphrase")
	check(t, CreatePrivate(path, text))
	check(t, os.WriteFile(secret, []byte(passphrase), 0o600))
	return path, secret
}

func TestPuTTYReadsTheKeysThatAreWrittenForIt(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"-t ed25519", "-t ecdsa -b 256", "-t ecdsa -b 384", "-t ecdsa -b 521", "-t rsa -b 2048"} {
		key := generate(t, "", strings.Fields(args)...)
		o := open(t, key, "")
		o.Comment = "jon snow@wall"
		line := string(o.AuthorizedLine())
		for _, version := range []int{2, 3} {
			for _, passphrase := range []string{"", "ветер"} {
				t.Run(fmt.Sprintf("%s, version %d, %q", args, version, passphrase), func(t *testing.T) {
					path, secret := writePPK(t, o.Secret, passphrase, version)
					bits := o.bits()
					if got, want := sshtest.Run(t, "puttygen", "-l", path), fmt.Sprintf("%s %d %s\n", o.Public.Type(), bits, Fingerprint(o.Public)); got != want {
						t.Errorf("puttygen -l prints %q, want %q", got, want)
					}
					if got := sshtest.Run(t, "puttygen", "-L", path); got != line {
						t.Errorf("puttygen -L prints %q, want %q", got, line)
					}
					back := filepath.Join(t.TempDir(), "id")
					sshtest.Run(t, "puttygen", path, "-O", "private-openssh", "-o", back, "--old-passphrase", secret, "--new-passphrase", "/dev/null")
					if got := strings.Fields(sshtest.Run(t, "ssh-keygen", "-y", "-P", "", "-f", back)); got[1] != strings.Fields(line)[1] {
						t.Errorf("puttygen has made %q of it", got)
					}
					check(t, o.same(open(t, path, passphrase).Secret))
					if version == 2 || passphrase == "" { // nothing random is in it
						theirs := read(t, puttygen(t, writeComment(t, key, o.Comment), passphrase, fmt.Sprintf("version=%d", version)))
						if diff := cmp.Diff(string(theirs), string(read(t, path))); diff != "" {
							t.Errorf("PuTTY writes (-), we (+):\n%s", diff)
						}
					}
				})
			}
		}
	}
}

// bits is the size as PuTTY counts it: of ed25519, that of its field.
func (s *Secret) bits() int {
	if s.Public.Type() == ssh.KeyAlgoED25519 {
		return 255
	}
	return Bits(s.Public)
}

// writeComment is a copy of a key with another comment.
func writeComment(t *testing.T, key, comment string) string {
	t.Helper()
	o := open(t, key, "")
	o.Comment = comment
	return write(t, o.Secret, "", 1)
}

// TestAnEd25519KeyThatEndsInZerosIsRead: PuTTY takes the key for a number, and
// its older versions leave such zeros out.
func TestAnEd25519KeyThatEndsInZerosIsRead(t *testing.T) {
	t.Parallel()
	seed := make([]byte, ed25519.SeedSize)
	n := copy(seed, "winter is coming")
	private := ed25519.NewKeyFromSeed(seed)
	signer, err := ssh.NewSignerFromSigner(private)
	check(t, err)
	s := &Secret{Public: signer.PublicKey(), Comment: "jon@wall", raw: &private}
	theirs := puttygen(t, write(t, s, "", 1), "", "")
	check(t, s.same(open(t, theirs, "").Secret))
	ours, _ := writePPK(t, s, "", 3)
	if diff := cmp.Diff(string(read(t, theirs)), string(read(t, ours))); diff != "" {
		t.Errorf("PuTTY writes (-), we (+):\n%s", diff)
	}
	old := &ppk{version: 2, algorithm: s.Public.Type(), cipher: "none", comment: s.Comment, public: s.Public.Marshal()}
	check(t, old.seal(ssh.Marshal(struct{ Seed []byte }{seed[:n]}), nil))
	short := filepath.Join(t.TempDir(), "old.ppk")
	check(t, CreatePrivate(short, old.text()))
	check(t, s.same(open(t, short, "").Secret))
	if got := sshtest.Run(t, "puttygen", "-L", short); got != string(s.AuthorizedLine()) {
		t.Errorf("PuTTY reads %q from the short one", got)
	}
}

func TestWhatPuTTYHasNoFileForIsRefused(t *testing.T) {
	token := open(t, "testdata/token/ed25519_sk", "")
	if _, err := token.EncodePPK(nil, 3); err == nil || err.Error() != "the PuTTY format has no keys of type sk-ssh-ed25519@openssh.com" {
		t.Errorf("a key of a token: %v", err)
	}
	made, err := Generate(Spec{})
	check(t, err)
	if _, err := made.EncodePPK(nil, 1); err == nil || err.Error() != "version 1 of PuTTY's key files is not written here, only 2 and 3" {
		t.Errorf("version 1: %v", err)
	}
	made.Comment = "jon\nsam"
	if _, err := made.EncodePPK(nil, 3); err == nil {
		t.Error("a comment of two lines is taken")
	}
}

func TestAPuTTYKeyStaysOneWhateverIsChanged(t *testing.T) {
	t.Parallel()
	path := puttygen(t, generate(t, "", "-t", "ed25519"), "winter", "version=2")
	check(t, open(t, path, "winter").SetComment("jon snow"))
	check(t, open(t, path, "winter").SetPassphrase([]byte("summer"), 1))
	f := inspect(t, path)
	if diff := cmp.Diff(&Lock{Format: FormatPuTTY, Version: 2, Encrypted: true, Cipher: ppkCipher}, f.Private); diff != "" || f.Comment != "jon snow" {
		t.Errorf("the comment is %q, the lock (-want +got):\n%s", f.Comment, diff)
	}
	open(t, path, "summer")
}
