package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
)

// resolve is the host "wall" of a configuration with these lines in its block.
func resolve(t *testing.T, block ...string) *config.Host {
	t.Helper()
	paths, err := config.File(configFile(t, block...))
	if err != nil {
		t.Fatal(err)
	}
	h, err := config.Load(paths).Resolve("wall", config.Match{})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func configFile(t *testing.T, block ...string) string {
	t.Helper()
	return write(t, filepath.Join(t.TempDir(), "config"), "Host wall\n\t"+strings.Join(block, "\n\t")+"\n")
}

// realSSH runs ssh on the same configuration and returns what it complains
// about.
func realSSH(t *testing.T, env []string, block ...string) string {
	t.Helper()
	need(t, "ssh")
	cmd := exec.Command("ssh", "-F", configFile(t, block...), "wall", "true")
	cmd.Env = append(os.Environ(), env...)
	out, _ := cmd.CombinedOutput() // that it fails is often expected
	return string(out)
}

// startSSHD runs a real sshd with these lines in its configuration, and the
// given host keys; it returns its port and a path for authorized keys.
func startSSHD(t *testing.T, hostKeys []string, lines ...string) (port int, authorized string) {
	t.Helper()
	sshd := need(t, "sshd")
	dir := t.TempDir()
	port = freePort(t)
	authorized = filepath.Join(dir, "authorized_keys")
	text := fmt.Sprintf("ListenAddress 127.0.0.1:%d\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\nAuthorizedKeysFile %s\n", port, authorized)
	for _, key := range hostKeys {
		text += "HostKey " + key + "\n"
		if _, err := os.Stat(key + "-cert.pub"); err == nil {
			text += "HostCertificate " + key + "-cert.pub\n"
		}
	}
	os.MkdirAll("/run/sshd", 0o755)
	cmd := exec.Command(sshd, "-D", "-e", "-f", write(t, filepath.Join(dir, "sshd_config"), text+strings.Join(lines, "\n")+"\n"))
	said, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	drained := make(chan struct{}) // waited for in the cleanup
	log := bufio.NewScanner(said)
	for log.Scan() && !strings.Contains(log.Text(), "Server listening") {
		t.Log(log.Text())
	}
	go func() {
		defer close(drained)
		io.Copy(io.Discard, said)
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-drained
		cmd.Wait()
	})
	return port, authorized
}

func me(t *testing.T) string {
	t.Helper()
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return u.Username
}

// startServer runs an SSH server in this process until the test ends. It ends
// each connection after the login.
func startServer(t *testing.T, configure func() *ssh.ServerConfig) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hostKey := newKey(t)
	var wg sync.WaitGroup // waited for in the cleanup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { serveLogin(conn, configure(), hostKey) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return l.Addr().(*net.TCPAddr).Port
}

func serveLogin(conn net.Conn, c *ssh.ServerConfig, hostKey ssh.Signer) {
	defer conn.Close()
	c.AddHostKey(hostKey)
	_, channels, requests, err := ssh.NewServerConn(conn, c)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests) // ends with conn
	for ch := range channels {
		ch.Reject(ssh.Prohibited, "the login was all that was to be tried")
	}
}

// person answers the questions of a login one after the other. One that has
// no more answers cancels.
type person struct {
	mu      sync.Mutex // guards all below
	answers []Answer
	asked   []Question
	steps   []string
}

func (p *person) ask(_ context.Context, q Question) (Answer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, q)
	if len(p.asked) > len(p.answers) {
		return Answer{}, ErrCancelled
	}
	return p.answers[len(p.asked)-1], nil
}

func (p *person) step(s string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steps = append(p.steps, s)
}

// typed is an answer to prompts.
func typed(texts ...string) Answer {
	var a Answer
	for _, text := range texts {
		a.Texts = append(a.Texts, []byte(text))
	}
	return a
}

// logIn logs in at 127.0.0.1 and explains its failure.
func logIn(t *testing.T, h *config.Host, env Env, p *person) *Failure {
	t.Helper()
	raw, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(h.Port())))
	if err != nil {
		t.Fatal(err)
	}
	a := newAuth(t.Context(), h, env, p.ask, p.step)
	defer a.close()
	conn, channels, requests, err := ssh.NewClientConn(raw, "wall", &ssh.ClientConfig{
		User:            h.User(),
		AuthCallback:    a.next,
		HostKeyCallback: func(string, net.Addr, ssh.PublicKey) error { return nil }, // other tests are about it
	})
	if err != nil {
		f := a.explain(err)
		if f == nil {
			t.Fatalf("the login failed for another reason: %v", err)
		}
		return f
	}
	go ssh.DiscardRequests(requests) // ends with conn
	go func() {
		for ch := range channels {
			ch.Reject(ssh.Prohibited, "")
		}
	}()
	if err := conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	return nil
}

// startAgent runs a real ssh-agent with these keys and returns its socket.
func startAgent(t *testing.T, keys ...string) string {
	t.Helper()
	need(t, "ssh-agent")
	need(t, "ssh-add")
	dir, err := os.MkdirTemp("", "agent") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "s")
	cmd := exec.Command("ssh-agent", "-D", "-a", socket)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		os.RemoveAll(dir)
	})
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil { // it listens before it prints
		t.Fatal(err)
	}
	for _, key := range keys {
		add := exec.Command("ssh-add", "-q", key)
		add.Env = append(slices.Clone(os.Environ()), "SSH_AUTH_SOCK="+socket)
		if said, err := add.CombinedOutput(); err != nil {
			t.Fatalf("ssh-add: %v\n%s", err, said)
		}
	}
	return socket
}

// failureOf is the *Failure in an error of x/crypto/ssh.
func failureOf(err error) (*Failure, bool) {
	var f *Failure
	ok := errors.As(err, &f)
	return f, ok
}
