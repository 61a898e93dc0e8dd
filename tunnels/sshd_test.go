package tunnels

import (
	"context"
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
	"sync"
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
	s := &server{dir: t.TempDir(), port: freeTestPort(t)}
	_ = os.Mkdir("/run/sshd", 0o755) // sshd as root wants it, and says so in its log; a boot empties /run
	hostKey := ssh.MarshalAuthorizedKey(s.writeKey(t, "hostkey"))
	s.write(t, "known_hosts", fmt.Appendf(nil, "[127.0.0.1]:%d %s", s.port, hostKey))
	s.write(t, "authorized_keys", ssh.MarshalAuthorizedKey(s.writeKey(t, "id")))
	s.write(t, "ssh_config", fmt.Appendf(nil, "Host targaryen\nHostName 127.0.0.1\nPort %d\nIdentityFile %s\nIdentitiesOnly yes\n"+
		"UserKnownHostsFile %s\nGlobalKnownHostsFile none\nStrictHostKeyChecking yes\nLogLevel ERROR\nBatchMode yes\n",
		s.port, s.path("id"), s.path("known_hosts")))
	options = append(options, // the first value of an option counts
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

// freeTestPort is a port that is free on both loopback addresses.
func freeTestPort(t *testing.T) int {
	t.Helper()
	for range 20 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		if l6, err := net.Listen("tcp6", net.JoinHostPort("::1", strconv.Itoa(port))); err == nil || noAddress(err) {
			if err == nil {
				l6.Close()
			}
			return port
		}
	}
	t.Fatal("no port is free on both loopback addresses")
	return 0
}

// link is a real link to the server. Whoever asks for its connection is
// counted, and so is who keeps it.
type link struct {
	*transport.Link

	mu          sync.Mutex // guards what follows
	asked, kept int
}

func (l *link) Conn(ctx context.Context) (*transport.Conn, error) {
	l.mu.Lock()
	l.asked++
	l.mu.Unlock()
	return l.Link.Conn(ctx)
}

func (l *link) Keep() func() {
	l.add(1)
	release := l.Link.Keep()
	return func() { release(); l.add(-1) }
}

func (l *link) add(kept int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept += kept
}

func (l *link) counts() (asked, kept int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.asked, l.kept
}

// link makes the link; notify hears of its states.
func (s *server) link(t *testing.T, notify func(transport.LinkStatus)) *link {
	t.Helper()
	cfg := config.Load(config.Paths{User: s.path("ssh_config"), Home: s.dir, Explicit: true})
	chain, err := transport.Plan(cfg, "targaryen", config.Match{Execute: true})
	if err != nil {
		t.Fatal(err)
	}
	links := transport.NewLinks(transport.Options{Notify: notify})
	t.Cleanup(links.Close)
	return &link{Link: links.Get(chain, nil)}
}
