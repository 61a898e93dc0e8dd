package sshtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Master is a real ControlMaster: ssh -M on a Server.
type Master struct {
	Socket string
	PID    int

	cmd *exec.Cmd
}

// MasterVariable names the ssh that masters are made of, instead of the
// installed one: tests then have to do with a master of another version.
const MasterVariable = "SALLYPORT_TEST_MASTER"

// StartMaster starts a master that runs until the test ends. options are
// those of ssh, before -M.
func (s *Server) StartMaster(t testing.TB, options ...string) *Master {
	t.Helper()
	dir, err := os.MkdirTemp("", "mux") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	ssh := s.SSH(t, append(options, "-M", "-N", "-S", socket, Alias)...)
	if other := os.Getenv(MasterVariable); other != "" {
		ssh.Path = Program(t, other)
	}
	return RunMaster(t, socket, ssh)
}

// RunMaster starts an ssh that is to listen on a socket until the test ends.
func RunMaster(t testing.TB, socket string, ssh *exec.Cmd) *Master {
	t.Helper()
	m := &Master{Socket: socket, cmd: ssh}
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	m.PID = m.cmd.Process.Pid
	t.Cleanup(func() {
		m.Kill()
		os.Remove(m.Socket)
	})
	Eventually(t, "the master listens", func() bool {
		_, err := os.Stat(m.Socket)
		return err == nil
	})
	return m
}

// Kill ends it as kill -9 does: its socket stays.
func (m *Master) Kill() {
	m.cmd.Process.Kill() // it may have ended
	m.cmd.Wait()
}

// Freeze stops it as SIGSTOP does: it keeps what it has and answers nothing.
func (m *Master) Freeze(t testing.TB) {
	t.Helper()
	if err := freeze(m.PID); err != nil {
		t.Fatal(err)
	}
}

// SSHOver is the real client that shares a connection with whoever listens on a
// control socket; it never connects by itself.
func (s *Server) SSHOver(t testing.TB, socket string, args ...string) *exec.Cmd {
	t.Helper()
	return s.SSH(t, append([]string{"-o", "ControlMaster=no", "-o", "ProxyCommand=false", "-S", socket}, args...)...)
}
