package sessions

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sallyport/internal/sshtest"
	"sallyport/transport"
)

// started is a session under test, with all that it has told.
type started struct {
	*Session

	mu   sync.Mutex // guards told
	told []Status
}

func start(t *testing.T, l Link, spec Spec, env ...string) *started {
	t.Helper()
	s := &started{}
	s.Session = Start(t.Context(), l, Identity{ID: "s1", Host: "targaryen", Config: "/etc/c"}, spec, env, func(status Status) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.told = append(s.told, status)
	})
	t.Cleanup(s.Close)
	return s
}

func (s *started) states() []State {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []State
	for _, status := range s.told {
		all = append(all, status.State)
	}
	return all
}

// output is written by a session and read by a test meanwhile.
type output struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func (o *output) has(text string) func() bool {
	return func() bool { return strings.Contains(o.String(), text) }
}

// result is all that a viewer sees of a command.
type result struct {
	Exit           Exit
	Stdout, Stderr string
}

func run(t *testing.T, l Link, spec Spec, stdin string, env ...string) result {
	t.Helper()
	var stdout, stderr output
	exit, err := start(t, l, spec, env...).Attach(t.Context(), strings.NewReader(stdin), &stdout, &stderr)
	if err != nil {
		t.Fatal(err)
	}
	return result{exit, stdout.String(), stderr.String()}
}

// attach views a session in the background.
func attach(t *testing.T, s *started, stdin io.Reader) (out *output, end <-chan Exit) {
	t.Helper()
	out = &output{}
	ended := make(chan Exit, 1)
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("it did not end in a minute"))
	t.Cleanup(cancel)
	go func() {
		exit, err := s.Attach(ctx, stdin, out, out)
		if err != nil {
			t.Error(err)
		}
		ended <- exit
	}()
	return out, ended
}

// TestCommandsEndAsWithSSH runs each command by ssh and by a session.
func TestCommandsEndAsWithSSH(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	l := link(t, s)
	for _, row := range []struct {
		name, command, stdin string
		want                 result
	}{
		{"a command that is content", "exit 0", "", result{}},
		{"a command that is not", "exit 7", "", result{Exit: Exit{Status: 7}}},
		{"the status that ssh has for itself", "exit 255", "", result{Exit: Exit{Status: 255}}},
		{"a command that nobody knows", "nosuchcommand 2>/dev/null", "", result{Exit: Exit{Status: 127}}},
		{"a command ended by a signal", "kill -TERM $$", "", result{Exit: Exit{Status: 255, Signal: "TERM"}}},
		{"errors apart from output", "echo out; echo err >&2", "", result{Stdout: "out\n", Stderr: "err\n"}},
		{"input to its end", "cat; echo end", "some\n", result{Stdout: "some\nend\n"}},
		{"every byte value", "cat", everyByte(), result{Stdout: everyByte()}},
		{"input that nobody reads", "exec <&-; echo done", strings.Repeat("x", 4<<20), result{Stdout: "done\n"}},
		{"output after the input's end", "cat >/dev/null; echo late; echo later >&2", "x", result{Stdout: "late\n", Stderr: "later\n"}},
		{"a shell without a terminal", "", "echo $((6*7)); exit 3\n", result{Exit: Exit{Status: 3}, Stdout: "42\n"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if diff := cmp.Diff(row.want, run(t, l, Spec{Command: row.command}, row.stdin)); diff != "" {
				t.Errorf("a session (-want +got):\n%s", diff)
			}
			row.want.Exit.Signal = "" // ssh does not tell
			if diff := cmp.Diff(row.want, runSSH(t, s, row.command, row.stdin)); diff != "" {
				t.Errorf("ssh (-want +got):\n%s", diff)
			}
		})
	}
}

