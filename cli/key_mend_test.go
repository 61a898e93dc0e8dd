//go:build linux

package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"sallyport/internal/sshtest"
	"sallyport/keys"
)

// TestWhatIsWrongWithAPairIsFoundAndItsCommandMendsIt types the command of each
// finding into a shell.
func TestWhatIsWrongWithAPairIsFoundAndItsCommandMendsIt(t *testing.T) {
	t.Parallel()
	chmod := func(t *testing.T, path string) { must(t, os.Chmod(path, 0o644)) }
	removed := func(suffix string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) { must(t, os.Remove(path+suffix)) }
	}
	written := func(suffix, text string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) { must(t, os.WriteFile(path+suffix, []byte(text), 0o600)) }
	}
	const replace, enter, again = "Replace ", "Enter new passphrase", "same passphrase again"
	type answer struct{ question, text string }
	for _, row := range []struct {
		name, args string
		spoil      func(t *testing.T, path string)
		rule       string
		answers    []answer
	}{
		{"others can read it", "ed25519", chmod, "mode-open", nil},
		{"the public half is missing", "ed25519", removed(".pub"), "public-missing", nil},
		{"the public half is of another key", "ed25519", func(t *testing.T, path string) {
			sshtest.Keygen(t, path+"-other", "", "-t", "ed25519")
			must(t, os.Rename(path+"-other.pub", path+".pub"))
		}, "public-mismatched", []answer{{replace, "y"}}},
		{"the public half is noise", "ed25519", written(".pub", "noise"), "public-mismatched", []answer{{replace, "y"}}},
		{"the private half is missing", "ed25519", removed(""), keys.RuleOrphan, nil},
		{"the public half stands in its place", "ed25519", func(t *testing.T, path string) { must(t, os.Rename(path+".pub", path)) }, "not-private", nil},
		{"it is noise", "ed25519", written("", "noise"), "not-private", nil},
		{"the public half is noise and alone", "ed25519", func(t *testing.T, path string) {
			removed("")(t, path)
			written(".pub", "noise")(t, path)
		}, "not-public", nil},
		{"it has no passphrase", "ed25519", chmod, "unencrypted", []answer{{enter, "winter"}, {again, "winter"}}},
		{"it is in the old format", "ecdsa", func(t *testing.T, path string) {
			sshtest.Run(t, "ssh-keygen", "-q", "-p", "-m", "PEM", "-P", "", "-N", "winter", "-f", path)
		}, "old-pem", []answer{{"Enter passphrase for key", "winter"}, {enter, "summer"}, {again, "summer"}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			short, err := os.MkdirTemp("", "sp") // a socket's path is short
			must(t, err)
			defer os.RemoveAll(short)
			path := filepath.Join(t.TempDir(), "it's mine")
			sshtest.Keygen(t, path, "", "-t", row.args)
			row.spoil(t, path)
			f, ok := finding(t, path, row.rule)
			if !ok {
				t.Fatalf("%q is not found", row.rule)
			}
			cmd := exec.Command("sh", "-c", f.Fix)
			cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+short, "XDG_RUNTIME_DIR="+short, "SSH_ASKPASS=")
			p := newConsole(t, cmd)
			for _, a := range row.answers {
				p.wait(a.question)
				p.press(a.text+"\r", "\n")
			}
			if status := p.ended(); status != 0 {
				t.Errorf("%q ended with %d: %s", f.Fix, status, p.since())
			}
			if _, still := finding(t, path, row.rule); still {
				t.Errorf("after %q it is still found", f.Fix)
			}
		})
	}
}

// finding is what is found wrong with a pair by a rule. A pair that has gone
// has nothing wrong.
func finding(t *testing.T, path, rule string) (keys.Finding, bool) {
	t.Helper()
	f, err := keys.Inspect(path)
	if os.IsNotExist(err) {
		return keys.Finding{}, false
	}
	must(t, err)
	i := slices.IndexFunc(f.Findings, func(f keys.Finding) bool { return f.Rule == rule })
	if i < 0 {
		return keys.Finding{}, false
	}
	return f.Findings[i], true
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
