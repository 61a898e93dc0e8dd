package keys

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

func TestFingerprintsAndPicturesAreThoseOfSSHKeygen(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"-t ed25519", "-t ecdsa -b 256", "-t ecdsa -b 384", "-t ecdsa -b 521"} {
		t.Run(args, func(t *testing.T) {
			compareWithKeygen(t, generate(t, "", strings.Fields(args)...)+".pub")
		})
	}
	for _, bits := range []int{1024, 2048, 3072, 4096} {
		t.Run(fmt.Sprint("RSA of ", bits, " bits"), func(t *testing.T) {
			compareWithKeygen(t, publicRSA(t, bits))
		})
	}
}

// publicRSA is a file with a public key to which there is no private one: to
// look at, it need not be a product of primes.
func publicRSA(t *testing.T, bits int) string {
	t.Helper()
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits)))
	if err != nil {
		t.Fatal(err)
	}
	n.SetBit(n, 0, 1).SetBit(n, bits-1, 1)
	key, err := ssh.NewPublicKey(&rsa.PublicKey{N: n, E: 65537})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "id.pub")
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) + " jon@wall\n"
	if err := os.WriteFile(path, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestACertificateHasThePictureOfSSHKeygen(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{
		"ed25519": generate(t, "", "-t", "ed25519"),
		"ecdsa":   generate(t, "", "-t", "ecdsa"),
		"rsa":     generate(t, "", "-t", "rsa", "-b", "2048"),
	} {
		t.Run(name, func(t *testing.T) {
			certify(t, path)
			compareWithKeygen(t, path+"-cert.pub")
		})
	}
}

func TestEachDigestIsThatOfSSHKeygen(t *testing.T) {
	t.Parallel()
	file := generate(t, "", "-t", "ed25519") + ".pub"
	for _, name := range []string{"md5", "SHA1", "sha256", "sha384", "Sha512"} {
		t.Run(name, func(t *testing.T) {
			compareDigest(t, file, DigestNamed(name), "-E", strings.ToLower(name))
		})
	}
	if d := DigestNamed("none such"); d != SHA256 {
		t.Errorf("an unknown digest is %s", d)
	}
}

func compareWithKeygen(t *testing.T, file string) {
	t.Helper()
	compareDigest(t, file, SHA256)
	key, _, _ := ParsePublic(read(t, file))
	if Fingerprint(key) != SHA256.Fingerprint(key) || Randomart(key) != SHA256.Randomart(key) {
		t.Error("the usual digest is not SHA256")
	}
}

func compareDigest(t *testing.T, file string, d Digest, args ...string) {
	t.Helper()
	key, comment, ok := ParsePublic(read(t, file))
	if !ok {
		t.Fatalf("%s is not read as a key", filepath.Base(file))
	}
	got := fmt.Sprintf("%d %s %s (%s)\n%s\n", Bits(key), d.Fingerprint(key), comment, TypeName(key), d.Randomart(key))
	if diff := cmp.Diff(sshtest.Run(t, "ssh-keygen", append(args, "-lv", "-f", file)...), got); diff != "" {
		t.Errorf("ssh-keygen -lv prints (-), we (+):\n%s", diff)
	}
}

func TestTheBishopsVisitsAreCountedToFourteen(t *testing.T) {
	// Straight to the upper left corner and long there, then one byte away.
	sum := append(make([]byte, 31), 0xff)
	field := walk(sum)
	if got := field[0][0]; got != 14 {
		t.Errorf("the corner counts %d visits", got)
	}
	if got := artSigns[field[4][4]]; got != 'E' {
		t.Errorf("he ends at %q", got)
	}
}
