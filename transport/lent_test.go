//go:build unix

package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"sallyport/config"
	"sallyport/internal/sshtest"
)

// rooms are the directories of lent links that are left in dir.
func rooms(t *testing.T, dir string) []string {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// shortDir is a private directory whose name is short enough for sockets.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "t")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestALentLinkDoesWhatANativeOneDoes(t *testing.T) {
	t.Parallel()
	sshtest.Program(t, "ssh")
	n := newNetwork(t)
	server := n.sshd(t, "plain")
	const needs = "RekeyLimit default 1h"
	n.host("lent", server.Port, needs)
	n.host("native-behind", server.Port, "ProxyJump lent")
	n.host("lent-behind", server.Port, needs, "ProxyJump plain")
	n.host("lent-behind-lent", server.Port, needs, "ProxyJump lent")
	n.host("lent-by-command", server.Port, needs, "ProxyCommand "+sshtest.Program(t, "nc")+" %h %p")
	cfg := n.load(t)
	for name, kinds := range map[string][]LinkKind{
		"lent":             {Lent},
		"native-behind":    {Lent, Native},
		"lent-behind":      {Native, Lent},
		"lent-behind-lent": {Lent, Lent},
		"lent-by-command":  {Lent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := shortDir(t)
			o := newWatch().options()
			o.Dir = dir
			links := NewLinks(o)
			l, c := connected(t, links, plan(t, cfg, name))
			for i, id := range l.Chain() {
				s := links.Find(id).Status()
				why := map[LinkKind]string{Lent: "via ssh: RekeyLimit 0 3600"}[kinds[i]]
				if s.State != Up || s.Kind != kinds[i] || s.Why != why {
					t.Errorf("link %d is %s, %s %q", i, s.State, s.Kind, s.Why)
				}
			}
			works(t, c)
			links.Close()
			sshtest.Eventually(t, "every ssh and what it needed is gone", func() bool { return len(rooms(t, dir)) == 0 })
		})
	}
}

// works tries a command, its exit status, a half-closed connection both ways
// and a terminal.
func works(t *testing.T, c *Conn) {
	t.Helper()
	if got := output(t, c, "cat /proc/self/stat | wc -l"); got != "1\n" {
		t.Errorf("a command printed %q", got)
	}
	session, err := c.NewSession(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	var exit interface{ ExitStatus() int }
	if err := session.Run("exit 7"); !errors.As(err, &exit) || exit.ExitStatus() != 7 {
		t.Errorf("exit 7: %v", err)
	}
	shell(t, c)
	echo := serve(t, func(c net.Conn) {
		text, _ := io.ReadAll(c) // what came before an error is compared
		fmt.Fprintf(c, "got %q", text)
	})
	conn, err := c.Dial(soon(t), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(echo)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "hello")
	if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); err != nil || string(got) != `got "hello"` {
		t.Errorf("read %q, %v", got, err)
	}
	listens(t, c)
	if err := c.Ping(soon(t)); err != nil {
		t.Errorf("Ping: %v", err)
	}
}

