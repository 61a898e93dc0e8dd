package keys

import (
	"os"
	"strings"
	"testing"
)

// FuzzPrivateKeyFile: no file makes the parser panic, and each error is one
// sentence without the library's name.
func FuzzPrivateKeyFile(f *testing.F) {
	for _, seed := range []string{"", "-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----\n"} {
		f.Add([]byte(seed))
	}
	samples, err := os.ReadDir("testdata/private")
	if err != nil {
		f.Fatal(err)
	}
	for _, sample := range samples {
		data, err := os.ReadFile("testdata/private/" + sample.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		public, err := publicHalf(data)
		if (public == nil) == (err == nil) {
			t.Fatalf("both or neither of key and error: %v, %v", public, err)
		}
		checkSentence(t, err)
		half, err := parsePrivate(data, nil)
		if (half == nil) == (err == nil) {
			t.Fatalf("both or neither of key and error: %v, %v", half, err)
		}
		checkSentence(t, err)
	})
}

func FuzzPublicKeyFile(f *testing.F) {
	f.Add([]byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKlLfHQuExoJ0G7pOTrBgfsyWEEx28dr8XMmPkHZXF7P jon@wall\n"))
	f.Add([]byte("# note\n\nssh-ed25519"))
	f.Fuzz(func(t *testing.T, data []byte) {
		key, _, ok := ParsePublic(data)
		if ok {
			Fingerprint(key)
			Randomart(key)
			SignatureAlgorithms(key)
		}
	})
}

func checkSentence(t *testing.T, err error) {
	if err == nil {
		return
	}
	for _, bad := range []string{"ssh: this", "x509:", "asn1:", "\n"} {
		if text := err.Error(); strings.Contains(text, bad) && !strings.Contains(text, "passphrase protected") {
			t.Errorf("the error is %q", text)
		}
	}
}
