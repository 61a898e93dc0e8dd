package sessions

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sallyport/config"
	"sallyport/internal/sshtest"
	"sallyport/transport"
)

var noTime = cmpopts.IgnoreFields(transport.Failure{}, "At")

func TestSubsystemsRun(t *testing.T) {
	t.Parallel()
	l := link(t, sshtest.StartServer(t, "Subsystem sftp internal-sftp", "Subsystem seven exit 7"))
	const hello, answer = "\x00\x00\x00\x05\x01\x00\x00\x00\x03", "\x02\x00\x00\x00\x03" // SSH_FXP_INIT and what follows the length of SSH_FXP_VERSION
	stdin, client := io.Pipe()
	out, ended := attach(t, start(t, l, Spec{Kind: Subsystem, Command: "sftp"}), stdin)
	io.WriteString(client, hello)
	sshtest.Eventually(t, "the sftp server answers", out.has(answer))
	client.Close()
	if exit := <-ended; exit != (Exit{}) {
		t.Errorf("sftp ended with %+v", exit)
	}
	for name, want := range map[string]Exit{
		"seven": {Status: 7},
		"eight": {Status: 255, Failure: &transport.Failure{Code: "refused", Message: `"targaryen" refused the subsystem "eight"`}},
	} {
		if diff := cmp.Diff(want, run(t, l, Spec{Kind: Subsystem, Command: name}, "").Exit, noTime); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestARefusedTerminalIsAWarningUnlessItIsNeeded(t *testing.T) {
	t.Parallel()
	l := link(t, sshtest.StartServer(t, "PermitTTY no"))
	s := start(t, l, Spec{Command: "tty", PTY: true, Term: "xterm"})
	if err := s.Ready(t.Context()); err != nil || s.Status().PTY {
		t.Errorf("it is %+v, %v", s.Status(), err)
	}
	s.Resize(Size{Cols: 10, Rows: 10})
	var stdout, stderr output
	exit, err := s.Attach(t.Context(), nil, &stdout, &stderr)
	const refusal = "PTY allocation request failed on channel 0"
	want := result{Exit{Status: 1}, "not a tty\n", refusal + "\r\n"}
	if got := (result{exit, stdout.String(), stderr.String()}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}

	needs := start(t, l, Spec{Command: "tty", PTY: true, NeedPTY: true})
	var f *transport.Failure
	if err := needs.Ready(t.Context()); !errors.As(err, &f) || f.Message != `"targaryen" gives no terminal: `+refusal {
		t.Errorf("one that needs a terminal says %v", err)
	}
}

// TestTheSecondTerminalIsGiven has a connection on which one was given
// already.
func TestTheSecondTerminalIsGiven(t *testing.T) {
	t.Parallel()
	l := link(t, sshtest.StartServer(t))
	defer l.Hold()()
	for range 2 {
		if got := run(t, l, Spec{Command: "tty >/dev/null", PTY: true}, ""); got != (result{}) {
			t.Errorf("got %+v", got)
		}
	}
}

// TestABreakIsSent uses a server of our own: sshd gives it to a
// pseudo-terminal, which has no use for it.
func TestABreakIsSent(t *testing.T) {
	t.Parallel()
	s := start(t, answeringServer(t), Spec{Command: "wait for a break"})
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Break(1000)
	out, ended := attach(t, s, nil)
	if exit := <-ended; exit != (Exit{}) || out.String() != "a break of 1000" {
		t.Errorf("it ended with %+v and showed %q", exit, out)
	}
}

func TestASessionOfNothingEndsWithItsConnection(t *testing.T) {
	t.Parallel()
	server := sshtest.StartServer(t)
	s := start(t, link(t, server), Spec{Kind: None})
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	stdin, keyboard := io.Pipe()
	defer keyboard.Close()
	out, ended := attach(t, s, stdin)
	if strings.Contains(server.Log(), "Starting session") {
		t.Error("the server runs something")
	}
	server.KillSessions()
	want := Exit{Status: 255, Failure: &transport.Failure{Code: "closed", Message: `the connection to "targaryen" was closed`, Hop: "targaryen"}}
	if diff := cmp.Diff(want, <-ended, noTime); diff != "" || out.String() != "" {
		t.Errorf("it showed %q, the end (-want +got):\n%s", out, diff)
	}
	if diff := cmp.Diff([]State{Opening, Running, Ended}, s.states()); diff != "" {
		t.Errorf("the states told (-want +got):\n%s", diff)
	}
}

// TestTheHostSaysWhatRuns has a row for each answer of the table in ssh.c.
func TestTheHostSaysWhatRuns(t *testing.T) {
	for _, row := range []struct {
		name, text string
		spec       Spec
		tty        string
		want       Spec
	}{
		{"a shell at a terminal has one", "", Spec{PTY: true}, "", Spec{PTY: true}},
		{"a shell elsewhere has none", "", Spec{}, "", Spec{}},
		{"a command has none", "", Spec{PTY: true, Command: "x"}, "", Spec{Command: "x"}},
		{"a command has one by -t", "", Spec{PTY: true, Command: "x"}, "yes", Spec{PTY: true, NeedPTY: true, Command: "x"}},
		{"-t needs a terminal here", "", Spec{Command: "x"}, "yes", Spec{Command: "x"}},
		{"-tt needs none here", "", Spec{Command: "x"}, "force", Spec{PTY: true, NeedPTY: true, Command: "x"}},
		{"-T", "RequestTTY yes", Spec{PTY: true}, "no", Spec{}},
		{"RequestTTY yes", "RequestTTY yes", Spec{PTY: true, Command: "x"}, "", Spec{PTY: true, NeedPTY: true, Command: "x"}},
		{"RequestTTY force", "RequestTTY force", Spec{Command: "x"}, "", Spec{PTY: true, NeedPTY: true, Command: "x"}},
		{"RequestTTY no", "RequestTTY no", Spec{PTY: true}, "", Spec{}},
		{"RemoteCommand", "RemoteCommand top -u %r", Spec{PTY: true}, "", Spec{Command: "top -u dany"}},
		{"a command goes before RemoteCommand", "RemoteCommand top", Spec{Command: "x"}, "", Spec{Command: "x"}},
		{"RemoteCommand none", "RemoteCommand none", Spec{PTY: true}, "", Spec{PTY: true}},
		{"SessionType none", "SessionType none", Spec{PTY: true}, "", Spec{Kind: None}},
		{"SessionType subsystem", "SessionType subsystem\nRemoteCommand sftp", Spec{PTY: true}, "", Spec{Kind: Subsystem, Command: "sftp"}},
		{"SessionType subsystem of a command", "SessionType subsystem", Spec{PTY: true, Command: "sftp"}, "", Spec{Kind: Subsystem, Command: "sftp"}},
		{"a kind that was asked for", "SessionType none", Spec{Kind: Subsystem, Command: "sftp"}, "", Spec{Kind: Subsystem, Command: "sftp"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config")
			if err := os.WriteFile(path, []byte("Host x\nUser dany\n"+row.text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			host, err := config.Load(config.Paths{User: path, Home: t.TempDir(), Explicit: true}).Resolve("x", config.Match{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, Configured(host, row.spec, row.tty)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
