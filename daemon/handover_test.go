//go:build unix

package daemon_test

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/api"
	"sallyport/internal/sshtest"
)

// TestANextProcessThatCannotStartChangesNothing has programs take over that
// are no background process.
func TestANextProcessThatCannotStartChangesNothing(t *testing.T) {
	h := newHouse(t)
	before, err := h.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ name, program, want string }{
		{"it ends at once", sshtest.Program(t, "false"), "the new background process ended at once, the old one goes on: (exit status 1)"},
		{"it is not there", "/nowhere/sallyport", `starting "/nowhere/sallyport": `},
	} {
		t.Run(row.name, func(t *testing.T) {
			err := h.Restart(t.Context(), api.RestartRequest{Program: row.program})
			if err == nil || !strings.HasPrefix(api.AsError(err).Message, row.want) {
				t.Errorf("Restart: %v, want %s", err, row.want)
			}
			if now, err := h.Snapshot(t.Context()); err != nil || now.Daemon != before.Daemon {
				t.Errorf("it is %+v, %v; before it was %+v", now.Daemon, err, before.Daemon)
			}
		})
	}
}

// TestTheServiceManagerHearsOfTheNextProcess is sd_notify(3)'s other end.
func TestTheServiceManagerHearsOfTheNextProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	h := newHouse(t)
	// A next process that says it is ready, and goes.
	ready := sshtest.Script(t, filepath.Join(t.TempDir(), "ready"), "printf r >&3\n")
	go h.Restart(t.Context(), api.RestartRequest{Program: ready}) // nobody answers after it; it ends with the test
	message := make([]byte, 100)
	n, err := manager.Read(message)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(message[:n]); !strings.HasPrefix(got, "MAINPID=") || !strings.HasSuffix(got, "\nREADY=1") {
		t.Errorf("it heard %q", got)
	}
}
