//go:build unix

package keys

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

// pinentry answers gpg-agent, which asks for a passphrase of its own for each
// key.
const pinentry = `echo OK
while read word rest; do
	case $word in
	GETPIN) echo "D winter"; echo OK ;;
	BYE) echo OK; exit ;;
	*) echo OK ;;
	esac
done
`

// gpgAgent runs a gpg-agent with a home of its own, and returns its socket.
func gpgAgent(t *testing.T) (socket string) {
	t.Helper()
	program := sshtest.Program(t, "gpg-agent")
	home, err := os.MkdirTemp("", "gpg") // t.TempDir is too long for a socket
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(home) })
	asks := sshtest.Script(t, filepath.Join(home, "pinentry"), pinentry)
	// It ends with the process that it was started for, as soon as it looks.
	cmd := exec.Command(program, "--homedir", home, "--enable-ssh-support", "--s2k-count", "65536", "--pinentry-program", asks, "--daemon", "cat")
	idle, err := cmd.StdinPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() {
		exec.Command(sshtest.Program(t, "gpg-connect-agent"), "--homedir", home, "--no-autostart", "KILLAGENT", "/bye").Run() // nothing else would end it now
		idle.Close()
		cmd.Wait()
	})
	socket = filepath.Join(home, "S.gpg-agent.ssh")
	sshtest.Eventually(t, "gpg-agent listens", func() bool {
		_, err := os.Stat(socket)
		return err == nil
	})
	return socket
}

func TestGPGAgentTellsHowItKeepsKeys(t *testing.T) {
	t.Parallel()
	socket := gpgAgent(t)
	plain, asked := generate(t, "", "-t", "ed25519", "-C", "plain"), generate(t, "", "-t", "ecdsa", "-C", "asked")
	a := agentOf(t, socket)
	if got := a.Program(); got != ProgramGPGAgent {
		t.Errorf("it is taken for %q", got)
	}
	check(t, a.AddOpened(opened(t, plain, ""), nil, "", Constraints{}))
	check(t, a.AddOpened(opened(t, asked, ""), nil, "", Constraints{Confirm: true, Lifetime: 10 * time.Minute}))
	kept, err := a.Kept()
	check(t, err)
	want := map[string]Kept{
		fingerprintOf(t, plain): {},
		fingerprintOf(t, asked): {Confirm: true, Lifetime: 10 * time.Minute},
	}
	if diff := cmp.Diff(want, kept); diff != "" {
		t.Errorf("it keeps (-want +got):\n%s", diff)
	}
	held, err := a.Keys()
	if err != nil || len(held) != 2 || Fingerprint(held[0].Public) != fingerprintOf(t, plain) {
		t.Errorf("it holds %v, %v", held, err)
	}
}

func fingerprintOf(t *testing.T, path string) string {
	t.Helper()
	return strings.Fields(sshtest.Run(t, "ssh-keygen", "-l", "-f", path))[1]
}

func TestTheAnswerOfGPGAgentIsReadLeniently(t *testing.T) {
	for text, want := range map[string]map[string]Kept{
		"": {},
		"OK hello\nERR 67108903 Unknown IPC command\nS KEYINFO G D - - - P SHA256:x - -\n": {},
		"OK hello\nS KEYINFO G D\nS PROGRESS\nOK\n":                                        {},
		"OK hello\nS KEYINFO G T D27 OPENPGP.3 - - SHA256:x 60 Sc more\nOK\n":              {"SHA256:x": {Card: true, Confirm: true, Lifetime: time.Minute}},
	} {
		if diff := cmp.Diff(want, parseKeyInfo(strings.NewReader(text))); diff != "" {
			t.Errorf("%q is read as (-want +got):\n%s", text, diff)
		}
	}
}
