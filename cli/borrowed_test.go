//go:build linux

package cli

import (
	"fmt"
	"net"
	"path/filepath"
	"syscall"
	"testing"

	"sallyport/api"
	"sallyport/internal/sshtest"
)

// TestAForwardOfAMasterEndsWithTheBackgroundProcess has a master of the real
// ssh open one. An upgrade and a kill leave it as it is; the next process has
// it.
func TestAForwardOfAMasterEndsWithTheBackgroundProcess(t *testing.T) {
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
	process := &api.Client{Socket: filepath.Join(c.runtime(), "sallyport", "daemon.sock")}
	now := func() api.Snapshot {
		t.Helper()
		s, err := process.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	_, spec, err := api.ReadForward(fmt.Sprintf("%d:localhost:%d", port, s.Port))
	if err != nil {
		t.Fatal(err)
	}
	answers := func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			conn.Close()
		}
		return err == nil
	}
	listed := func() bool { all := now().Borrowed; return len(all) == 1 && all[0].Spec == spec }
	m := s.StartMaster(t)
	request := api.BorrowRequest{Path: m.Socket, PID: m.PID, Spec: spec, Up: true}
	borrow := func() {
		t.Helper()
		if _, err := process.Borrow(t.Context(), request); err != nil || !answers() {
			t.Fatalf("%v; somebody answers: %v", err, answers())
		}
	}

	must(sshtest.Alias, "true") // starts it
	borrow()
	first := now().Daemon.PID
	must("daemon", "restart")
	_ = api.AwaitEnd(t.Context(), first) // it may have ended
	sshtest.Eventually(t, "the next process lists it", listed)
	if !answers() {
		t.Error("nobody answers after an upgrade")
	}
	second := now().Daemon.PID
	if err := syscall.Kill(second, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = api.AwaitEnd(t.Context(), second) // it takes connections until then
	must(sshtest.Alias, "true")
	sshtest.Eventually(t, "the one after the kill lists it", listed)
	if !answers() {
		t.Error("nobody answers any more")
	}
	must("daemon", "stop")
	if answers() {
		t.Error("it is open, with no background process")
	}
	must(sshtest.Alias, "true")
	if all := now().Borrowed; len(all) > 0 {
		t.Errorf("the one after the stop lists %+v", all)
	}

	borrow()
	m.Kill()
	sshtest.Eventually(t, "none is listed once the master has ended", func() bool { return len(now().Borrowed) == 0 })
	if _, err := process.Borrow(t.Context(), request); err == nil {
		t.Error("a master that has ended opens one")
	}
	if all := now().Borrowed; len(all) > 0 {
		t.Errorf("one that was refused is listed: %+v", all)
	}
}