// listens has the far side listen on a port of its choice, and stop it.
func listens(t *testing.T, c *Conn) {
	t.Helper()
	l, err := c.Listen(soon(t), "tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(l.Port()))
	client, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	offer, err := l.Accept(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	channel, err := offer.Accept(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	defer channel.Close()
	fmt.Fprint(client, "hello")
	if err := client.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(channel); err != nil || string(got) != "hello" {
		t.Errorf("the listener's client says %q, %v", got, err)
	}
	fmt.Fprint(channel, "welcome")
	if err := channel.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(client); err != nil || string(got) != "welcome" {
		t.Errorf("the listener's client hears %q, %v", got, err)
	}
	l.Close()
	sshtest.Eventually(t, "the far side listens no more", func() bool {
		late, err := net.Dial("tcp", address)
		if err == nil {
			late.Close()
		}
		return err != nil
	})
	taken := sshtest.FreePort(t)
	for _, host := range []string{"127.0.0.1", "::1"} {
		if other, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(taken))); err == nil { // not every machine has both
			defer other.Close()
		}
	}
	var f *Failure
	if _, err := c.Listen(soon(t), "tcp", net.JoinHostPort("localhost", strconv.Itoa(taken))); !errors.As(err, &f) || f.Code != CodeProhibited {
		t.Errorf("a port that is taken: %v", err)
	}
}

// shell talks to a shell on a terminal.
func shell(t *testing.T, c *Conn) {
	t.Helper()
	session, err := c.NewSession(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	in, err := session.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := session.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.RequestPty("xterm", 33, 99, nil); err != nil {
		t.Fatal(err)
	}
	if err := session.Shell(); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(in, "stty size; exit\n")
	text, err := io.ReadAll(out)
	if !strings.Contains(string(text), "33 99") {
		t.Errorf("the shell printed %q, %v", text, err)
	}
}

func TestABastionIsNotLoggedInToAgainForALentLink(t *testing.T) {
	t.Parallel()
	sshtest.Program(t, "ssh")
	n := newNetwork(t)
	bastion := n.sshd(t, "bastion")
	inner := n.sshd(t, "inner", "ProxyJump bastion", "RekeyLimit default 1h")
	n.host("beside", inner.Port, "ProxyJump bastion")
	cfg := n.load(t)
	links := NewLinks(newWatch().options())
	defer links.Close()
	connected(t, links, plan(t, cfg, "inner"))
	connected(t, links, plan(t, cfg, "beside"))
	if b, i := bastion.Logins(), inner.Logins(); b != 1 || i != 2 {
		t.Errorf("%d logins on the bastion, %d behind it", b, i)
	}
}

func TestALentLinkReturnsWhenItsSSHDied(t *testing.T) {
	t.Parallel()
	sshtest.Program(t, "ssh")
	n := newNetwork(t)
	server := n.sshd(t, "h", "RekeyLimit default 1h")
	links := NewLinks(newWatch().options())
	defer links.Close()
	l, first := connected(t, links, plan(t, n.load(t), "h"))
	killSSH := func() { kill(first.master.started.process) }
	for _, end := range []struct {
		how  string
		kill func()
		says string
	}{
		{"the server's process ends", server.KillSessions, "ssh ended with exit status 255"},
		{"ssh is killed", killSSH, "ssh ended with signal: killed"},
	} {
		end.kill()
		<-first.Done()
		if err := first.Err(); code(err) != CodeClosed || !strings.Contains(err.Error(), end.says) {
			t.Errorf("%s: %v", end.how, err)
		}
		if err := first.Ping(soon(t)); err != first.Err() {
			t.Errorf("%s: Ping: %v", end.how, err)
		}
		second, err := l.Conn(soon(t))
		if err != nil || second == first {
			t.Fatalf("%s: Conn: same %v, error %v", end.how, second == first, err)
		}
		output(t, second, "true")
		first = second
	}
}

func TestACompressionThatIsOrderedIsThere(t *testing.T) {
	t.Parallel()
	sshtest.Program(t, "ssh")
	n := newNetwork(t)
	n.sshd(t, "h")
	cfg := n.load(t)
	chain, err := Plan(cfg, "h", config.Match{Options: []string{"Compression yes"}, Execute: true})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex // guards told
	var told []string
	o := newWatch().options()
	o.Trace = func(step Trace) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, step.Message)
	}
	links := NewLinks(o)
	defer links.Close()
	l, c := connected(t, links, chain)
	mu.Lock()
	if !slices.ContainsFunc(told, func(s string) bool { return strings.Contains(s, "compression: zlib@openssh.com") }) {
		t.Errorf("ssh did not agree on compression: %q", told)
	}
	mu.Unlock()
	if s := l.Status(); s.Kind != Lent || s.Why != "via ssh: Compression yes" {
		t.Errorf("the link is %s %q", s.Kind, s.Why)
	}
	args := read(t, fmt.Sprintf("/proc/%d/cmdline", c.master.started.process.Process.Pid))
	if !strings.Contains(args, "\x00-o\x00Compression yes\x00") || !strings.HasSuffix(args, "\x00--\x00h\x00") {
		t.Errorf("ssh was started as %q", args)
	}
}
