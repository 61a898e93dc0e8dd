//go:build unix

package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

// connected dials name and holds it.
func connected(t *testing.T, links *Links, chain Chain) (*Link, *Conn) {
	t.Helper()
	env := Env{"PATH=" + os.Getenv("PATH"), "SHELL=/bin/sh"}
	l := links.Get(chain, env)
	t.Cleanup(l.Hold())
	c, err := l.Conn(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	return l, c
}

func TestRealServersAreReachedByEveryWay(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.sshd(t, "one")
	n.sshd(t, "two", "ProxyJump one")
	three := n.sshd(t, "three", "ProxyJump two")
	n.host("listed", three.Port, "ProxyJump one,two")
	n.host("w", three.Port, "ProxyCommand ssh two -W %h:%p")
	n.host("sh", three.Port, "ProxyCommand "+sshtest.Program(t, "nc")+" %h %p")
	cfg := n.load(t)
	for name, hops := range map[string][]string{
		"one":    {"one"},
		"two":    {"one", "two"},
		"three":  {"one", "two", "three"},
		"listed": {"one", "two", "listed"},
		"w":      {"one", "two", "w"},
		"sh":     {"sh"},
	} {
		t.Run(name, func(t *testing.T) {
			links := NewLinks(newWatch().options())
			defer links.Close()
			chain := plan(t, cfg, name)
			if diff := cmp.Diff(hops, chain.Names()); diff != "" {
				t.Fatal(diff)
			}
			l, c := connected(t, links, chain)
			if got := output(t, c, "echo $SSH_CONNECTION"); !strings.Contains(got, "127.0.0.1") {
				t.Errorf("the command printed %q", got)
			}
			if s := l.Status(); s.State != Up || s.Address != fmt.Sprintf("%s@127.0.0.1:%d", n.user, chain[len(chain)-1].Host.Port()) {
				t.Errorf("the status is %+v", s)
			}
		})
	}
}

func TestTwoHostsBehindABastionLogInThereOnce(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	bastion := n.sshd(t, "bastion")
	inner := n.sshd(t, "inner", "ProxyJump bastion")
	n.host("other", inner.Port, "ProxyJump bastion")
	cfg := n.load(t)
	links := NewLinks(newWatch().options())
	defer links.Close()
	connected(t, links, plan(t, cfg, "inner"))
	connected(t, links, plan(t, cfg, "other"))
	if b, i := bastion.Logins(), inner.Logins(); b != 1 || i != 2 {
		t.Errorf("%d logins on the bastion, %d behind it", b, i)
	}
}

func TestTheEndOfAHopIsToldOfEachConnectionOverIt(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	servers := map[string]*sshtest.Server{
		"bastion": n.sshd(t, "bastion"),
		"mid":     n.sshd(t, "mid", "ProxyJump bastion"),
		"inner":   n.sshd(t, "inner", "ProxyJump mid"),
	}
	links := NewLinks(newWatch().options())
	defer links.Close()
	l, c := connected(t, links, plan(t, n.load(t), "inner"))
	for _, broken := range []string{"inner", "mid", "bastion"} {
		servers[broken].KillSessions()
		<-c.Done()
		var got *Failure
		if !errors.As(c.Err(), &got) || got.Code != CodeClosed || got.Hop != broken || got.Message != fmt.Sprintf("the connection to %q was closed", broken) {
			t.Errorf("when the server of %s hung up, the connection to inner ended with %+v", broken, c.Err())
		}
		var err error
		if c, err = l.Conn(soon(t)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAConnectionThatTheKernelGivesUpIsToldInItsWords(t *testing.T) {
	err := &net.OpError{Op: "read", Net: "tcp", Source: &net.TCPAddr{Port: 1}, Addr: &net.TCPAddr{Port: 22}, Err: os.NewSyscallError("read", syscall.ETIMEDOUT)}
	if got, want := (&Conn{host: "h"}).explainEnd(err).Message, `the connection to "h" broke: connection timed out`; got != want {
		t.Errorf("it is told %q, want %q", got, want)
	}
}

func TestALinkReturnsAfterItsSessionWasKilled(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	bastion := n.sshd(t, "bastion")
	inner := n.sshd(t, "inner", "ProxyJump bastion")
	links := NewLinks(newWatch().options())
	defer links.Close()
	l, first := connected(t, links, plan(t, n.load(t), "inner"))
	for _, server := range []*sshtest.Server{inner, bastion} {
		server.KillSessions()
		<-first.Done()
		second, err := l.Conn(soon(t))
		if err != nil || second == first {
			t.Fatalf("Conn: same %v, error %v", second == first, err)
		}
		output(t, second, "true")
		first = second
	}
}

func TestALinkReturnsAfterTheServerWasAway(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	server := n.sshd(t, "h")
	w := newWatch()
	links := NewLinks(w.options())
	defer links.Close()
	l, first := connected(t, links, plan(t, n.load(t), "h"))
	server.Stop()
	<-first.Done()
	w.await(t, l, "waiting for a next try", func(s LinkStatus) bool {
		return s.State == Waiting && s.Failure != nil && s.Failure.Code == CodeUnreachable
	})
	server.Start(t)
	second, err := l.Conn(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	output(t, second, "true")
}

func TestASuspendedServerIsNoticed(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	server := n.sshd(t, "h", "ServerAliveInterval 1", "ServerAliveCountMax 1")
	w := newWatch()
	links := NewLinks(w.options())
	defer links.Close()
	l, c := connected(t, links, plan(t, n.load(t), "h"))
	w.await(t, l, "measured", func(s LinkStatus) bool { return s.Latency > 0 })
	server.Freeze(t)
	select {
	case <-c.Done():
	case <-time.After(time.Minute):
		t.Fatal("it was not noticed")
	}
	if code(c.Err()) != CodeTimeout {
		t.Errorf("Err: %v", c.Err())
	}
	if _, err := l.Conn(soon(t)); err != nil {
		t.Errorf("it did not return: %v", err)
	}
}

func TestAPingTellsWhetherTheFarSideAnswers(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	server := n.sshd(t, "h")
	links := NewLinks(newWatch().options())
	defer links.Close()
	_, c := connected(t, links, plan(t, n.load(t), "h"))
	if err := c.Ping(soon(t)); err != nil {
		t.Errorf("a server that lives: %v", err)
	}
	server.Freeze(t)
	enough := errors.New("enough")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, enough)
	defer cancel()
	if err := c.Ping(ctx); err != enough {
		t.Errorf("a server that hangs: %v, want the cause of the context", err)
	}
	ended := make(chan error)
	go func() { ended <- c.Ping(t.Context()) }() // received below
	server.KillSessions()
	if err := <-ended; err != c.Err() || code(err) != CodeClosed {
		t.Errorf("a connection that ends meanwhile: %v, want %v", err, c.Err())
	}
	if err := c.Ping(t.Context()); err != c.Err() {
		t.Errorf("a connection that has ended: %v, want %v", err, c.Err())
	}
}

func TestTheFarSideDialsAndHalfCloses(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.sshd(t, "h")
	echo := serve(t, func(c net.Conn) {
		text, _ := io.ReadAll(c) // what came before an error is compared
		fmt.Fprintf(c, "got %q", text)
	})
	links := NewLinks(newWatch().options())
	defer links.Close()
	_, c := connected(t, links, plan(t, n.load(t), "h"))
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
	_, err = c.Dial(soon(t), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(sshtest.FreePort(t))))
	if code(err) != CodeUnreachable || !strings.Contains(err.Error(), "Connection refused") {
		t.Errorf("a port on which nobody listens: %v", err)
	}
}

func TestWhatABastionCannotOrMayNotReachIsToldApart(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.sshd(t, "bastion")
	forbidding := n.sshd(t, "forbidding")
	forbidding.Write(t, "sshd_config", "AllowTcpForwarding no\n"+read(t, forbidding.Path("sshd_config")))
	forbidding.Stop()
	forbidding.Start(t)
	closed := sshtest.FreePort(t)
	n.host("refused", closed, "ProxyJump bastion")
	n.host("forbidden", closed, "ProxyJump forbidding")
	fmt.Fprintf(&n.config, "Host nameless\n\tHostName no-such-host.invalid\n\tProxyJump bastion\n")
	for name, want := range map[string]struct{ code, message string }{
		"refused":   {CodeUnreachable, `connecting to "refused" via "bastion": "bastion" cannot reach 127.0.0.1 port ` + strconv.Itoa(closed) + `: "Connection refused"`},
		"forbidden": {CodeProhibited, `connecting to "forbidden" via "forbidding": "forbidding" does not permit connections to`},
		"nameless":  {CodeUnreachable, `connecting to "nameless" via "bastion": "bastion" cannot reach no-such-host.invalid port 22: `},
	} {
		t.Run(name, func(t *testing.T) {
			f := n.failure(t, name)
			if f.Code != want.code || !strings.HasPrefix(f.Message, want.message) || f.Hop != name {
				t.Errorf("the failure is %+v", f)
			}
		})
	}
}

func TestAProxyCommandEndsWithItsConnection(t *testing.T) {
	t.Parallel()
	// Under nohup the hangup is ignored, and by all that is started too, unless
	// it is caught here, as the program does.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	n := newNetwork(t)
	server := n.sshd(t, "h")
	n.host("sh", server.Port, "ProxyCommand sh -c 'trap \"echo hung up >@dir/hup; exit\" HUP; echo $$ >@dir/pid; "+sshtest.Program(t, "nc")+" %h %p'")
	text := strings.ReplaceAll(n.config.String(), "@dir", n.dir)
	links := NewLinks(newWatch().options())
	defer links.Close()
	l, c := connected(t, links, plan(t, load(t, text), "sh"))
	pid, err := strconv.Atoi(strings.TrimSpace(read(t, n.dir+"/pid")))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(-pid, 0); err != nil {
		t.Fatalf("the command's group: %v", err)
	}
	l.Close()
	<-c.Done()
	sshtest.Eventually(t, "the command and all that it started ended", func() bool {
		return syscall.Kill(-pid, 0) == syscall.ESRCH
	})
	if got := read(t, n.dir+"/hup"); got != "hung up\n" {
		t.Errorf("it was not asked to end first: %q", got)
	}
}
