//go:build linux || darwin || freebsd

package daemon_test

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"sallyport/internal/sshtest"
)

// TestHostileClientsDisturbNobody has a session go on beside garbage and a
// thousand connections.
func TestHostileClientsDisturbNobody(t *testing.T) {
	s := share(t, "ControlMaster auto")
	s.listens()
	cmd := s.server.SSHOver(t, s.socket, sshtest.Alias, "cat; echo end")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	sshtest.Eventually(t, "the session runs", func() bool {
		all, err := s.Served(t.Context())
		return err == nil && len(all) == 1 && len(all[0].Clients) == 1
	})
	var crowd sync.WaitGroup
	for i := range 1000 {
		conn := dialPatiently(t, s.socket)
		crowd.Go(func() {
			defer conn.Close()
			io.WriteString(conn, []string{"", "GET / HTTP/1.0\r\n\r\n", "\xff\xff\xff\xff", "\x00\x00\x00\x08\x00"}[i%4]) // it may have been hung up on
		})
	}
	crowd.Wait()
	io.WriteString(stdin, "here\n")
	stdin.Close()
	if err := cmd.Wait(); err != nil || out.String() != "here\nend\n" {
		t.Errorf("the session: %v, %q", err, out.String())
	}
	if out, status := run(t, s.server.SSHOver(t, s.socket, "x", "echo hi")); status != 0 || out != "hi\n" {
		t.Errorf("a new session: %d, %q", status, out)
	}
}

// dialPatiently connects to a socket whose queue may be full.
func dialPatiently(t *testing.T, path string) (conn net.Conn) {
	t.Helper()
	sshtest.Eventually(t, "there is room in the queue", func() bool {
		var err error
		conn, err = net.Dial("unix", path)
		return err == nil
	})
	return conn
}

// TestAnotherUserIsTurnedAway has one connect for whom the mode of the socket
// is no hindrance.
func TestAnotherUserIsTurnedAway(t *testing.T) {
	if os.Geteuid() != 0 {
		sshtest.Missing(t, "root, who can be another user,")
	}
	s := share(t, "ControlMaster auto")
	s.listens()
	for dir := filepath.Dir(s.socket); dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(s.socket, 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := asNobody(exec.Command(sshtest.Program(t, "ssh"), "-F", "none", "-S", s.socket, "-O", "check", "x"))
	if out, status := run(t, cmd); status != 255 || strings.Contains(out, "running") {
		t.Errorf("it was answered: %d, %q", status, out)
	}
	if out, status := run(t, s.server.SSHOver(t, s.socket, "-O", "check", "x")); status != 0 {
		t.Errorf("the user is not answered: %d, %q", status, out)
	}
}

// asNobody has a command run as a user who has no rights here.
func asNobody(cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	cmd.Dir = "/"
	return cmd
}
