package transport

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/internal/sshtest"
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
	cmd := exec.Command(sshtest.Program(t, "ssh"), "-F", configFile(t, block...), "wall", "true")
	cmd.Env = append(os.Environ(), env...)
	out, _ := cmd.CombinedOutput() // that it fails is often expected
	return string(out)
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
	hostKey := sshtest.NewKey(t)
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
	absent  bool
	mu      sync.Mutex // guards all below
	answers []Answer
	asked   []Question
	steps   []string
}

func (p *person) ask(_ context.Context, q Question) (Answer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, q)
	if p.absent {
		return Answer{}, ErrNobody
	}
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

// failureOf is the *Failure in an error of x/crypto/ssh.
func failureOf(err error) (*Failure, bool) {
	var f *Failure
	ok := errors.As(err, &f)
	return f, ok
}
