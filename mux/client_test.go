//go:build linux || darwin || freebsd

package mux_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
	"sallyport/mux"
)

// masters are OpenSSH's and ours, on one server.
func masters(t *testing.T, s *sshtest.Server) map[string]string {
	_, ours := serveMaster(t, s)
	return map[string]string{"OpenSSH's master": s.StartMaster(t, "-o", "SendEnv=LC_TEST").Socket, "our master": ours}
}

func dial(t testing.TB, socket string) *mux.Client {
	t.Helper()
	c, err := mux.Dial(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// output runs a session on pipes of its own.
func output(t testing.TB, c *mux.Client, spec mux.Spec, input string) (out, errOut string, status int, err error) {
	t.Helper()
	in, inW := pipe(t)
	outR, outW := pipe(t)
	errR, errW := pipe(t)
	p, err := c.NewSession(t.Context(), spec, in, outW, errW)
	in.Close()
	outW.Close()
	errW.Close()
	if err != nil {
		return "", "", 0, err
	}
	go func() { // ends with the input
		io.WriteString(inW, input)
		inW.Close()
	}()
	var both sync.WaitGroup
	both.Go(func() { out = readAll(outR) })
	both.Go(func() { errOut = readAll(errR) })
	both.Wait()
	outR.Close()
	errR.Close()
	status, err = p.Wait()
	return out, errOut, status, err
}

func pipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

func readAll(r io.Reader) string {
	text, _ := io.ReadAll(r) // what came until it ended
	return string(text)
}

func TestSessionsOnEveryMaster(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t, "AcceptEnv LC_TEST", "Subsystem greet echo greetings", "MaxSessions 100")
	for name, socket := range masters(t, s) {
		t.Run(name, func(t *testing.T) {
			c := dial(t, socket)
			for _, row := range []struct {
				name, input string
				spec        mux.Spec
				want        string // stdout, stderr, status, error
			}{
				{"a command", "", mux.Spec{Command: "echo hi; echo no >&2; exit 3"}, `"hi\n" "no\n" 3 <nil>`},
				{"its input", "in", mux.Spec{Command: "cat"}, `"in" "" 0 <nil>`},
				{"a shell", "echo out; exit 4\n", mux.Spec{}, `"out\n" "" 4 <nil>`},
				{"a subsystem", "", mux.Spec{Subsystem: true, Command: "greet"}, `"greetings\n" "" 0 <nil>`},
				{"a subsystem that is not there", "", mux.Spec{Subsystem: true, Command: "no"}, `"" "" 255 the session ended without an exit status`},
				{"a signal", "", mux.Spec{Command: "kill -TERM $$"}, `"" "" 255 the session ended without an exit status`},
				{"variables", "", mux.Spec{Command: `echo "$LC_TEST$LC_NO"`, Env: []string{"LC_TEST=a=b", "LC_NO=c"}}, `"a=b\n" "" 0 <nil>`},
			} {
				t.Run(row.name, func(t *testing.T) {
					out, errOut, status, err := output(t, c, row.spec, row.input)
					if got := fmt.Sprintf("%q %q %d %v", out, errOut, status, err); got != row.want {
						t.Errorf("got %s, want %s", got, row.want)
					}
				})
			}
		})
	}
}

func TestTwentySessionsAtOnce(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t, "MaxSessions 100")
	for name, socket := range masters(t, s) {
		t.Run(name, func(t *testing.T) {
			c := dial(t, socket)
			var all sync.WaitGroup
			for i := range 20 {
				all.Go(func() {
					in := strings.Repeat(strconv.Itoa(i), 10_000)
					out, _, status, err := output(t, c, mux.Spec{Command: fmt.Sprintf("cat; exit %d", i)}, in)
					if out != in || status != i || err != nil {
						t.Errorf("session %d gave %d bytes, status %d, %v", i, len(out), status, err)
					}
				})
			}
			all.Wait()
		})
	}
}

