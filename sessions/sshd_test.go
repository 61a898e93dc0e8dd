package sessions

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/transport"
)

// program is the path of a real program that a test needs. Without it the
// test is skipped, except in CI, where nothing may be missing.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed", name)
	}
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

// until waits for something that happens elsewhere.
func until(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); !happened(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never happened that %s", what)
		}
	}
}

// server is a real sshd on a loopback port, which lets the user of the test in.
type server struct {
	dir  string
	port int
	cmd  *exec.Cmd
}

func startServer(t *testing.T, options ...string) *server {
	t.Helper()
	s := newServer(t)
	_ = os.Mkdir("/run/sshd", 0o755) // sshd as root wants it, and says so in its log; a boot empties /run
	options = append(options,        // the first value of an option counts
		"ListenAddress 127.0.0.1:"+strconv.Itoa(s.port),
		"HostKey "+s.path("hostkey"),
		"AuthorizedKeysFile "+s.path("authorized_keys"),
		"PidFile none", "UsePAM no", "StrictModes no", "PermitRootLogin yes",
		"MaxStartups 100", "UseDNS no",
		"SetEnv HOME="+s.dir, // what the user's own shell does at its start is not to be tested
		"")
	s.write(t, "sshd_config", []byte(strings.Join(options, "\n")))
	s.start(t)
	t.Cleanup(s.stop)
	return s
}

// newServer is the files of one.
func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{dir: t.TempDir(), port: freePort(t)}
	hostKey := ssh.MarshalAuthorizedKey(s.writeKey(t, "hostkey"))
	s.write(t, "known_hosts", fmt.Appendf(nil, "[127.0.0.1]:%d %s", s.port, hostKey))
	s.write(t, "authorized_keys", ssh.MarshalAuthorizedKey(s.writeKey(t, "id")))
	s.write(t, "ssh_config", fmt.Appendf(nil, "Host targaryen\nHostName 127.0.0.1\nPort %d\nIdentityFile %s\nIdentitiesOnly yes\n"+
		"UserKnownHostsFile %s\nGlobalKnownHostsFile none\nStrictHostKeyChecking yes\nLogLevel ERROR\nBatchMode yes\n",
		s.port, s.path("id"), s.path("known_hosts")))
	return s
}

func (s *server) path(name string) string { return filepath.Join(s.dir, name) }

func (s *server) write(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(s.path(name), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *server) writeKey(t *testing.T, name string) ssh.PublicKey {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, name, pem.EncodeToMemory(block))
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (s *server) start(t *testing.T) {
	t.Helper()
	s.cmd = exec.Command(program(t, "sshd"), "-D", "-e", "-f", s.path("sshd_config"))
	log, err := os.OpenFile(s.path("log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.cmd.Stderr = log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if text, _ := os.ReadFile(s.path("log")); t.Failed() {
			t.Logf("sshd says:\n%s", text)
		}
	}()
	until(t, "sshd listens", func() bool {
		c, err := net.Dial("tcp", s.address())
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

func (s *server) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// stop ends sshd and its sessions.
func (s *server) stop() {
	sessions := s.sessions()
	s.cmd.Process.Kill()
	s.cmd.Wait()
	kill(sessions)
}

// killSessions ends the processes that serve connections, not the listener.
func (s *server) killSessions() { kill(s.sessions()) }

func kill(pids []int) {
	for _, pid := range pids {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

func (s *server) sessions() []int { return children(s.cmd.Process.Pid) }

// children are the processes below one, by /proc.
func children(of int) []int {
	tasks, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", of, of))
	var all []int
	for _, word := range strings.Fields(string(tasks)) {
		if pid, err := strconv.Atoi(word); err == nil {
			all = append(append(all, children(pid)...), pid)
		}
	}
	return all
}

// ssh is the real client, logging in to the server.
func (s *server) ssh(t *testing.T, args ...string) *exec.Cmd {
	return exec.Command(program(t, "ssh"), append([]string{"-F", s.path("ssh_config")}, args...)...)
}

// freePort is a port of 127.0.0.1 on which nobody listens.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// link makes a real link to the server, with more options for its Host block.
func (s *server) link(t *testing.T, options ...string) *transport.Link {
	t.Helper()
	text, err := os.ReadFile(s.path("ssh_config"))
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "ssh_config", append(text, strings.Join(append(options, ""), "\n")...))
	cfg := config.Load(config.Paths{User: s.path("ssh_config"), Home: s.dir, Explicit: true})
	chain, err := transport.Plan(cfg, "targaryen", config.Match{Execute: true})
	if err != nil {
		t.Fatal(err)
	}
	links := transport.NewLinks(transport.Options{})
	t.Cleanup(links.Close)
	return links.Get(chain, nil)
}
