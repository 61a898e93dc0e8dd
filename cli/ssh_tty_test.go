//go:build linux

package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"sallyport/internal/sshtest"
)

// TestQuestionsOnTheTerminalAreSSHs types the answers as expect and sshpass
// do: each once the words of ssh have come that they wait for.
func TestQuestionsOnTheTerminalAreSSHs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, row := range []struct {
		name, args string
		talk       []string // what comes, and what is typed then, in turns
		status     int
	}{
		{"a host key and a passphrase", "-o StrictHostKeyChecking=ask -o UserKnownHostsFile=$KNOWN -F /dev/null -i $D/locked -o IdentitiesOnly=yes -p $SERVER 127.0.0.1 exit 3", []string{
			"can't be established.", "", "(yes/no/[fingerprint])? ", "what\n", "Please type 'yes', 'no' or the fingerprint: ", "yes\n",
			"Warning: Permanently added", "", "Enter passphrase for key '$D/locked': ", "wrong\n",
			"Enter passphrase for key '$D/locked': ", "secret\n",
		}, 3},
		{"passwords", "-F $CONFIG -o PubkeyAuthentication=no -o NumberOfPasswordPrompts=2 one", []string{
			"$USER@127.0.0.1's password: ", "wrong\n", "Permission denied, please try again.", "",
			"$USER@127.0.0.1's password: ", "wrong\n", "Permission denied (", "",
		}, ours},
		{"a shell and its escape", "-F $CONFIG -t one echo ready; cat", []string{
			"ready", "there\n", "there", "\r~.", "Connection", "",
		}, ours},
		{"a shell's end", "-F $CONFIG -t two echo x", []string{"x", "", "Connection to 127.0.0.1 closed.", ""}, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			fill := strings.NewReplacer("$D", strings.TrimSuffix(b.dir, "/"), "$CONFIG", b.config, "$SERVER", fmt.Sprint(b.server.Port),
				"$KNOWN", t.TempDir()+"/known", "$USER", strings.TrimSpace(sshtest.Run(t, "id", "-un")))
			cmd := exec.Command(b.bin+"/sallyport", append([]string{"ssh"}, strings.Fields(fill.Replace(row.args))...)...)
			cmd.Env = append(plainEnvironment(), "TERM=vt100", "PATH="+os.Getenv("PATH"), "XDG_RUNTIME_DIR="+b.bin)
			tty, err := pty.Start(cmd)
			if err != nil {
				t.Fatal(err)
			}
			defer tty.Close()
			guard := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
			defer guard.Stop()
			var seen bytes.Buffer
			for i := 0; i < len(row.talk); i += 2 {
				awaitWords(t, tty, &seen, fill.Replace(row.talk[i]))
				if _, err := tty.WriteString(row.talk[i+1]); err != nil {
					t.Fatal(err)
				}
			}
			cmd.Wait()
			if got := cmd.ProcessState.ExitCode(); got != row.status {
				t.Errorf("it ended with %d, want %d:\n%s", got, row.status, seen.String())
			}
		})
	}
}

// TestTerminalIsItselfAgainWhenNobodyReads closes the output of a session that
// has a terminal, as mosh does once it has read where its server listens.
func TestTerminalIsItselfAgainWhenNobodyReads(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const script = `was=$(stty -g)
		$RUN -F $CONFIG -tt two "echo ready; until [ -e $D/gone ]; do sleep 0.02; done; echo more; exit 7" 2>&1 | { read -r; exec <&-; touch $D/gone; }
		echo "it ended with ${PIPESTATUS[0]}"
		[ "$was" = "$(stty -g)" ] && echo "the terminal is as before"`
	for _, run := range []string{"ssh", "ssh -n", "sallyport ssh", "sallyport ssh -n", "sallyport"} {
		t.Run(run, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(sshtest.Program(t, "bash"), "-c", script)
			cmd.Env = append(plainEnvironment(), "TERM=vt100", "PATH="+b.bin+":"+os.Getenv("PATH"), "XDG_RUNTIME_DIR="+b.bin,
				"RUN="+run, "CONFIG="+b.config, "D="+t.TempDir())
			p := newConsole(t, cmd)
			p.wait("the terminal is as before")
			if run != "sallyport" && !strings.Contains(p.since(), "it ended with 7") { // a shell that is kept goes on without a viewer
				t.Errorf("it has another status: %q", p.since())
			}
		})
	}
}

// awaitWords reads a terminal until words have come, and drops what is before
// their end.
func awaitWords(t *testing.T, tty *os.File, seen *bytes.Buffer, words string) {
	t.Helper()
	buf := make([]byte, 4096)
	for {
		if _, rest, found := strings.Cut(seen.String(), words); found {
			seen.Reset()
			seen.WriteString(rest)
			return
		}
		n, err := tty.Read(buf)
		seen.Write(buf[:n])
		if err != nil {
			t.Fatalf("%q never came, but\n%s", words, seen.String())
		}
	}
}
