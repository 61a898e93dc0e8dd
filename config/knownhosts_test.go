package config

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKnownHostsCommandIsSplitBeforeItsTokensAreExpanded(t *testing.T) {
	tokens := map[byte]string{'I': "ORDER", 'H': "[wall]:2222", 't': "NONE", 'K': "two words"}
	for _, row := range []struct {
		name, line string
		want       []string
		err        string
	}{
		{"none", "none", nil, "<nil>"},
		{"words and tokens", `/bin/tell -x "%H of %h" %I %K %%`, []string{"/bin/tell", "-x", "[wall]:2222 of wall", "ORDER", "two words", "%"}, "<nil>"},
		{"the path has no tokens", "/bin/%h %h", []string{"/bin/%h", "wall"}, "<nil>"},
		{"a token that is none", "/bin/tell %Z", nil, "unknown key %Z"},
	} {
		t.Run(row.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "config")
			if err := os.WriteFile(file, []byte("KnownHostsCommand "+row.line+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			h, err := Load(Paths{User: file, Home: t.TempDir(), Explicit: true}).Resolve("wall", Match{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := h.KnownHostsCommand(tokens)
			if said := fmt.Sprint(err); said != row.err {
				t.Errorf("the error is %s, want %q", said, row.err)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("the command (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheOrderOfHostKeysIsFixedByAListOfTheirOwn(t *testing.T) {
	for value, want := range map[string]bool{"": false, "+ssh-rsa": false, "-ssh-rsa": false, "^ssh-rsa": true, "ssh-ed25519": true} {
		text := ""
		if value != "" {
			text = "HostKeyAlgorithms " + value + "\n"
		}
		file := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		h, err := Load(Paths{User: file, Home: t.TempDir(), Explicit: true}).Resolve("wall", Match{})
		if err != nil {
			t.Fatal(err)
		}
		if got := h.HostKeyOrderFixed(); got != want {
			t.Errorf("with %q it is fixed: %v, want %v", value, got, want)
		}
	}
}

func TestReplaceLeavesWhatItDidNotExpect(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	refusedWith(t, Replace(file, []byte("before"), []byte("after")), "was changed by another program")
	if got, _ := os.ReadFile(file); string(got) != "theirs" {
		t.Errorf("the file is %q", got)
	}
	if err := Replace(file, []byte("theirs"), []byte("ours")); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(file)
	old, _ := os.ReadFile(file + ".old")
	if string(got) != "ours" || string(old) != "theirs" {
		t.Errorf("the file is %q, the old one %q", got, old)
	}
}
