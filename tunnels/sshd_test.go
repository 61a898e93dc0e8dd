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
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

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
	dir    string
	port   int
	signer ssh.Signer
	cmd    *exec.Cmd
}

func startServer(t *testing.T, options ...string) *server {
	t.Helper()
	s := &server{dir: t.TempDir(), port: freeTestPort(t)}
	sshd := program(t, "sshd")
	_ = os.Mkdir("/run/sshd", 0o755) // sshd as root wants it, and says so in its log; a boot empties /run
	s.writeKey(t, "hostkey")
	s.signer = s.writeKey(t, "id")
	s.write(t, "authorized_keys", ssh.MarshalAuthorizedKey(s.signer.PublicKey()))
	s.write(t, "sshd_config", []byte(strings.Join(append([]string{
		"ListenAddress 127.0.0.1:" + strconv.Itoa(s.port),
		"HostKey " + s.path("hostkey"),
		"AuthorizedKeysFile " + s.path("authorized_keys"),
		"PidFile none", "UsePAM no", "StrictModes no", "PermitRootLogin yes",
		"MaxStartups 100", "MaxSessions 10", "UseDNS no", "Subsystem sftp internal-sftp",
	}, options...), "\n")+"\n"))
	s.start(t, sshd)
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

func (s *server) writeKey(t *testing.T, name string) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, name, pem.EncodeToMemory(block))
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func (s *server) start(t *testing.T, sshd string) {
	t.Helper()
	s.cmd = exec.Command(sshd, "-D", "-e", "-f", s.path("sshd_config"))
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
	s.killSessions()
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// killSessions ends the processes that serve connections, not the listener.
func (s *server) killSessions() {
	for _, pid := range s.sessions() {
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

// connect logs in.
func (s *server) connect() (*ssh.Client, error) {
	me, err := user.Current()
	if err != nil {
		return nil, err
	}
	return ssh.Dial("tcp", s.address(), &ssh.ClientConfig{
		User:            me.Username,
		Auth:            []ssh.AuthMethod{ssh.PublicKeys(s.signer)},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), // the server is the test's own
	})
}

// ssh is the real client, logging in to the server.
func (s *server) ssh(t *testing.T, args ...string) *exec.Cmd {
	return exec.Command(program(t, "ssh"), append([]string{"-F", "none", "-i", s.path("id"), "-p", strconv.Itoa(s.port),
		"-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=" + s.path("known_hosts"), "-oLogLevel=ERROR", "-oBatchMode=yes"}, args...)...)
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

// clientConn is an ssh.Client as a tunnel sees a connection.
type clientConn struct {
	*ssh.Client
	done chan struct{}
}

func (c clientConn) Done() <-chan struct{} { return c.done }

func (c clientConn) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.Client.DialContext(ctx, network, address)
	return conn, asFailure(err)
}

func (c clientConn) NewSession(ctx context.Context) (*ssh.Session, error) {
	type opened struct {
		session *ssh.Session
		err     error
	}
	came := make(chan opened, 1)
	go func() { s, err := c.Client.NewSession(); came <- opened{s, err} }()
	select {
	case o := <-came:
		return o.session, asFailure(o.err)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func asFailure(err error) error {
	switch err := err.(type) {
	case nil:
		return nil
	case *ssh.OpenChannelError:
		return &transport.Failure{Code: "unreachable", Message: err.Message}
	default:
		return &transport.Failure{Code: "closed", Message: err.Error()}
	}
}

// fakeLink dials the server anew whenever it is asked without a connection,
// as long as it is let.
type fakeLink struct {
	server *server
	tunnel *Tunnel

	mu    sync.Mutex
	now   *clientConn
	away  chan struct{} // closed when the link may be dialled
	holds int
	asked int
}

func newFakeLink(s *server) *fakeLink {
	l := &fakeLink{server: s, away: make(chan struct{})}
	close(l.away)
	return l
}

func (l *fakeLink) Conn(context.Context) (*transport.Conn, error) { panic("tests come by reach") }

func (l *fakeLink) Hold() func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holds++
	return func() { l.mu.Lock(); defer l.mu.Unlock(); l.holds-- }
}

func (l *fakeLink) Status() transport.LinkStatus {
	return transport.LinkStatus{ID: "link", State: transport.Down}
}

// leave keeps the link from being dialled until the func is called.
func (l *fakeLink) leave() (back func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	away := make(chan struct{})
	l.away = away
	return func() { close(away) }
}

func (l *fakeLink) reach(ctx context.Context) (conn, error) {
	l.mu.Lock()
	away := l.away
	l.asked++
	l.mu.Unlock()
	select {
	case <-away:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now != nil && !isDone(l.now) {
		return *l.now, nil
	}
	client, err := l.server.connect()
	if err != nil {
		return nil, &transport.Failure{Code: "unreachable", Message: err.Error()}
	}
	c := clientConn{client, make(chan struct{})}
	l.now = &c
	l.tunnel.LinkChanged(transport.LinkStatus{ID: "link", State: transport.Up})
	go func() {
		client.Wait()
		close(c.done)
		l.tunnel.LinkChanged(transport.LinkStatus{ID: "link", State: transport.Waiting})
	}()
	return c, nil
}
