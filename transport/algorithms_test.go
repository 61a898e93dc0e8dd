package transport

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"sallyport/config"
)

func TestAlgorithmListsAreReadAsSSHReadsThem(t *testing.T) {
	usual, more := []string{"a1", "a2", "b1"}, []string{"old"}
	for _, test := range []struct {
		name, value string
		want        []string
	}{
		{"a list is taken in its order", "b1,a1", []string{"b1", "a1"}},
		{"unknown names are passed over", "x,b1,y", []string{"b1"}},
		{"what is broken needs naming", "old", []string{"old"}},
		{"+ appends", "+old", []string{"a1", "a2", "b1", "old"}},
		{"- takes away by pattern", "-a*", []string{"b1"}},
		{"^ puts in front", "^b1,old", []string{"b1", "old", "a1", "a2"}},
		{"nothing known is nothing", "x,y", nil},
		{"doubles count once", "a1,a1", []string{"a1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, choose(test.value, usual, more)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCiphersFollowTheProcessor(t *testing.T) {
	usual := ssh.SupportedAlgorithms().Ciphers
	if first := ciphersFor(usual, true)[0]; first != ssh.CipherAES128GCM {
		t.Errorf("with AES instructions %s is first", first)
	}
	if first := ciphersFor(usual, false)[0]; first != ssh.CipherChaCha20Poly1305 {
		t.Errorf("without AES instructions %s is first", first)
	}
}

func TestConfiguredAlgorithmsOfWhichNoneIsKnownAreRefused(t *testing.T) {
	cfg := load(t, "Host a\n KexAlgorithms sntrup761x25519-sha512@openssh.com\n")
	h, err := cfg.Resolve("a", config.Match{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = algorithmsOf(h)
	var f *Failure
	if !errors.As(err, &f) || f.Code != CodeConfig || !strings.Contains(f.Message, "sntrup761") || !strings.Contains(f.Hint, cfg.Paths().User+":2") {
		t.Errorf("algorithmsOf: %+v", err)
	}
}
