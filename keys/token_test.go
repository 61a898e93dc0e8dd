package keys

import (
	"context"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

// helper is the installed ssh-sk-helper.
func helper(t *testing.T) string {
	t.Helper()
	path := FindHelper("")
	if path == "" {
		sshtest.Missing(t, "ssh-sk-helper is not installed")
	}
	return path
}

func TestKeysInATokenSignThroughTheirFile(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name     string
		args     string
		secret   string // passphrase of the file
		pin      string // that is given
		want     []string
		fails    string // "" for a signature
		provider string // in place of the token's
	}{
		{"ed25519", "-t ed25519-sk", "", "", []string{"touch", "done"}, "", ""},
		{"ecdsa", "-t ecdsa-sk", "", "", []string{"touch", "done"}, "", ""},
		{"one that needs no touch", "-t ed25519-sk -O no-touch-required", "", "", nil, "", ""},
		{"an encrypted file", "-t ed25519-sk", "winter", "", []string{"passphrase", "touch", "done"}, "", ""},
		{"one with a PIN", "-t ecdsa-sk -O application=ssh:pin", "", "1234", []string{"touch", "done", "PIN", "touch", "done"}, "", ""},
		{"a wrong PIN", "-t ecdsa-sk -O application=ssh:pin", "", "0", []string{"touch", "done", "PIN", "touch", "done"}, "it needs its PIN", ""},
		{"a token that is not plugged in", "-t ed25519-sk -O application=ssh:gone", "", "", []string{"touch", "done"}, "no security key that holds it is plugged in", ""},
		{"a provider that is not there", "-t ed25519-sk", "", "", []string{"touch", "done"}, "the SecurityKeyProvider cannot be used", "/nonexistent"},
	}
	provider := sshtest.Token(t)
	program := helper(t)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			path := generate(t, row.secret, append(strings.Fields(row.args), "-w", provider)...)
			var seen []string
			k, err := Load(t.Context(), path, func(context.Context, string, int) ([]byte, error) {
				seen = append(seen, "passphrase")
				return []byte(row.secret), nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := k.Usable(); !errors.Is(err, errToken) {
				t.Errorf("before the token is known: %v", err)
			}
			token := Token{
				Helper: program, Provider: provider,
				Touch: func() func() { seen = append(seen, "touch"); return func() { seen = append(seen, "done") } },
				PIN: func(context.Context, string) ([]byte, error) {
					seen = append(seen, "PIN")
					return []byte(row.pin), nil
				},
			}
			if row.provider != "" {
				token.Provider = row.provider
			}
			k.UseToken(token)
			if err := k.Usable(); err != nil {
				t.Errorf("its use: %v", err)
			}
			data := []byte("Winter is coming.")
			signature, err := k.Signer.Sign(rand.Reader, data)
			if row.fails == "" {
				if err == nil && row.want != nil { // x/crypto/ssh wants a touch
					err = k.Public.Verify(data, signature)
				}
				if err != nil {
					t.Error(err)
				}
			} else if err == nil || err.Error() != row.fails {
				t.Errorf("signing says %v, want %q", err, row.fails)
			}
			if diff := cmp.Diff(row.want, seen); diff != "" {
				t.Errorf("what the person does (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheHelperIsFoundWhereItIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ssh-sk-helper")
	if err := os.WriteFile(path, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := FindHelper(path); got != path {
		t.Errorf("it is found at %q, want %q", got, path)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := FindHelper(path); got == path {
		t.Error("a file that is no program is taken")
	}
}

// FuzzTokenFile: no file of a key in a token makes the parser panic.
func FuzzTokenFile(f *testing.F) {
	f.Add([]byte(containerMagic), []byte("x"))
	for _, kind := range []string{"ed25519_sk", "ecdsa_sk_locked"} {
		data, err := os.ReadFile("testdata/token/" + kind)
		if err != nil {
			f.Fatal(err)
		}
		block, _ := pem.Decode(data)
		f.Add(block.Bytes, []byte("winter"))
	}
	f.Fuzz(func(t *testing.T, data, passphrase []byte) {
		k, _, err := parseContainer(data, passphrase)
		if (k == nil) == (err == nil) {
			t.Fatalf("both or neither of key and error: %v, %v", k, err)
		}
	})
}

// FuzzHelperReply: no answer of a helper makes the parser panic.
func FuzzHelperReply(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x00\x00\x00\x09\x05\x00\x00\x00\x00\x00\x00\x00\x2b"))
	f.Add(append([]byte("\x00\x00\x00\x11\x05\x00\x00\x00\x01"), ssh.Marshal(struct{ S []byte }{ssh.Marshal(struct{ F, B []byte }{})})...))
	f.Fuzz(func(t *testing.T, reply []byte) {
		if signature, err := parseHelperReply(reply); (signature == nil) == (err == nil) {
			t.Fatalf("both or neither of signature and error: %v, %v", signature, err)
		}
	})
}
