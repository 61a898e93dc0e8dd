//go:build unix

package cli

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/internal/sshtest"
)

// TestAProcessThatIsKilledIsStartedAnew asks one that hangs up in the middle of
// the question, as one does that was sent SIGKILL and is not yet gone.
func TestAProcessThatIsKilledIsStartedAnew(t *testing.T) {
	t.Parallel()
	server := sshtest.StartServer(t)
	text, err := os.ReadFile(server.Path("ssh_config"))
	if err != nil {
		t.Fatal(err)
	}
	server.Write(t, "ssh_config", fmt.Sprintf("%s\tLocalForward %d localhost:1\n", text, sshtest.FreePort(t)))
	for _, row := range [][]string{
		{"daemon", "restart"},
		{"tunnel", "ls"},
		{"tunnel", "up", sshtest.Alias},
	} {
		t.Run(strings.Join(row, " "), func(t *testing.T) {
			place := dying(t)
			run := func(args ...string) {
				t.Helper()
				cmd := exec.Command(filepath.Join(product(t), "sallyport"), append([]string{"-F", server.Path("ssh_config")}, args...)...)
				cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+place, "XDG_STATE_HOME="+place)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("sallyport %q: %v\n%s", args, err, out)
				}
			}
			run(row...)
			run("daemon", "restart") // it starts one where there is none
			run("daemon", "stop")
		})
	}
}

// dying is a place for sockets with one of a process that is about to be gone.
func dying(t *testing.T) (place string) {
	t.Helper()
	place, err := os.MkdirTemp("", "sp") // that of the test is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(place) })
	dir := filepath.Join(place, "sallyport")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "daemon.sock"))
	if err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the first question
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = conn.Read(make([]byte, 1)) // what is asked does not matter
		l.Close()
		conn.Close()
	}()
	return place
}
