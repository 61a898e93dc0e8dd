//go:build unix

package transport

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/internal/sshtest"
	"sallyport/mux"
)

// master starts an ssh of the user's that shares its connection to a host,
// which it resolves by the configuration so far.
func (n *network) master(t *testing.T, host, socket string, options ...string) *sshtest.Master {
	t.Helper()
	file := filepath.Join(n.dir, "config-"+host)
	if err := os.WriteFile(file, []byte(n.config.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-F", file, "-o", "BatchMode=yes", "-M", "-N", "-S", socket}, options...)
	return sshtest.RunMaster(t, socket, exec.Command(sshtest.Program(t, "ssh"), append(args, host)...))
}

// onControlPath is a host with a ControlPath, and a master that listens there.
func onControlPath(t *testing.T) (n *network, server *sshtest.Server, m *sshtest.Master) {
	t.Helper()
	n = newNetwork(t)
	socket := filepath.Join(shortDir(t), "h")
	server = n.sshd(t, "h", "ControlPath "+filepath.Dir(socket)+"/%n")
	return n, server, n.master(t, "h", socket)
}

func TestASharedLinkDoesWhatANativeOneDoes(t *testing.T) {
	t.Parallel()
	n, server, m := onControlPath(t)
	dir := shortDir(t)
	o := newWatch().options()
	o.Dir = dir
	links := NewLinks(o)
	l, c := connected(t, links, plan(t, n.load(t), "h"))
	if s, why := l.Status(), fmt.Sprintf("by the ssh with pid %d on %s", m.PID, m.Socket); s.Kind != Shared || s.Why != why {
		t.Errorf("the link is %s %q, want %q", s.Kind, s.Why, why)
	}
	works(t, c)
	if c.Kind() != Shared || c.Control() != m.Socket {
		t.Errorf("the connection is %s on %q", c.Kind(), c.Control())
	}
	session, err := c.NewSession(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	var unknown *ssh.ExitMissingError // a master does not tell the signal
	if err := session.Run("kill -TERM $$"); !errors.As(err, &unknown) {
		t.Errorf("a command that a signal ended: %v", err)
	}
	links.Close()
	if left := rooms(t, dir); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
	if _, err := mux.Dial(soon(t), m.Socket); err != nil {
		t.Errorf("the master has ended with the link: %v", err)
	}
	if server.Logins() != 1 {
		t.Errorf("%d logins", server.Logins())
	}
}

func TestASharedLinkIsNotDisturbedByAChangeOfTheNetwork(t *testing.T) {
	t.Parallel()
	n, _, _ := onControlPath(t)
	links := NewLinks(newWatch().options())
	l, c := connected(t, links, plan(t, n.load(t), "h"))
	links.Wake()
	if again, err := l.Conn(t.Context()); err != nil || again != c { // the link has heard of it by now
		t.Errorf("the connection is another one: %v", err)
	}
	works(t, c)
	c.release()
}

func TestManyShellsAndCommandsShareAMaster(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	socket := filepath.Join(shortDir(t), "h")
	n.sshdWith(t, "h", "MaxSessions 100")
	fmt.Fprintf(&n.config, "\tControlPath %s\n", socket)
	n.master(t, "h", socket)
	links := NewLinks(newWatch().options())
	defer links.Close()
	_, c := connected(t, links, plan(t, n.load(t), "h"))
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() { shell(t, c) })
		all.Go(func() {
			session, err := c.NewSession(soon(t))
			if err != nil {
				t.Error(err)
				return
			}
			defer session.Close()
			var exit *ssh.ExitError
			if err := session.Run(fmt.Sprint("exit ", i+1)); !errors.As(err, &exit) || exit.ExitStatus() != i+1 {
				t.Errorf("exit %d: %v", i+1, err)
			}
		})
	}
	all.Wait()
}

// bulk is how much goes each way, in MiB.
func bulk(t *testing.T) int64 {
	t.Helper()
	text := os.Getenv("SALLYPORT_TEST_BULK")
	if text == "" {
		return 64
	}
	size, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return size
}

// TestAMasterSurvivesWhatTheFarSideRefuses leaves after openings that failed,
// or are not answered: a master that has passed them on by proxy mode would
// die.
func TestAMasterSurvivesWhatTheFarSideRefuses(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	socket := filepath.Join(shortDir(t), "h")
	n.sshdWith(t, "h", "MaxSessions 1")
	fmt.Fprintf(&n.config, "\tControlPath %s\n", socket)
	m := n.master(t, "h", socket)
	links := NewLinks(newWatch().options())
	_, c := connected(t, links, plan(t, n.load(t), "h"))
	if _, err := c.Dial(soon(t), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(sshtest.FreePort(t)))); code(err) != CodeUnreachable {
		t.Errorf("a port that nobody has: %v", err)
	}
	if _, err := c.Dial(soon(t), "unix", "/proc/nowhere/s"); err == nil {
		t.Error("a socket that is not there was reached")
	}
	one, err := c.NewSession(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := one.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := one.Start("cat"); err != nil {
		t.Fatal(err)
	}
	two, err := c.NewSession(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := two.Run("true"); err == nil {
		t.Error("the server let in one session too many")
	}
	links.Close()
	client, err := mux.Dial(soon(t), m.Socket)
	if err != nil {
		t.Fatalf("the master has ended: %v", err)
	}
	defer client.Close()
	sshtest.Eventually(t, "the master has closed what we left", func() bool {
		null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer null.Close()
		last, err := client.NewSession(soon(t), mux.Spec{Command: "true"}, null, null, null)
		if err != nil {
			return false
		}
		status, err := last.Wait()
		return status == 0 && err == nil
	})
}

func TestMuchDataPassesThroughAMasterUnharmed(t *testing.T) {
	t.Parallel()
	n, _, _ := onControlPath(t)
	links := NewLinks(newWatch().options())
	defer links.Close()
	_, c := connected(t, links, plan(t, n.load(t), "h"))
	size := bulk(t)
	far := fmt.Sprintf("head -c %dM /dev/zero | openssl enc -aes-128-ctr -K 0 -iv 0 -nosalt 2>/dev/null", size)

	session, err := c.NewSession(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	down := sha256.New()
	session.Stdout = down
	if err := session.Run(far); err != nil {
		t.Fatal(err)
	}
	sum := fmt.Sprintf("%x", down.Sum(nil))
	here, there := exec.Command("sh", "-c", far+" | sha256sum"), ""
	if out, err := here.Output(); err != nil || !strings.HasPrefix(string(out), sum) {
		t.Errorf("down came %s, the sum here is %s, %v", sum, out, err)
	}

	session, err = c.NewSession(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	up := exec.Command("sh", "-c", far)
	if session.Stdin, err = up.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	out, err := session.Output("sha256sum")
	if there = string(out); err != nil || !strings.HasPrefix(there, sum) {
		t.Errorf("up went %s, the sum there is %s, %v", sum, there, err)
	}
	up.Wait()
}

// TestABastionWithAMasterAsksNothing has a bastion that a native link would ask
// a person for a password.
func TestABastionWithAMasterAsksNothing(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	socket := filepath.Join(shortDir(t), "b")
	bastion := n.sshdWith(t, "bastion", "PasswordAuthentication yes")
	fmt.Fprintf(&n.config, "\tControlPath %s\n\tPreferredAuthentications password\n", socket)
	inner := n.sshd(t, "inner", "ProxyJump bastion")
	m := n.master(t, "bastion", socket, "-o", "PreferredAuthentications=publickey")
	asked := make(chan Question, 10)
	w := newWatch()
	o := w.options()
	o.Asker = askerFunc(func(ctx context.Context, q Question) (Answer, error) {
		asked <- q
		<-ctx.Done()
		return Answer{}, ErrCancelled
	})
	links := NewLinks(o)
	defer links.Close()
	l, c := connected(t, links, plan(t, n.load(t), "inner"))
	works(t, c)
	first := links.Find(l.Chain()[0])
	if s := first.Status(); s.Kind != Shared || l.Status().Kind != Native {
		t.Errorf("the way is %s, then %s", s.Kind, l.Status().Kind)
	}
	if len(asked) > 0 || bastion.Logins() != 1 || inner.Logins() != 1 {
		t.Errorf("%d questions, %d logins on the bastion, %d behind it", len(asked), bastion.Logins(), inner.Logins())
	}

	defer l.Keep()()
	m.Kill()
	<-c.Done()
	if q := <-asked; q.Kind != AskPassword || q.Host != "bastion" {
		t.Errorf("without the master the question is %+v", q)
	}
	w.await(t, first, "asking", func(s LinkStatus) bool { return s.State == Asking && s.Kind == Native })
}

func TestTheEndOfAMasterEndsWhatIsSharedWithASentence(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testing.T, *sshtest.Master){
		"kill -9": func(_ *testing.T, m *sshtest.Master) { m.Kill() },
		"-O exit": func(t *testing.T, m *sshtest.Master) {
			client, err := mux.Dial(soon(t), m.Socket)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			if err := client.Exit(soon(t)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, _, m := onControlPath(t)
			links := NewLinks(newWatch().options())
			defer links.Close()
			l, first := connected(t, links, plan(t, n.load(t), "h"))
			session, err := first.NewSession(soon(t))
			if err != nil {
				t.Fatal(err)
			}
			if err := session.Start("sleep 100"); err != nil {
				t.Fatal(err)
			}
			listener, err := first.Listen(soon(t), "tcp", "localhost:0")
			if err != nil {
				t.Fatal(err)
			}
			end(t, m)
			if err := session.Wait(); err == nil {
				t.Error("the session ended well")
			}
			<-first.Done()
			want := fmt.Sprintf(`the connection to "h" was closed: the ssh that shared it, pid %d, has ended`, m.PID)
			if err := first.Err(); code(err) != CodeClosed || err.Error() != want {
				t.Errorf("the connection says %v, want %s", err, want)
			}
			if _, err := listener.Accept(soon(t)); err != first.Err() {
				t.Errorf("the listener says %v", err)
			}
			second, err := l.Conn(soon(t))
			if err != nil {
				t.Fatal(err)
			}
			output(t, second, "true")
			if s := l.Status(); s.Kind != Native || s.Why != "" {
				t.Errorf("the link is then %s %q", s.Kind, s.Why)
			}
		})
	}
}

// TestWhatWeAskedOfAMasterEndsWithUs looks for a listener of the far side
// after the link was closed, while the master goes on.
func TestWhatWeAskedOfAMasterEndsWithUs(t *testing.T) {
	t.Parallel()
	n, _, m := onControlPath(t)
	links := NewLinks(newWatch().options())
	_, c := connected(t, links, plan(t, n.load(t), "h"))
	l, err := c.Listen(soon(t), "tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(l.Port()))
	links.Close()
	sshtest.Eventually(t, "the far side listens no more", func() bool {
		late, err := net.Dial("tcp", address)
		if err == nil {
			late.Close()
		}
		return err != nil
	})
	if _, err := mux.Dial(soon(t), m.Socket); err != nil {
		t.Errorf("the master has ended too: %v", err)
	}
}

func TestWhatIsNoUseOnAControlPathIsPassedOver(t *testing.T) {
	t.Parallel()
	silent := func(t *testing.T, path string) {
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() { // ends with l
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				fmt.Fprint(conn, "220 mail.example.com ESMTP\r\n")
				io.Copy(io.Discard, conn)
				conn.Close()
			}
		}()
	}
	for _, test := range []struct {
		name    string
		prepare func(t *testing.T, path string)
		path    string   // instead of that which was prepared
		lines   []string // of the host's block
	}{
		{name: "nothing", prepare: func(*testing.T, string) {}},
		{name: "a stale socket", prepare: func(t *testing.T, path string) {
			l, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			l.(*net.UnixListener).SetUnlinkOnClose(false)
			l.Close()
		}},
		{name: "a file", prepare: func(t *testing.T, path string) { write(t, path, "x") }},
		{name: "another program", prepare: silent},
		{name: "this process", prepare: serveOurselves},
		{name: "ControlPath none", prepare: liveMaster, path: "none"},
		{name: "ControlMaster yes", prepare: liveMaster, lines: []string{"ControlMaster yes"}},
		{name: "ControlMaster ask", prepare: liveMaster, lines: []string{"ControlMaster ask"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			path := filepath.Join(shortDir(t), "s")
			test.prepare(t, path)
			if test.path != "" {
				path = test.path
			}
			server := n.sshd(t, "h", append(test.lines, "ControlPath "+path)...)
			links := NewLinks(newWatch().options())
			defer links.Close()
			l, c := connected(t, links, plan(t, n.load(t), "h"))
			output(t, c, "true")
			if s := l.Status(); s.Kind != Native || server.Logins() != 1 {
				t.Errorf("the link is %s, after %d logins", s.Kind, server.Logins())
			}
		})
	}
}

// liveMaster listens on a path, for another server than that of the test.
func liveMaster(t *testing.T, path string) {
	t.Helper()
	s := sshtest.StartServer(t)
	sshtest.RunMaster(t, path, s.SSH(t, "-M", "-N", "-S", path, sshtest.Alias))
}

// serveOurselves is a master in this process; nothing but its number is asked
// of it.
func serveOurselves(t *testing.T, path string) {
	t.Helper()
	l, err := mux.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- mux.Serve(ctx, l, nil) }() // waited for below
	t.Cleanup(func() { cancel(); <-served })
}

// TestAMasterOfACommandLineIsForItsTargetOnly gives -S, which is not passed on
// to the jumps before a host.
func TestAMasterOfACommandLineIsForItsTargetOnly(t *testing.T) {
	t.Parallel()
	n, _, m := onControlPath(t)
	n.host("plain", n.sshd(t, "bastion").Port, "ProxyJump bastion")
	links := NewLinks(newWatch().options())
	defer links.Close()
	chain, err := Plan(n.load(t), "plain", config.Match{Execute: true, Options: []string{"ControlPath=" + m.Socket}})
	if err != nil {
		t.Fatal(err)
	}
	l, _ := connected(t, links, chain)
	if before := links.Find(l.Chain()[0]).Status(); l.Status().Kind != Shared || before.State != Down {
		t.Errorf("the link is %s, that before it %s", l.Status().Kind, before.State)
	}
}