func runSSH(t *testing.T, s *sshtest.Server, command, stdin string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := s.SSH(t, "-T", sshtest.Alias, command)
	if command == "" {
		cmd = s.SSH(t, "-T", sshtest.Alias)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return result{Exit{Status: cmd.ProcessState.ExitCode()}, stdout.String(), stderr.String()}
}

func everyByte() string {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return string(b)
}

func TestMuchPassesBothWays(t *testing.T) {
	t.Parallel()
	const size = 32 << 20
	s := start(t, link(t, sshtest.StartServer(t)), Spec{Command: "exec bash -c 'tee >(cat >&2)'"})
	out, errors, want := sha256.New(), sha256.New(), sha256.New()
	exit, err := s.Attach(t.Context(), noise(size), out, errors)
	if err != nil || exit != (Exit{}) {
		t.Fatalf("tee ended with %+v, %v", exit, err)
	}
	io.Copy(want, noise(size))
	if !bytes.Equal(out.Sum(nil), want.Sum(nil)) || !bytes.Equal(errors.Sum(nil), want.Sum(nil)) {
		t.Error("what came back is not what was sent")
	}
}

func noise(size int64) io.Reader { return io.LimitReader(rand.NewChaCha8([32]byte{1}), size) }

func TestATerminalHasItsTypeSizeAndModes(t *testing.T) {
	t.Parallel()
	const echo = 53 // RFC 4254 section 8
	s := start(t, link(t, sshtest.StartServer(t)), Spec{
		Command: `tty; echo "$TERM"; stty -a | grep -o -- '-echo '; stty size; trap 'stty size; exit 5' WINCH; echo ready; while :; do sleep 0.02; done`,
		PTY:     true, Term: "vt220", Size: Size{Cols: 100, Rows: 30}, Modes: map[uint8]uint32{echo: 0},
	})
	stdin, keyboard := io.Pipe()
	defer keyboard.Close()
	out, ended := attach(t, s, stdin)
	sshtest.Eventually(t, "the program is ready", out.has("ready"))
	s.Resize(Size{Cols: 132, Rows: 43})

	if exit := <-ended; exit != (Exit{Status: 5}) {
		t.Errorf("it ended with %+v", exit)
	}
	tty, rest, _ := strings.Cut(out.String(), "\r\n")
	if want := "vt220\r\n-echo \r\n30 100\r\nready\r\n43 132\r\n"; !strings.HasPrefix(tty, "/dev/pts/") || rest != want {
		t.Errorf("the terminal is %q and showed %q, want %q", tty, rest, want)
	}
}

func TestATerminalOpensAtTheLatestSize(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	l := link(t, s)
	held := &holding{Link: l, let: make(chan struct{})}
	session := start(t, held, Spec{Command: "stty size", PTY: true, Size: Size{Cols: 10, Rows: 10}})
	session.Resize(Size{Cols: 81, Rows: 26})
	close(held.let)
	out, ended := attach(t, session, nil)
	if exit := <-ended; exit != (Exit{}) || out.String() != "26 81\r\n" {
		t.Errorf("it showed %q and ended with %+v", out, exit)
	}
}

// holding is a link that is away until it is let.
type holding struct {
	*transport.Link
	let chan struct{}
}

func (h *holding) Conn(ctx context.Context) (*transport.Conn, error) {
	select {
	case <-h.let:
		return h.Link.Conn(ctx)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func TestAKeyboardInterruptsInATerminal(t *testing.T) {
	t.Parallel()
	s := start(t, link(t, sshtest.StartServer(t)), Spec{Command: `trap 'echo caught; exit 4' INT; echo ready; while :; do sleep 0.02; done`, PTY: true, Term: "xterm"})
	stdin, keyboard := io.Pipe()
	out, ended := attach(t, s, stdin)
	sshtest.Eventually(t, "the program is ready", out.has("ready"))
	keyboard.Write([]byte{3})
	if exit := <-ended; exit != (Exit{Status: 4}) || !out.has("caught")() {
		t.Errorf("it showed %q and ended with %+v", out, exit)
	}
}

// TestASignalIsSent uses a server of our own, since sshd passes no signals on
// to a root login, which the test's may be.
func TestASignalIsSent(t *testing.T) {
	t.Parallel()
	s := start(t, answeringServer(t), Spec{Command: "wait for a signal"})
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Signal("USR1")
	_, ended := attach(t, s, nil)
	if exit := <-ended; exit != (Exit{Status: 255, Signal: "USR1"}) {
		t.Errorf("it ended with %+v", exit)
	}
}

func TestAnEndWithoutAStatusIsNoSuccess(t *testing.T) {
	t.Parallel()
	l := answeringServer(t)
	for command, want := range map[string]*transport.Failure{
		"vanish": {Code: "closed", Message: `"targaryen" ended the session without an exit status`},
		"refuse": {Code: "refused", Message: `"targaryen" refused the command "refuse"`},
	} {
		t.Run(command, func(t *testing.T) {
			got := run(t, l, Spec{Command: command}, "")
			if diff := cmp.Diff(result{Exit: Exit{Status: 255, Failure: want}}, got, cmpopts.IgnoreFields(transport.Failure{}, "At")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheEnvironmentIsThatOfSSH(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t, "AcceptEnv LC_* MY_? FOO LANG")
	l := link(t, s, "SendEnv LC_* MY_?", "SendEnv LANG", `SetEnv FOO=bar NOTACCEPTED=x`)
	const command = `env | grep -E '^(LC_|MY_|FOO|LANG|NOT|SECRET)' | LC_ALL=C sort`
	env := []string{"LC_TIME=de_DE.UTF-8", "LC_X=a b=c", "MY_1=one", "MY_12=two", "LANG=C", "SECRET=s", "FOO=mine"}
	got := run(t, l, Spec{Command: command}, "", env...)

	cmd := s.SSH(t, sshtest.Alias, command)
	cmd.Env = append(env, "PATH="+os.Getenv("PATH"))
	want, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.Stdout); diff != "" {
		t.Errorf("ssh's environment -, ours +:\n%s", diff)
	}
	if got.Stdout != "FOO=bar\nLANG=C\nLC_TIME=de_DE.UTF-8\nLC_X=a b=c\nMY_1=one\n" {
		t.Errorf("the environment is %q", got.Stdout)
	}
}

func TestABrokenLinkEndsTheSession(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, command, last string
	}{
		{"within the command", "echo started; exec sleep 1000", "started"},
		// The exit status has arrived, the last of the output has not.
		{"after its exit status", `(while kill -0 $$ 2>/dev/null; do sleep 0.02; done; sleep 0.3; echo gone; exec sleep 1000) & exit 0`, "gone"},
	} {
		t.Run(row.name, func(t *testing.T) {
			server := sshtest.StartServer(t)
			s := start(t, link(t, server), Spec{Command: row.command})
			out, ended := attach(t, s, nil)
			sshtest.Eventually(t, "the command has said "+row.last, out.has(row.last))
			server.KillSessions()
			want := Exit{Status: 255, Failure: &transport.Failure{Code: "closed", Message: `the connection to "targaryen" was closed`, Hop: "targaryen"}}
			if diff := cmp.Diff(want, <-ended, cmpopts.IgnoreFields(transport.Failure{}, "At")); diff != "" {
				t.Errorf("the end (-want +got):\n%s", diff)
			}
		})
	}
}

var errViewer = errors.New("the viewer is gone")

// goneAfter is a viewer that breaks.
type goneAfter int

func (g *goneAfter) Write(p []byte) (int, error) {
	if *g -= goneAfter(len(p)); *g < 0 {
		return 0, errViewer
	}
	return len(p), nil
}

func (g *goneAfter) Read([]byte) (int, error) { return 0, errViewer }

func TestABrokenViewerEndsTheSession(t *testing.T) {
	t.Parallel()
	server := sshtest.StartServer(t)
	l := link(t, server)
	some, none := goneAfter(1<<20), goneAfter(0)
	stdin, keyboard := io.Pipe()
	defer keyboard.Close()
	for _, row := range []struct {
		name   string
		stdin  io.Reader
		stdout io.Writer
		want   string
	}{
		{"that takes no more output", stdin, &some, "writing to the viewer: the viewer is gone"},
		{"whose input fails", &none, io.Discard, "reading the viewer's input: the viewer is gone"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := start(t, l, Spec{Command: "exec yes"})
			exit, err := s.Attach(t.Context(), row.stdin, row.stdout, io.Discard)
			if err == nil || err.Error() != row.want || !errors.Is(err, errViewer) {
				t.Errorf("Attach says %v, want %s", err, row.want)
			}
			want := Exit{Status: 255, Failure: &transport.Failure{Code: "cancelled", Message: row.want}}
			if diff := cmp.Diff(want, exit, cmpopts.IgnoreFields(transport.Failure{}, "At")); diff != "" {
				t.Errorf("the end (-want +got):\n%s", diff)
			}
			sshtest.Eventually(t, "the command has ended", func() bool { return !runs(server, "yes") })
		})
	}
}

// runs tells whether a program runs below the server.
func runs(s *sshtest.Server, program string) bool {
	for _, pid := range s.Sessions() {
		if comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); strings.TrimSpace(string(comm)) == program {
			return true
		}
	}
	return false
}

func TestAttachEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := start(t, link(t, sshtest.StartServer(t)), Spec{Command: "echo up; exec sleep 1000"})
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	out, ended := &output{}, make(chan error, 1)
	go func() {
		exit, err := s.Attach(ctx, nil, out, out)
		if exit.Status != unknown {
			t.Errorf("it ended with %+v", exit)
		}
		ended <- err
	}()
	sshtest.Eventually(t, "the command runs", out.has("up"))
	cancel(why)
	if err := <-ended; err != why {
		t.Errorf("Attach says %v, want %v", err, why)
	}
}

// stuck is a viewer whose first write waits.
type stuck struct {
	entered, release chan struct{}
	writes           atomic.Int32
}

func (v *stuck) Write(p []byte) (int, error) {
	if v.writes.Add(1) == 1 {
		close(v.entered)
		<-v.release
	}
	return len(p), nil
}

func TestNothingIsWrittenToAViewerThatHasGone(t *testing.T) {
	s := start(t, link(t, sshtest.StartServer(t)), Spec{Command: "exec yes"})
	v := &stuck{entered: make(chan struct{}), release: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-v.entered; cancel() }()
	if _, err := s.Attach(ctx, nil, v, io.Discard); err != context.Canceled {
		t.Errorf("Attach says %v", err)
	}
	close(v.release)
	sshtest.Eventually(t, "the copies have ended", func() bool {
		stacks := make([]byte, 1<<20)
		return !bytes.Contains(stacks[:runtime.Stack(stacks, true)], []byte("sessions.show("))
	})
	if n := v.writes.Load(); n != 1 {
		t.Errorf("the viewer was written to %d times, want once", n)
	}
}

func TestThereIsOneViewer(t *testing.T) {
	t.Parallel()
	s := start(t, link(t, sshtest.StartServer(t)), Spec{Command: "cat"})
	stdin, keyboard := io.Pipe()
	out, ended := attach(t, s, stdin)
	io.WriteString(keyboard, "x")
	sshtest.Eventually(t, "the first viewer sees something", out.has("x"))
	if _, err := s.Attach(t.Context(), nil, io.Discard, io.Discard); err != errAttached {
		t.Errorf("a second viewer gets %v", err)
	}
	keyboard.Close()
	if exit := <-ended; exit != (Exit{}) {
		t.Errorf("the first viewer's session ended with %+v", exit)
	}
}

func TestTheStatusIsTold(t *testing.T) {
	t.Parallel()
	l := link(t, sshtest.StartServer(t))
	s := start(t, l, Spec{Command: "echo \x1b]52;; exit 2", PTY: true})
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Attach(t.Context(), nil, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]State{Opening, Running, Ended}, s.states()); diff != "" {
		t.Errorf("the states told (-want +got):\n%s", diff)
	}
	want := Status{
		ID: "s1", Host: "targaryen", Config: "/etc/c", Link: l.Status().ID, Command: `echo \x1b]52;; exit 2`,
		PTY: true, State: Ended, Exit: &Exit{Status: 2},
	}
	if diff := cmp.Diff(want, s.Status(), cmpopts.IgnoreFields(Status{}, "Since")); diff != "" {
		t.Errorf("the status (-want +got):\n%s", diff)
	}
}

func TestARefusedLoginIsTheEnd(t *testing.T) {
	t.Parallel()
	server := sshtest.StartServer(t)
	server.Write(t, "authorized_keys", "")
	s := start(t, link(t, server), Spec{})
	err := s.Ready(t.Context())
	var f *transport.Failure
	if !errors.As(err, &f) || f.Code != transport.CodeAuth {
		t.Fatalf("Ready says %v", err)
	}
	exit, err := s.Attach(t.Context(), nil, io.Discard, io.Discard)
	if err != nil || exit != (Exit{Status: 255, Failure: f}) {
		t.Errorf("Attach gave %+v, %v", exit, err)
	}
}

func TestAForbiddenSessionSaysWhy(t *testing.T) {
	t.Parallel()
	s := start(t, link(t, sshtest.StartServer(t, "MaxSessions 0")), Spec{Command: "true"})
	var f *transport.Failure
	if err := s.Ready(t.Context()); !errors.As(err, &f) || f.Code != transport.CodeProhibited || !strings.Contains(f.Message, "MaxSessions") {
		t.Errorf("Ready says %v", err)
	}
}

func TestClosingDoesNotWaitForAFarSideThatHangs(t *testing.T) {
	t.Parallel()
	server := sshtest.StartServer(t)
	s := start(t, link(t, server), Spec{Command: "sleep 1000"})
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Freeze(t)
	begin := time.Now()
	s.Close()
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("closing took %s", took)
	}
}

func TestSessionsLeaveNothingBehind(t *testing.T) {
	l := link(t, sshtest.StartServer(t))
	defer l.Hold()()
	run(t, l, Spec{Command: "true"}, "")
	before := runtime.NumGoroutine()
	for range 10 {
		run(t, l, Spec{Command: "true"}, "x")
	}
	sshtest.Eventually(t, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= before })
}
