package keys

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFingerprintsAndPicturesAreThoseOfSSHKeygen(t *testing.T) {
	for _, kind := range []string{"ed25519", "ecdsa 256", "ecdsa 384", "ecdsa 521", "rsa 1024", "rsa 2048", "rsa 3072", "rsa 4096"} {
		t.Run(kind, func(t *testing.T) {
			name, bits, _ := strings.Cut(kind, " ")
			args := []string{"-t", name}
			if bits != "" {
				args = append(args, "-b", bits)
			}
			path := generate(t, "", args...)
			compareWithKeygen(t, path+".pub")
		})
	}
}

func TestACertificateHasThePictureOfSSHKeygen(t *testing.T) {
	authority := generate(t, "", "-t", "ed25519")
	for _, name := range []string{"ed25519", "ecdsa", "rsa"} {
		t.Run(name, func(t *testing.T) {
			path := generate(t, "", "-t", name)
			run(t, "ssh-keygen", "-q", "-s", authority, "-I", "jon", "-n", "jon", path+".pub")
			compareWithKeygen(t, path+"-cert.pub")
		})
	}
}

func compareWithKeygen(t *testing.T, file string) {
	t.Helper()
	key, comment, ok := ParsePublic(read(t, file))
	if !ok {
		t.Fatalf("%s is not read as a key", filepath.Base(file))
	}
	got := fmt.Sprintf("%d %s %s (%s)\n%s\n", Bits(key), Fingerprint(key), comment, TypeName(key), Randomart(key))
	if diff := cmp.Diff(run(t, "ssh-keygen", "-lv", "-f", file), got); diff != "" {
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
