package sshtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// Alias is what ssh_config calls a Server.
const Alias = "targaryen"

// Server is an sshd on a port of 127.0.0.1 that lets the user of the test in.
// Its files are those of one directory, which is also the HOME of its
// sessions, so that no start-up file of the user's shell runs:
//
//	hostkey, sshd_config, authorized_keys, log   the server's own
//	id, known_hosts, ssh_config                  those of a client that it knows
type Server struct {
	Port    int
	HostKey ssh.PublicKey // of the file hostkey
	Env     []string      // added to the server's own environment

	dir    string
	inside []string      // the command that runs sshd in a namespace of its own; nil for none
	cmd    *exec.Cmd     // nil while it does not run
	ended  chan struct{} // closed when cmd has
}

// NewServer writes the files of a server. lines of sshd_config come before
// its own, so that they win; a HostKey among them replaces its own too.
func NewServer(t testing.TB, lines ...string) *Server {
	t.Helper()
	s := &Server{Port: FreePort(t), dir: t.TempDir()}
	s.HostKey = WriteKey(t, s.Path("hostkey")).PublicKey()
	s.Write(t, "authorized_keys", string(ssh.MarshalAuthorizedKey(WriteKey(t, s.Path("id")).PublicKey())))
	s.Write(t, "known_hosts", s.Known())
	s.Write(t, "ssh_config", fmt.Sprintf("Host %s\nHostName 127.0.0.1\nPort %d\nIdentityFile %s\nIdentitiesOnly yes\n"+
		"UserKnownHostsFile %s\nGlobalKnownHostsFile none\nStrictHostKeyChecking yes\nLogLevel ERROR\nBatchMode yes\n",
		Alias, s.Port, s.Path("id"), s.Path("known_hosts")))
	if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, "HostKey ") }) {
		lines = append(lines, "HostKey "+s.Path("hostkey"))
	}
	if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, "MaxStartups ") }) { // of which the last wins
		lines = append(lines, "MaxStartups 500") // else it drops logins when many come at once
	}
	lines = append(lines,
		"ListenAddress 127.0.0.1:"+strconv.Itoa(s.Port),
		"AuthorizedKeysFile "+s.Path("authorized_keys"),
		"PidFile none", "UsePAM no", "StrictModes no", "UseDNS no", "PermitRootLogin yes", "PasswordAuthentication no",
		"SetEnv HOME="+s.dir, "PermitUserRC no",
		"LogLevel VERBOSE")
	s.Write(t, "sshd_config", strings.Join(lines, "\n")+"\n")
	return s
}

// StartServer starts a server, see NewServer, that runs until the test ends.
func StartServer(t testing.TB, lines ...string) *Server {
	t.Helper()
	s := NewServer(t, lines...)
	s.Run(t)
	return s
}

// Run starts the server until the test ends.
func (s *Server) Run(t testing.TB) {
	t.Helper()
	s.Start(t)
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("sshd says:\n%s", s.Log())
		}
	})
}

// Start starts a server that does not run, and waits until it listens.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	_ = os.MkdirAll("/run/sshd", 0o755) // sshd as root wants it, and says so in its log; a boot empties /run
	log, err := os.OpenFile(s.Path("log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	begun := s.begun()
	argv := append(slices.Clone(s.inside), Program(t, "sshd"), "-D", "-e", "-f", s.Path("sshd_config")) // an absolute path, as sshd wants it
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stderr = log
	cmd.Env = append(os.Environ(), s.Env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { // ends with the process, which Stop waits for
		defer close(ended)
		cmd.Wait()
	}()
	s.cmd, s.ended = cmd, ended
	Eventually(t, "sshd listens", func() bool {
		select {
		case <-ended:
			t.Fatalf("sshd has ended: %s", s.Log())
		default:
		}
		return s.begun() > begun
	})
}

// begun is how often it has begun to listen. To connect instead would leave a
// process behind that looks like a session.
func (s *Server) begun() int { return strings.Count(s.Log(), "Server listening on") }

// Stop ends the server and its sessions.
func (s *Server) Stop() {
	if s.cmd == nil {
		return
	}
	sessions := s.Sessions()
	s.cmd.Process.Kill()
	<-s.ended
	kill(sessions)
	s.cmd = nil
}

// KillSessions ends the processes that serve connections, not the listener.
func (s *Server) KillSessions() { kill(s.Sessions()) }

// HangUp ends the processes of sshd that serve connections, and not what runs
// in their sessions, which loses its terminal.
func (s *Server) HangUp() {
	kill(slices.DeleteFunc(s.Sessions(), func(pid int) bool {
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		return err != nil || !strings.HasPrefix(string(name), "sshd")
	}))
}

// kill begins at the top: a server that sees its command end first still tells
// of that.
func kill(pids []int) {
	for _, pid := range slices.Backward(pids) {
		if p, err := os.FindProcess(pid); err == nil {
			p.Kill() // it may have ended
		}
	}
}

// Freeze stops the processes that serve connections as SIGSTOP does: they
// keep their connections and answer nothing, until Stop or KillSessions.
func (s *Server) Freeze(t testing.TB) {
	t.Helper()
	for _, pid := range s.Sessions() {
		if err := freeze(pid); err != nil {
			t.Fatal(err)
		}
	}
}

// Sessions are the processes below the listener: those that serve
// connections, and what runs in them.
func (s *Server) Sessions() []int { return children(s.cmd.Process.Pid) }

// children are the processes below one, by /proc, the lowest first.
func children(of int) []int {
	list, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", of)) // none if it has ended
	var all []int
	for word := range strings.FieldsSeq(string(list)) {
		if pid, err := strconv.Atoi(word); err == nil {
			all = append(append(all, children(pid)...), pid)
		}
	}
	return all
}

// Path is that of a file in its directory.
func (s *Server) Path(name string) string { return filepath.Join(s.dir, name) }

// Write writes a file in its directory.
func (s *Server) Write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(s.Path(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Address is where it listens, as net.Dial has it.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)) }

// Known is its line of known_hosts.
func (s *Server) Known() string {
	return fmt.Sprintf("[127.0.0.1]:%d %s", s.Port, ssh.MarshalAuthorizedKey(s.HostKey))
}

// Log is all that it has said, also before it was started again.
func (s *Server) Log() string {
	text, _ := os.ReadFile(s.Path("log")) // none before it is started
	return string(text)
}

// Logins counts those that succeeded with a key.
func (s *Server) Logins() int { return strings.Count(s.Log(), "Accepted publickey") }

// SSH is the real client with the server's ssh_config; Alias is the server.
func (s *Server) SSH(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	return exec.Command(Program(t, "ssh"), append([]string{"-F", s.Path("ssh_config")}, args...)...)
}
