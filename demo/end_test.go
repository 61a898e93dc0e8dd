package demo

import (
	"errors"
	"io"
	"os"
	"runtime"
	"slices"
	"testing"

	"sallyport/internal/sshtest"
)

// One client of each kind is in the middle of something when the demo ends.
func TestTheEndLeavesNothing(t *testing.T) {
	runtimeDir := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", runtimeDir)
	before := runtime.NumGoroutine()
	n := start(t, t.Context())
	clients := []*client{
		n.client(t, "-tt", "targaryen", "top"),
		n.client(t, "-o", "ClearAllForwardings=yes", "got-bastion", "echo ready; yes"),
		n.client(t, "work-ens", "echo ready; cat"),
		n.client(t, "-o", "ClearAllForwardings=yes", "-W", "targaryen:8080", "got-bastion"),
	}
	for _, c := range clients {
		startBusy(t, c)
	}

	shut(t, n)
	shut(t, n) // a second time changes nothing

	for _, c := range clients {
		_ = c.Process.Kill() // it may have ended by itself
		_ = c.Wait()         // how does not matter here
	}
	if _, err := os.Lstat(n.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
	if left, err := os.ReadDir(runtimeDir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	for name, port := range n.ports {
		if listens(port) {
			t.Errorf("%s still listens", name)
		}
	}
	sshtest.Eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
}

// startBusy starts c and waits until its server has answered it something.
func startBusy(t *testing.T, c *client) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	c.Stdout = w
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close() // the client has its own
	if slices.Contains(c.Args, "-W") {
		if _, err := io.WriteString(in, "GET /api HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Read(make([]byte, 1)); err != nil {
		t.Fatalf("%v: %v %s", c.Args, err, c.err.String())
	}
}
