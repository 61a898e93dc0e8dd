//go:build linux || darwin || freebsd

package mux_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
	"sallyport/mux"
)

func TestTheRealClientEndsAMaster(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	for _, verb := range []string{"stop", "exit"} {
		t.Run(verb, func(t *testing.T) {
			_, ours := serveMaster(t, s)
			theirs := s.StartMaster(t).Socket
			want, got := run(t, s.SSHOver(t, theirs, "-O", verb, "x")), run(t, s.SSHOver(t, ours, "-O", verb, "x"))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("with a real master and with ours (-real +ours):\n%s", diff)
			}
			for _, socket := range []string{theirs, ours} {
				sshtest.Eventually(t, "the socket is gone", func() bool { return names(t, filepath.Dir(socket)) == "" })
			}
		})
	}
}

func TestTheUserIsAsked(t *testing.T) {
	s := sshtest.StartServer(t)
	m, socket := serveMaster(t, s)
	before := descriptors()
	for _, row := range []struct {
		kind mux.QuestionKind
		args []string
		asks string
		says string
	}{
		{mux.AskSession, []string{"x", "true"}, "Allow shared connection to targaryen?", "Master refused session request: Permission denied\r\n"},
		{mux.AskStdioForward, []string{"-W", "h:22", "x"}, "Allow forward to [h]:22?", "Master refused stdio forwarding request: Permission denied\r\n"},
		{mux.AskForward, []string{"-O", "forward", "-L", "1:h:2", "x"}, "Open local forward :1 -> h:2 on targaryen?", "Master refused forwarding request: Permission denied\r\nmuxclient: master forward request failed\r\n"},
		{mux.AskStop, []string{"-O", "stop", "x"}, "Disable further multiplexing on shared connection to targaryen?", "Master refused stop listening request: Permission denied\r\n"},
		{mux.AskExit, []string{"-O", "exit", "x"}, "Terminate shared connection to targaryen?", "Master refused termination request: Permission denied\r\n"},
		{mux.AskSession, []string{"-O", "proxy", "x", "true"}, "Allow shared connection to targaryen?", "mux_client_proxy: master returned error: Permission denied\r\n"},
	} {
		m.mu.Lock()
		m.refuse, m.asked = map[mux.QuestionKind]bool{row.kind: true}, nil
		m.mu.Unlock()
		got := run(t, s.SSHOver(t, socket, row.args...))
		m.mu.Lock()
		asked := m.asked
		m.mu.Unlock()
		if len(asked) != 1 || asked[0] != row.asks {
			t.Errorf("%s: asked %q, want %q", row.args, asked, row.asks)
		}
		if got.Status != 255 || !strings.HasPrefix(got.Err, row.says) {
			t.Errorf("%s: got %+v, want %q", row.args, got, row.says)
		}
		sshtest.Eventually(t, "the descriptors are closed", func() bool { return descriptors() <= before })
	}
}

// hesitant is a Handler whose user does not answer.
type hesitant struct {
	*master
	asked, withdrawn chan struct{}
}

func (h hesitant) Confirm(ctx context.Context, _ mux.Question) bool {
	close(h.asked)
	<-ctx.Done()
	close(h.withdrawn)
	return false
}

func TestAQuestionIsWithdrawnWhenItsClientGoes(t *testing.T) {
	s := sshtest.StartServer(t)
	m, _ := serveMaster(t, s)
	h := hesitant{m, make(chan struct{}), make(chan struct{})}
	socket := socketPath(t)
	l := listen(t, socket)
	served := make(chan error)
	go func() { served <- mux.Serve(t.Context(), l, h) }()
	before := descriptors()
	cmd := s.SSHOver(t, socket, "x", "true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-h.asked
	cmd.Process.Kill()
	cmd.Wait()
	<-h.withdrawn
	sshtest.Eventually(t, "its descriptors are closed", func() bool { return descriptors() <= before })
	l.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// catches tells whether a process has a handler for a signal (SigCgt of
// proc_pid_status(5)).
func catches(t *testing.T, pid int, signal syscall.Signal) bool {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if errors.Is(err, fs.ErrNotExist) {
		return true // no such system
	}
	_, after, found := strings.Cut(string(status), "SigCgt:\t")
	mask, _, _ := strings.Cut(after, "\n")
	caught, err := strconv.ParseUint(mask, 16, 64)
	if !found || err != nil {
		t.Fatalf("process %d: %q", pid, status)
	}
	return caught>>(signal-1)&1 != 0
}

func TestTheRealClientsTerminal(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	_, ours := serveMaster(t, s)
	for name, socket := range map[string]string{"OpenSSH's master": s.StartMaster(t).Socket, "our master": ours} {
		t.Run(name, func(t *testing.T) {
			cmd := s.SSHOver(t, socket, "-t", "x", "trap 'stty size' WINCH; stty size; stty -a | grep -ow '.ixany'; while sleep 0.05; do :; done")
			keyboard, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 33, Cols: 101})
			if err != nil {
				t.Fatal(err)
			}
			defer keyboard.Close()
			screen := watchScreen(keyboard)
			sshtest.Eventually(t, "the far terminal is as this one", screen.has("33 101\n-ixany"))
			sshtest.Eventually(t, "the client minds its terminal's size", func() bool { return catches(t, cmd.Process.Pid, syscall.SIGWINCH) })
			pty.Setsize(keyboard, &pty.Winsize{Rows: 44, Cols: 120})
			sshtest.Eventually(t, "the far terminal has the new size", screen.has("44 120"))
			io.WriteString(keyboard, "\n~.")
			cmd.Wait()
			if status := cmd.ProcessState.ExitCode(); status != 255 {
				t.Errorf("status %d", status)
			}
		})
	}
}

