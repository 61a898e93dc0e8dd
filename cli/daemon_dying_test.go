//go:build unix

package cli

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestAProcessThatIsKilledIsStartedAnew asks one that hangs up in the middle of
// the question, as one does that was sent SIGKILL and is not yet gone.
func TestAProcessThatIsKilledIsStartedAnew(t *testing.T) {
	t.Parallel()
	place, err := os.MkdirTemp("", "sp") // that of the test is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(place) })
	dir := filepath.Join(place, "sallyport")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	dying, err := net.Listen("unix", filepath.Join(dir, "daemon.sock"))
	if err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the first question
		conn, err := dying.Accept()
		if err != nil {
			return
		}
		_, _ = conn.Read(make([]byte, 1)) // what is asked does not matter
		dying.Close()
		conn.Close()
	}()
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command(filepath.Join(product(t), "sallyport"), args...)
		cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+place, "XDG_STATE_HOME="+place)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("sallyport %q: %v\n%s", args, err, out)
		}
	}
	run("daemon", "restart")
	run("daemon", "stop")
}