func TestMuchDataArrivesWhole(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t, "Ciphers aes128-gcm@openssh.com")
	sizes := map[string]int64{"OpenSSH's master": 100 << 20, "our master": 16 << 20} // ours is slow with the race detector
	for name, socket := range masters(t, s) {
		t.Run(name, func(t *testing.T) {
			c := dial(t, socket)
			size := sizes[name]
			in, inW := pipe(t)
			outR, outW := pipe(t)
			p, err := c.NewSession(t.Context(), mux.Spec{Command: "cat"}, in, outW, outW)
			in.Close()
			outW.Close()
			if err != nil {
				t.Fatal(err)
			}
			sent, came := sha256.New(), sha256.New()
			fed := make(chan struct{})
			go func() { // ends with the input
				io.CopyN(io.MultiWriter(inW, sent), noise{}, size)
				inW.Close()
				close(fed)
			}()
			n, err := io.Copy(came, outR)
			<-fed
			if err != nil || n != size || string(sent.Sum(nil)) != string(came.Sum(nil)) {
				t.Errorf("%d of %d bytes came, %v", n, size, err)
			}
			if status, err := p.Wait(); status != 0 || err != nil {
				t.Errorf("status %d, %v", status, err)
			}
		})
	}
}

// noise is data without end that says where it was cut.
type noise struct{}

var block = func() []byte {
	b := make([]byte, 64<<10)
	for i := range b {
		b[i] = byte(i * 7 / 3 >> (i % 5))
	}
	return b
}()

func (noise) Read(p []byte) (int, error) { return copy(p, block), nil }

func TestForwardsOnEveryMaster(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	web := mux.Address{Host: "127.0.0.1", Port: startWeb(t)}
	for name, socket := range masters(t, s) {
		t.Run(name, func(t *testing.T) {
			c := dial(t, socket)
			path := filepath.Join(filepath.Dir(socket), "f")
			for _, row := range []struct {
				name    string
				forward mux.Forward
			}{
				{"local", mux.Forward{Type: mux.Local, Listen: mux.Address{Port: sshtest.FreePort(t)}, Connect: web}},
				{"local, from a socket", mux.Forward{Type: mux.Local, Listen: mux.Address{Path: path}, Connect: web}},
				{"remote", mux.Forward{Type: mux.Remote, Listen: mux.Address{Port: sshtest.FreePort(t)}, Connect: web}},
				{"remote, from a socket", mux.Forward{Type: mux.Remote, Listen: mux.Address{Path: path + "r"}, Connect: web}},
				{"remote, from a port of the far side's choice", mux.Forward{Type: mux.Remote, Connect: web}},
			} {
				t.Run(row.name, func(t *testing.T) {
					at := row.forward.Listen
					for range 2 { // the second time it is there already
						port, err := c.Forward(t.Context(), row.forward)
						if err != nil {
							t.Fatal(err)
						}
						if at.Port == 0 && at.Path == "" {
							at.Port = port
						}
					}
					if at.Host = "127.0.0.1"; hello(at) != "hello\n" {
						t.Errorf("nobody says hello at %s", at)
					}
					if err := c.CancelForward(t.Context(), row.forward); err != nil {
						t.Fatal(err)
					}
					sshtest.Eventually(t, "it is closed", func() bool { return hello(at) == "" })
					err := c.CancelForward(t.Context(), row.forward)
					want := fmt.Sprintf("cancelling the %s failed: port not forwarded", row.forward)
					if refused := new(mux.Refused); !errors.As(err, &refused) || err.Error() != want {
						t.Errorf("cancelled twice: %v, want %s", err, want)
					}
				})
			}
		})
	}
}

// hello is what somebody says at an address, "" if nobody is there.
func hello(a mux.Address) string {
	c, err := net.Dial(a.Network(), a.String())
	if err != nil {
		return ""
	}
	defer c.Close()
	return readAll(c)
}

func TestAForwardThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	taken := startWeb(t)
	for name, socket := range masters(t, s) {
		t.Run(name, func(t *testing.T) {
			c := dial(t, socket)
			for _, row := range []struct {
				forward mux.Forward
				want    string
			}{
				{
					mux.Forward{Type: mux.Local, Listen: mux.Address{Host: "127.0.0.1", Port: taken}, Connect: mux.Address{Host: "h", Port: 1}},
					fmt.Sprintf("opening the local forward 127.0.0.1:%d -> h:1 failed: Port forwarding failed", taken),
				},
				{
					mux.Forward{Type: mux.Remote, Listen: mux.Address{Host: "127.0.0.1", Port: taken}, Connect: mux.Address{Host: "h", Port: 1}},
					fmt.Sprintf("opening the remote forward 127.0.0.1:%d -> h:1 failed: remote port forwarding failed for listen port %[1]d", taken),
				},
				{
					mux.Forward{Type: 9},
					"opening the type 9 forward :0 -> :0 failed: Invalid forwarding request",
				},
			} {
				if row.forward.Type == 9 && name == "OpenSSH's master" {
					continue // it ends: format_forward in mux.c is fatal
				}
				if _, err := c.Forward(t.Context(), row.forward); err == nil || err.Error() != row.want {
					t.Errorf("got  %v\nwant %s", err, row.want)
				}
			}
		})
	}
}