// hasty is a Handler whose client changes the size of its terminal right after the
// far side was told of it.
type hasty struct {
	*master
	resize func()
	sizes  chan [2]mux.Size // told, and what comes then
}

func (h hasty) OpenSession(ctx context.Context, s *mux.Session) (status int, err error) {
	told := s.Size()
	h.resize()
	h.sizes <- [2]mux.Size{told, <-s.Sizes(ctx, told)}
	s.Opened()
	return 0, nil
}

func TestATerminalThatChangesAtOnceIsFollowed(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	m, _ := serveMaster(t, s)
	socket := socketPath(t)
	cmd := s.SSHOver(t, socket, "-t", "x", "true")
	keyboard, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer keyboard.Close()
	defer tty.Close()
	pty.Setsize(keyboard, &pty.Winsize{Rows: 33, Cols: 101})
	h := hasty{m, func() { pty.Setsize(keyboard, &pty.Winsize{Rows: 44, Cols: 120}) }, make(chan [2]mux.Size, 1)}
	l := listen(t, socket)
	defer l.Close()
	go mux.Serve(t.Context(), l, h)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	want := [2]mux.Size{{Rows: 33, Cols: 101}, {Rows: 44, Cols: 120}}
	if got := <-h.sizes; got != want {
		t.Errorf("told %+v, want %+v", got, want)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	s := sshtest.StartServer(t)
	m, _ := serveMaster(t, s)
	socket := socketPath(t)
	l := listen(t, socket)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	served := make(chan error)
	before := descriptors()
	go func() { served <- mux.Serve(ctx, l, m) }()
	c := dial(t, socket)
	p, ended := sleeper(t, c)
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
	<-ended
	if status, err := p.Wait(); status != 255 || !errors.Is(err, mux.ErrEnded) {
		t.Errorf("status %d, %v", status, err)
	}
	c.Close()
	sshtest.Eventually(t, "all descriptors are closed", func() bool { return descriptors() <= before })
	if _, err := os.Stat(socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket: %v", err)
	}
}

// last is a listener that asks whether a client is still served when it is closed.
type last struct {
	net.Listener
	ask func()
}

func (l last) Close() error {
	l.ask()
	return l.Listener.Close()
}

// TestTheNameOfAMasterGoesBeforeItsClients so that who asks why it was hung up on
// finds nobody.
func TestTheNameOfAMasterGoesBeforeItsClients(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	m, _ := serveMaster(t, s)
	socket := socketPath(t)
	asked := make(chan error, 2)
	var c *mux.Client
	l := last{listen(t, socket), sync.OnceFunc(func() {
		_, err := c.Alive(t.Context())
		asked <- err
	})}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	served := make(chan error)
	go func() { served <- mux.Serve(ctx, l, m) }()
	c = dial(t, socket)
	defer c.Close()
	cancel()
	if err := <-asked; err != nil {
		t.Errorf("while the listener is closed a client is told %v", err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	<-c.Done()
}

func TestABrokenConnectionIsNoSuccess(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	m, socket := serveMaster(t, s)
	c := dial(t, socket)
	p, ended := sleeper(t, c)
	m.client.Close()
	<-ended
	if status, err := p.Wait(); status != 255 || !errors.Is(err, mux.ErrNoStatus) {
		t.Errorf("status %d, %v", status, err)
	}
	_, _, _, err := output(t, c, mux.Spec{Command: "true"}, "")
	if refused := new(mux.Refused); !errors.As(err, &refused) || refused.Reason != "Session open refused by peer" {
		t.Errorf("a new session: %v", err)
	}
}

// dying is a connection that breaks after the exit status and before the rest
// of the output.
type dying struct{ mux.Conn }

func (dying) Outlives(context.Context) error { return errors.New("it broke") }

func TestAnExitStatusBeforeABreakIsNoSuccess(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	_, socket := serveMaster(t, s, func(c *mux.Channels) { c.Conn = dying{c.Conn} })
	for _, args := range [][]string{{"x", "true"}, {"-O", "proxy", "x", "true"}} {
		if got := run(t, s.SSHOver(t, socket, args...)); got.Status != 255 {
			t.Errorf("ssh %q: %+v", args, got)
		}
	}
}

func TestARefusedTerminalIsTold(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t, "PermitTTY no")
	_, ours := serveMaster(t, s)
	theirs := s.StartMaster(t).Socket
	line := `$SSH -tt h echo hi </dev/null`
	if diff := cmp.Diff(shell(t, s, theirs, 0, line), shell(t, s, ours, 0, line)); diff != "" {
		t.Errorf("with a real master and with ours (-real +ours):\n%s", diff)
	}
	c := dial(t, ours)
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	p, err := c.NewSession(t.Context(), mux.Spec{TTY: true, Command: "true"}, null, null, null)
	if err != nil {
		t.Fatal(err)
	}
	p.Wait()
	select {
	case <-p.NoTTY():
	default:
		t.Error("the client was not told")
	}
}

func TestTheAgentIsForwardedIfTheMasterMay(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	_, socket := serveMaster(t, s, func(c *mux.Channels) {
		c.Lend = func(_ context.Context, want mux.Spec) mux.Loan { return mux.Loan{Agent: want.Agent, End: func() {}} }
	})
	for _, args := range [][]string{{"-A", "x"}, {"-O", "proxy", "-A", "x"}} {
		got := run(t, s.SSHOver(t, socket, append(args, `test -S "$SSH_AUTH_SOCK"`)...))
		if want := (ran{}); got != want {
			t.Errorf("ssh %q: %+v", args, got)
		}
	}
}
