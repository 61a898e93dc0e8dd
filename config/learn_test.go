package config

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

// Whatever is known of a build, its own answer corrects.
func TestDefaultsAreLearnedFromSSH(t *testing.T) {
	ssh := sshtest.Program(t, "ssh")
	path := write(t, map[string]string{"config": "Ciphers +3des-cbc\nHostKeyAlgorithms -ssh-ed25519\nCanonicalDomains a.org\nHost key\n  IdentityFile ~/k\nHost batch\n  BatchMode yes\n"}) + "/config"
	paths, err := File(path)
	if err != nil {
		t.Fatal(err)
	}
	told, refused, err := ask(t.Context(), ssh, "none", "host")
	if err != nil || refused != "" {
		t.Fatalf("ssh -F none -G: %q, %v", refused, err)
	}
	d := newDialect(installed().version, false) // built by others, and with other defaults
	d.debian = installed().debian
	d.defaults[kCompression], d.defaults[kConnectTimeout] = "yes", "7"
	d.ciphers.defaults, d.identities = []string{"aes128-ctr"}, []string{"id_other"}
	d = d.learn(told)
	for _, host := range []string{"web", "key", "batch"} {
		h, err := load(paths, d).Resolve(host, Match{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(askSSH(t, path, host, Match{}).lines, h.Lines()); diff != "" {
			t.Errorf("%s: -ssh +ours\n%s", host, diff)
		}
	}
	if got := newDialect(installed().version, false); !slices.Contains(got.ciphers.defaults, "aes256-ctr") {
		t.Errorf("the table was changed: %v", got.ciphers.defaults)
	}
}

func TestABuildWithGSSAPIIsLearned(t *testing.T) {
	d := newDialect(v9_9, false).learn([]string{"host host", "port 22", "gssapiauthentication no", "gssapidelegatecredentials no", "ipqos ef cs0", "identityfile ~/.ssh/id_new", "newoption yes"})
	h, err := load(Paths{}, d).Resolve("web", Match{})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"gssapiauthentication no", "gssapidelegatecredentials no", "ipqos ef cs0", "identityfile ~/.ssh/id_new"} {
		if !slices.Contains(h.Lines(), line) {
			t.Errorf("%q is missing", line)
		}
	}
	if slices.Contains(h.Lines(), "compression no") {
		t.Error("a default is printed that ssh does not have")
	}
}
