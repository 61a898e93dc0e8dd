package keys

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

// person answers questions for passphrases, one after the other, and counts
// them.
type person struct {
	answers []string
	tries   []int
	given   [][]byte
}

var errSilent = errors.New("nobody answers")

func (p *person) ask(_ context.Context, _ string, try int) ([]byte, error) {
	p.tries = append(p.tries, try)
	if len(p.tries) > len(p.answers) {
		return nil, errSilent
	}
	answer := []byte(p.answers[len(p.tries)-1])
	p.given = append(p.given, answer)
	return answer, nil
}

// signs tells whether the key makes good signatures, with all its algorithms.
func signs(t *testing.T, k *Key) {
	t.Helper()
	signer, ok := k.Signer.(ssh.MultiAlgorithmSigner)
	if !ok {
		t.Fatalf("a signer of type %T can't choose its algorithm", k.Signer)
	}
	for _, algorithm := range signer.Algorithms() {
		signature, err := signer.SignWithAlgorithm(rand.Reader, []byte("winter"), algorithm)
		if err != nil {
			t.Fatalf("signing with %s: %v", algorithm, err)
		}
		if signature.Format != algorithm {
			t.Errorf("the signature says %q, want %q", signature.Format, algorithm)
		}
		if err := k.Public.Verify([]byte("winter"), signature); err != nil {
			t.Errorf("verifying %s: %v", algorithm, err)
		}
	}
}

func TestKeysOfEveryFormatAreReadAsLateAsPossible(t *testing.T) {
	t.Parallel()
	const secret = "the north remembers"
	rows := []struct {
		name       string
		args       string
		encrypted  bool
		keepPublic bool
		known      bool // the public half without a passphrase
	}{
		{"an ed25519 key", "-t ed25519", false, false, true},
		{"an encrypted ed25519 key says its public half in clear", "-t ed25519", true, false, true},
		{"an encrypted key under another cipher", "-t ed25519 -Z aes256-cbc", true, false, true},
		{"an encrypted key under a short key", "-t ed25519 -Z aes128-ctr", true, false, true},
		{"an encrypted key under an authenticating cipher", "-t ed25519 -Z aes256-gcm@openssh.com", true, false, true},
		{"an encrypted key under 3DES", "-t ecdsa -Z 3des-cbc", true, false, true},
		{"an ecdsa-521 key", "-t ecdsa -b 521", true, false, true},
		{"an ecdsa-256 key in PEM", "-t ecdsa -b 256 -m PEM", false, false, true},
		{"an RSA key", "-t rsa -b 2048", true, false, true},
		{"an RSA key in PEM", "-t rsa -b 2048 -m PEM", false, false, true},
		{"an encrypted RSA key in PEM hides its public half", "-t rsa -b 2048 -m PEM", true, false, false},
		{"an encrypted RSA key in PEM with its .pub", "-t rsa -b 2048 -m PEM", true, true, true},
		{"an encrypted ecdsa key in PEM", "-t ecdsa -b 384 -m PEM", true, false, false},
		{"an RSA key in PKCS#8", "-t rsa -b 2048 -m PKCS8", false, false, true},
		{"an encrypted RSA key in PKCS#8", "-t rsa -b 2048 -m PKCS8", true, false, false},
		{"an encrypted ecdsa key in PKCS#8", "-t ecdsa -b 256 -m PKCS8", true, false, false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			p := &person{}
			passphrase := ""
			if row.encrypted {
				passphrase = secret
				p.answers = []string{"wrong", "wrong again", secret}
			}
			path := generate(t, passphrase, strings.Fields(row.args)...)
			want, _, _ := ParsePublic(read(t, path+".pub"))
			if !row.keepPublic {
				os.Remove(path + ".pub")
			}

			k, err := Load(t.Context(), path, p.ask)
			if err != nil {
				t.Fatal(err)
			}
			if known := k.Public != nil; known != row.known {
				t.Errorf("the public half is known: %v, want %v", known, row.known)
			}
			if len(p.tries) != 0 {
				t.Errorf("loading asked %d times", len(p.tries))
			}
			if err := k.Unlock(); err != nil {
				t.Fatal(err)
			}
			signs(t, k)
			if !Equal(k.Public, want) {
				t.Errorf("the public half is %s, want %s", Fingerprint(k.Public), Fingerprint(want))
			}
			var tries []int
			if row.encrypted {
				tries = []int{1, 2, 3}
			}
			if diff := cmp.Diff(tries, p.tries); diff != "" {
				t.Errorf("the tries (-want +got):\n%s", diff)
			}
			for _, given := range p.given {
				if strings.Trim(string(given), "\x00") != "" {
					t.Errorf("a passphrase is still in memory: %q", given)
				}
			}
		})
	}
}

func TestOpensslWritesKeysThatAreRead(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, algorithm, encryption string }{
		{"AES-256 and SHA-256, its default", "RSA", "-v2 aes-256-cbc"},
		{"AES-128 and SHA-1", "RSA", "-v2 aes-128-cbc -v2prf hmacWithSHA1"},
		{"3DES and SHA-512", "ED25519", "-v2 des3 -v2prf hmacWithSHA512"},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			plain, path := filepath.Join(dir, "plain"), filepath.Join(dir, "id")
			sshtest.Run(t, "openssl", "genpkey", "-quiet", "-algorithm", row.algorithm, "-out", plain)
			sshtest.Run(t, "openssl", append(strings.Fields("pkcs8 -topk8 "+row.encryption), "-passout", "pass:x", "-in", plain, "-out", path)...)
			os.Chmod(path, 0o600)
			k, err := Load(t.Context(), path, (&person{answers: []string{"y", "x"}}).ask)
			if err != nil {
				t.Fatal(err)
			}
			if err := k.Unlock(); err != nil {
				t.Fatal(err)
			}
			signs(t, k)
		})
	}
}

