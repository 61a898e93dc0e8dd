package keys

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/internal/sshtest"
)

// generate has ssh-keygen make a key with a passphrase, "" for none.
func generate(t *testing.T, passphrase string, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "id")
	sshtest.Keygen(t, path, passphrase, args...)
	return path
}

// certify has an authority certify a key, in the file beside it.
func certify(t *testing.T, path string) {
	t.Helper()
	authority := generate(t, "", "-t", "ed25519")
	sshtest.Run(t, "ssh-keygen", "-q", "-s", authority, "-I", "jon", "-n", "jon", path+".pub")
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// shell runs a script as the far side does, with a home.
func shell(t *testing.T, home, script string) []byte {
	t.Helper()
	cmd := exec.Command(sshtest.Program(t, "sh"))
	cmd.Env = append(os.Environ(), "HOME="+home)
	cmd.Stdin = strings.NewReader(script)
	out, _ := cmd.Output() // half a script ends with an error
	return out
}