func TestStdioForwardsOnEveryMaster(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	web := mux.Address{Host: "127.0.0.1", Port: startWeb(t)}
	nobody := mux.Address{Host: "127.0.0.1", Port: sshtest.FreePort(t)}
	for name, socket := range masters(t, s) {
		t.Run(name, func(t *testing.T) {
			c := dial(t, socket)
			in, inW := pipe(t)
			outR, outW := pipe(t)
			p, err := c.NewStdioForward(t.Context(), web, in, outW)
			in.Close()
			outW.Close()
			if err != nil {
				t.Fatal(err)
			}
			inW.Close()
			if got := readAll(outR); got != "hello\n" {
				t.Errorf("got %q", got)
			}
			if status, err := p.Wait(); status != 0 || err != nil {
				t.Errorf("status %d, %v", status, err)
			}
			null, _ := os.Open(os.DevNull)
			defer null.Close()
			_, err = c.NewStdioForward(t.Context(), nobody, null, null)
			want := fmt.Sprintf("connecting to %s failed: Session open refused by peer", nobody)
			if err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

func TestProxyModeOnEveryMaster(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	web := startWeb(t)
	for name, socket := range masters(t, s) {
		t.Run(name, func(t *testing.T) {
			conn, err := dial(t, socket).Proxy(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			sc, chans, reqs, err := ssh.NewControlClientConn(conn)
			if err != nil {
				t.Fatal(err)
			}
			client := ssh.NewClient(sc, chans, reqs)
			defer client.Close()
			session, err := client.NewSession()
			if err != nil {
				t.Fatal(err)
			}
			var stdout, stderr strings.Builder
			session.Stdin, session.Stdout, session.Stderr = strings.NewReader("in"), &stdout, &stderr
			err = session.Run("cat; echo err >&2; exit 5")
			var exit *ssh.ExitError
			if stdout.String() != "in" || stderr.String() != "err\n" || !errors.As(err, &exit) || exit.ExitStatus() != 5 {
				t.Errorf("the command gave %q and %q, %v", &stdout, &stderr, err)
			}
			killed, err := client.NewSession()
			if err != nil {
				t.Fatal(err)
			}
			if err := killed.Run("kill -TERM $$"); !errors.As(err, &exit) || exit.Signal() != "TERM" {
				t.Errorf("the killed command gave %v", err)
			}
			far, err := client.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", web))
			if err != nil {
				t.Fatal(err)
			}
			if got := readAll(far); got != "hello\n" {
				t.Errorf("the far side's server says %q", got)
			}
			if _, err := client.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", sshtest.FreePort(t))); err == nil {
				t.Error("a port that nobody has was reached")
			}
		})
	}
}

func TestStopLeavesWhatIsOpen(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	for name, socket := range masters(t, s) {
		t.Run(name, func(t *testing.T) {
			c := dial(t, socket)
			in, inW := pipe(t)
			outR, outW := pipe(t)
			p, err := c.NewSession(t.Context(), mux.Spec{Command: "cat"}, in, outW, outW)
			if err != nil {
				t.Fatal(err)
			}
			in.Close()
			outW.Close()
			if err := c.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := mux.Dial(t.Context(), socket); !errors.Is(err, mux.ErrAbsent) {
				t.Errorf("it can still be dialled: %v", err)
			}
			if _, err := c.Alive(t.Context()); err != nil {
				t.Errorf("it no longer lives: %v", err)
			}
			io.WriteString(inW, "still here")
			inW.Close()
			if got := readAll(outR); got != "still here" {
				t.Errorf("the session gave %q", got)
			}
			if status, err := p.Wait(); status != 0 || err != nil {
				t.Errorf("status %d, %v", status, err)
			}
		})
	}
}

func TestExitEndsEverything(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	for name, socket := range masters(t, s) {
		t.Run(name, func(t *testing.T) {
			c := dial(t, socket)
			p, ended := sleeper(t, c)
			if err := c.Exit(t.Context()); err != nil {
				t.Fatal(err)
			}
			<-c.Done()
			<-ended
			if status, err := p.Wait(); status != 255 || !errors.Is(err, mux.ErrEnded) {
				t.Errorf("status %d, %v", status, err)
			}
			sshtest.Eventually(t, "its socket is gone", func() bool {
				_, err := mux.Dial(t.Context(), socket)
				return errors.Is(err, mux.ErrAbsent)
			})
		})
	}
}

// sleeper is a session that does not end; ended is closed with its output.
func sleeper(t testing.TB, c *mux.Client) (p *mux.Passenger, ended chan struct{}) {
	t.Helper()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	outR, outW := pipe(t)
	defer outW.Close()
	p, err = c.NewSession(t.Context(), mux.Spec{Command: "echo up; exec sleep 1000"}, null, outW, outW)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(outR, make([]byte, len("up\n"))); err != nil {
		t.Fatal(err)
	}
	ended = make(chan struct{})
	go func() { readAll(outR); close(ended) }()
	return p, ended
}

func TestAKilledMasterEndsAllWithASentence(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	m := s.StartMaster(t)
	c := dial(t, m.Socket)
	p, ended := sleeper(t, c)
	conn, err := c.Proxy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m.Kill()
	if status, err := p.Wait(); status != 255 || err == nil || err.Error() != "the master has ended" {
		t.Errorf("the session: status %d, %v", status, err)
	}
	<-ended
	<-c.Done()
	if _, err := io.Copy(io.Discard, conn); err != nil {
		t.Errorf("proxy mode: %v", err)
	}
	if _, err := c.Alive(t.Context()); !errors.Is(err, mux.ErrEnded) {
		t.Errorf("the alive check: %v", err)
	}
	_, err = c.Forward(t.Context(), mux.Forward{Type: mux.Dynamic})
	if want := fmt.Sprintf("control socket %q: nobody listens on it; its master has ended", m.Socket); err == nil || err.Error() != want {
		t.Errorf("a forward: %v, want %s", err, want)
	}
}

func TestAliveTellsTheProcess(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	m := s.StartMaster(t)
	_, ours := serveMaster(t, s)
	for socket, want := range map[string]int{m.Socket: m.PID, ours: os.Getpid()} {
		if pid, err := dial(t, socket).Alive(t.Context()); pid != want || err != nil {
			t.Errorf("pid %d, %v; want %d", pid, err, want)
		}
	}
}

func TestInfoTellsWhatTheMasterDoes(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	_, ours := serveMaster(t, s)
	c := dial(t, ours)
	if text, err := c.Info(t.Context(), "channels"); text != "about the channels\r\n  and \\x1b[2J\r\n" || err != nil {
		t.Errorf("Info is %q, %v", text, err)
	}
	var refused *mux.Refused
	if text, err := c.Info(t.Context(), "weather"); !errors.As(err, &refused) || refused.Reason != "info request type not supported" {
		t.Errorf("what it does not know is %q, %v", text, err)
	}

	theirs := dial(t, s.StartMaster(t).Socket)
	switch text, err := theirs.Info(t.Context(), "connection"); {
	case errors.Is(err, mux.ErrNoInfo): // before 10.3
	case err != nil || !strings.HasPrefix(text, "Connection information for "):
		t.Errorf("OpenSSH tells %q, %v", text, err)
	}
}

// TestAnEscapeTellsOfTheConnection types to a real ssh over a master of ours.
func TestAnEscapeTellsOfTheConnection(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	_, socket := serveMaster(t, s, func(c *mux.Channels) {
		c.Inform = func(context.Context) string { return "told\r\n" }
	})
	client := s.SSH(t, "-S", socket, "-tt", sshtest.Alias, "cat")
	said, err := client.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := client.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(keys, "\n~I~?~."); err != nil {
		t.Fatal(err)
	}
	const want = "~I\r\ntold\r\n~?\r\nSupported escape sequences:\r\n ~.   - terminate session\r\n" +
		" ~B   - send a BREAK to the remote system\r\n ~I   - show connection information\r\n"
	if got := readAll(said); !strings.Contains(got, want) {
		t.Errorf("it says %q, want %q", got, want)
	}
	if err := client.Wait(); err == nil {
		t.Error("the session ended well")
	}
}

func TestAnAliveCheckEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	m := s.StartMaster(t)
	c := dial(t, m.Socket)
	if err := syscall.Kill(m.PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if _, err := c.Alive(ctx); err != why {
		t.Errorf("got %v", err)
	}
	if _, err := c.Forward(ctx, mux.Forward{}); !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
	syscall.Kill(m.PID, syscall.SIGCONT)
	if pid, err := c.Alive(t.Context()); pid != m.PID || err != nil {
		t.Errorf("pid %d, %v", pid, err)
	}
}

func TestWhatIsNoMasterIsToldApart(t *testing.T) {
	t.Parallel()
	dir := filepath.Dir(socketPath(t))
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(at("file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, answer := range map[string]string{
		"shouts":  "SSH-2.0-OpenSSH\r\n",
		"old":     "\x00\x00\x00\x08\x00\x00\x00\x01\x00\x00\x00\x03",
		"strange": "\x00\x00\x00\x08\x80\x00\x00\x01\x00\x00\x00\x00",
		"silent":  "",
	} {
		answerWith(t, at(name), answer)
	}
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: at("stale")})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	for _, row := range []struct {
		name string
		kind error
		want string
	}{
		{"absent", mux.ErrAbsent, "there is no such socket"},
		{"stale", mux.ErrStale, "nobody listens on it; its master has ended"},
		{"file", mux.ErrStale, "nobody listens on it; its master has ended"},
		{"shouts", mux.ErrNotMaster, mux.ErrNotMaster.Error() + ": a message of 1397966893 bytes, where 262144 are the limit"},
		{"old", mux.ErrNotMaster, mux.ErrNotMaster.Error() + ": it speaks version 3, not 4"},
		{"strange", mux.ErrNotMaster, mux.ErrNotMaster.Error() + ": it greets with a message of type 0x80000001"},
		{"silent", mux.ErrNotMaster, mux.ErrNotMaster.Error() + ": it hung up instead of greeting"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := mux.Dial(t.Context(), at(row.name))
			want := fmt.Sprintf("control socket %q: %s", at(row.name), row.want)
			if !errors.Is(err, row.kind) || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
	long := "/" + strings.Repeat("x", 107)
	if _, err := mux.Dial(t.Context(), long); err == nil || err.Error() != "ControlPath too long ('"+long+"' >= 108 bytes)" {
		t.Errorf("a path that is too long: %v", err)
	}
}

// answerWith says something to each that connects, then hangs up.
func answerWith(t *testing.T, path, answer string) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.CopyN(io.Discard, c, 12) // the hello, or the client sees a reset
			io.WriteString(c, answer)
			c.Close()
		}
	}()
}

func TestTheTerminalOnEveryMaster(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	for name, socket := range masters(t, s) {
		t.Run(name, func(t *testing.T) {
			keyboard, tty, err := pty.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer keyboard.Close()
			defer tty.Close()
			pty.Setsize(keyboard, &pty.Winsize{Rows: 33, Cols: 101})
			screen := watchScreen(keyboard)
			before := len(s.Sessions())
			p, err := dial(t, socket).NewSession(t.Context(), mux.Spec{
				TTY: true, Term: "vt220", Command: "trap 'stty size' WINCH; echo $TERM; stty size; stty -a | grep -o 'intr = ^.'; while sleep 0.05; do :; done",
			}, tty, tty, tty)
			if err != nil {
				t.Fatal(err)
			}
			sshtest.Eventually(t, "the far terminal is as this one", screen.has("vt220\n33 101\nintr = ^C"))
			pty.Setsize(keyboard, &pty.Winsize{Rows: 44, Cols: 120})
			if err := p.Resized(); err != nil {
				t.Fatal(err)
			}
			sshtest.Eventually(t, "the far terminal has the new size", screen.has("44 120"))
			p.Close()
			<-p.Done()
			sshtest.Eventually(t, "the session has ended", func() bool { return len(s.Sessions()) <= before })
			io.WriteString(keyboard, "mine\n")
			tty.SetReadDeadline(time.Now().Add(time.Minute)) // where terminals can have one
			mine := make([]byte, 16)
			if n, err := tty.Read(mine); string(mine[:n]) != "mine\n" || err != nil {
				t.Errorf("the next who reads the terminal gets %q, %v", mine[:n], err)
			}
		})
	}
}

// display is what has been written to a terminal.
type display struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

func watchScreen(r io.Reader) *display {
	d := new(display)
	go func() { // ends with the terminal
		buf := make([]byte, 4096)
		for {
			n, err := r.Read(buf)
			d.mu.Lock()
			d.text.Write(buf[:n])
			d.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return d
}

func (d *display) has(text string) func() bool {
	return func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return strings.Contains(strings.ReplaceAll(d.text.String(), "\r", ""), text)
	}
}