func TestASignatureThatNobodyUnlocksFailsWithThePersonsAnswer(t *testing.T) {
	t.Parallel()
	path := generate(t, "x", "-t", "ed25519")
	p := &person{answers: []string{"wrong"}}
	k, err := Load(t.Context(), path, p.ask)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Signer.Sign(rand.Reader, nil); !errors.Is(err, errSilent) {
		t.Errorf("signing: %v, want %v", err, errSilent)
	}
	if diff := cmp.Diff([]int{1, 2}, p.tries); diff != "" {
		t.Errorf("the tries (-want +got):\n%s", diff)
	}
}

func TestFilesThatAreNoUsableKeysSayWhy(t *testing.T) {
	rows := []struct {
		name    string
		prepare func(t *testing.T) string
		load    string // the error of Load, "" for none
		usable  string // that of Usable
	}{
		{"a missing file", func(t *testing.T) string {
			return filepath.Join(t.TempDir(), "id")
		}, "no such file or directory", ""},
		{"a file that others can read", func(t *testing.T) string {
			path := generate(t, "", "-t", "ed25519")
			os.Chmod(path, 0o644)
			return path
		}, "", "Permissions 0644 for 'PATH' are too open"},
		{"a .pub file without its key", func(t *testing.T) string {
			path := generate(t, "", "-t", "ed25519")
			os.Remove(path)
			return path
		}, "", "no such file or directory"},
		{"a .pub file that is named itself", func(t *testing.T) string {
			path := generate(t, "", "-t", "ed25519") + ".pub"
			os.Chmod(path, 0o600)
			return path
		}, "", ""},
		{"a directory", func(t *testing.T) string {
			return t.TempDir()
		}, "is a directory", ""},
		{"text", func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "id")
			os.WriteFile(path, []byte("Winter is coming.\n"), 0o600)
			return path
		}, `reading the key "PATH": it is not a private key`, ""},
		{"a file of a megabyte and more", func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "id")
			os.WriteFile(path, make([]byte, maxFile+1), 0o600)
			return path
		}, `the file "PATH" is too large for a key`, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			path := row.prepare(t)
			k, err := Load(t.Context(), path, nil)
			compareError(t, "loading", err, row.load, path)
			if err == nil {
				compareError(t, "its use", k.Usable(), row.usable, path)
			}
		})
	}
}

func compareError(t *testing.T, what string, err error, want, path string) {
	t.Helper()
	got := ""
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		got = path.Err.Error()
	} else if err != nil {
		got = err.Error()
	}
	if got != strings.ReplaceAll(want, "PATH", path) {
		t.Errorf("%s says %q, want %q", what, got, want)
	}
}

func TestAPrivateKeyThatIsNotThatOfItsPublicFileDoesNotSign(t *testing.T) {
	path, other := generate(t, "", "-t", "ed25519"), generate(t, "", "-t", "ed25519")
	if err := os.WriteFile(path+".pub", read(t, other+".pub"), 0o644); err != nil {
		t.Fatal(err)
	}
	k, err := Load(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Signer.Sign(rand.Reader, nil); !errors.Is(err, errMismatch) {
		t.Errorf("signing: %v, want %v", err, errMismatch)
	}
}

func TestACertificateIsOfferedInPlaceOfItsKey(t *testing.T) {
	t.Parallel()
	path := generate(t, "x", "-t", "rsa", "-b", "2048")
	certify(t, path)
	p := &person{answers: []string{"x"}}
	k, err := Load(t.Context(), path, p.ask)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := LoadCertificate(path + "-cert.pub")
	if err != nil {
		t.Fatal(err)
	}
	certified, err := k.WithCertificate(cert)
	if err != nil {
		t.Fatal(err)
	}
	signs(t, certified)
	if got := certified.Public.Type(); got != ssh.CertAlgoRSAv01 {
		t.Errorf("the key is offered as %q", got)
	}
	other, _ := Load(t.Context(), generate(t, "", "-t", "ed25519"), nil)
	if _, err := other.WithCertificate(cert); err == nil {
		t.Error("the certificate of another key is taken")
	}
	if _, err := LoadCertificate(path + ".pub"); err == nil {
		t.Error("a plain key is taken for a certificate")
	}
}

// TestAWrongPassphraseIsToldFromADamagedKey tries as many on keys in PEM as it
// takes to have the padding of some be right by chance.
func TestAWrongPassphraseIsToldFromADamagedKey(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"-t rsa -b 2048 -m PEM", "-t ecdsa -b 256 -m PEM"} {
		data := read(t, generate(t, "winter is coming", strings.Fields(args)...))
		block, _ := pem.Decode(data)
		chance := 0
		for i := range 3000 {
			passphrase := []byte(strconv.Itoa(i))
			if _, err := x509.DecryptPEMBlock(block, passphrase); err == nil {
				chance++
			}
			if _, err := parsePrivate(data, passphrase); !errors.Is(err, x509.IncorrectPasswordError) {
				t.Fatalf("%s: of the passphrase %s it says %v", args, passphrase, err)
			}
		}
		if chance == 0 {
			t.Errorf("%s: no padding was right by chance", args)
		}
	}
}
