//go:build unix

package transport

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// sshd is a real server on loopback.
type sshd struct {
	port int
	cmd  *exec.Cmd
	log  *lockedBuffer
	args []string
}

// lockedBuffer is a log that is written and read at once.
type lockedBuffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// sshd starts a server called name and adds its Host block.
func (n *network) sshd(t *testing.T, name string, more ...string) *sshd {
	t.Helper()
	path := need(t, "sshd")
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Skipf("sshd needs /run/sshd: %v", err)
	}
	s := &sshd{port: freePort(t), log: &lockedBuffer{}}
	hostKey := keyPair(t, filepath.Join(n.dir, name+"_host"))
	n.know(t, s.port, hostKey.PublicKey())
	n.write(t, name+"_sshd", fmt.Sprintf("ListenAddress 127.0.0.1\nPort %d\nHostKey %[2]s/%[3]s_host\nAuthorizedKeysFile %[2]s/authorized\n"+
		"PidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\nLogLevel VERBOSE\nMaxStartups 100:30:200\n", s.port, n.dir, name))
	s.args = []string{path, "-D", "-e", "-f", filepath.Join(n.dir, name+"_sshd")}
	n.host(name, s.port, more...)
	s.start(t)
	t.Cleanup(func() { s.stop() })
	return s
}

func (s *sshd) start(t *testing.T) {
	t.Helper()
	s.cmd = exec.Command(s.args[0], s.args[1:]...)
	s.cmd.Stderr = s.log
	s.cmd.WaitDelay = time.Second
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "sshd listens", func() bool {
		c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// stop ends the listener and then the processes of its connections.
func (s *sshd) stop() {
	children := s.children()
	_ = s.cmd.Process.Kill() // it may have ended
	_ = s.cmd.Wait()         // killed, as wanted
	for _, pid := range children {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
	}
}

// children are the processes that serve connections.
func (s *sshd) children() []int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", s.cmd.Process.Pid))
	if err != nil {
		return nil
	}
	var pids []int
	for word := range strings.FieldsSeq(string(text)) {
		if pid, err := strconv.Atoi(word); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// logins counts those that succeeded.
func (s *sshd) logins() int { return strings.Count(s.log.String(), "Accepted publickey") }
