//go:build linux

package cli

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/api"
	"sallyport/internal/sshtest"
)

// TestWhatIsWantedOnceOutlivesAnUpgrade has a real server listen for a tunnel
// that shall end with the background process: with the last of those that take
// over from each other.
func TestWhatIsWantedOnceOutlivesAnUpgrade(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	c := newClients(t, s)
	port := sshtest.FreePort(t)
	must := func(args ...string) {
		t.Helper()
		if out, err := c.sallyport(args...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v: %s", args, err, out)
		}
	}
	must("tunnel", "add", sshtest.Alias, "-R", fmt.Sprintf("%d:localhost:%d", port, s.Port))
	process := &api.Client{Socket: filepath.Join(c.runtime(), "sallyport", "daemon.sock")}
	_, spec, err := api.ReadForward(fmt.Sprintf("-R %d:localhost:%d", port, s.Port))
	if err != nil {
		t.Fatal(err)
	}
	target := api.Target{Host: sshtest.Alias, Config: s.Path("ssh_config"), Explicit: true}
	if now, err := process.SetTunnel(t.Context(), api.TunnelRequest{Target: target, Spec: spec, Up: true, Once: true}); err != nil || !now.Once {
		t.Fatalf("%+v, %v", now, err)
	}
	up := func() bool {
		open := tunnelsOf(t, c)
		return len(open) == 1 && open[0].Once && open[0].State == api.TunnelUp
	}
	sshtest.Eventually(t, "the far side listens", up)
	must("daemon", "restart")
	sshtest.Eventually(t, "the far side listens for the next process", up)

	must("daemon", "stop")
	must(sshtest.Alias, "true") // starts the next, which writes nothing
	must("daemon", "restart")
	for _, open := range tunnelsOf(t, c) {
		if open.Once {
			t.Errorf("after a stop, a start and an upgrade there is %+v", open)
		}
	}
}

// runtime is where the sockets of this user are.
func (c clients) runtime() (dir string) {
	for _, v := range c.env { // the last counts
		if is, ok := strings.CutPrefix(v, "XDG_RUNTIME_DIR="); ok {
			dir = is
		}
	}
	return dir
}
