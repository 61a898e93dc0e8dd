package sessions

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

// listing lists the keys of the agent that the far side has, if any.
const listing = "ssh-add -l 2>&1"

// TestAgentsAreForwardedAsBySSH runs each row by ssh and by a session, each on
// a connection of its own: sshd keeps an agent for a connection.
func TestAgentsAreForwardedAsBySSH(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	mine, other := agentWith(t), agentWith(t)
	env := []string{"PATH=" + os.Getenv("PATH"), "SSH_AUTH_SOCK=" + mine.socket, "OTHER=" + other.socket}
	for _, row := range []struct {
		name    string
		options []string
		flag    string // of ssh
		spec    Spec
		want    string
	}{
		{name: "unasked", want: nobody},
		{name: "by ForwardAgent yes", options: []string{"ForwardAgent yes"}, want: mine.key},
		{name: "by a path", options: []string{"ForwardAgent " + other.socket}, want: other.key},
		{name: "by a variable", options: []string{"ForwardAgent $OTHER"}, want: other.key},
		{name: "by a variable that is not set", options: []string{"ForwardAgent $NOTSET"}, want: nobody},
		{name: "as IdentityAgent says", options: []string{"ForwardAgent yes", "IdentityAgent " + other.socket}, want: other.key},
		{name: "not where IdentityAgent is none", options: []string{"ForwardAgent yes", "IdentityAgent none"}, want: nobody},
		{name: "by -A", flag: "-A", spec: Spec{ForwardAgent: "yes"}, want: mine.key},
		{name: "not by -a", options: []string{"ForwardAgent yes"}, flag: "-a", spec: Spec{ForwardAgent: "no"}, want: nobody},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.spec.Command = listing
			got := run(t, ownLink(t, s, row.options...), row.spec, "", env...)
			if !strings.Contains(got.Stdout, row.want) || got.Stderr != "" {
				t.Errorf("a session shows %q, %q, want %q", got.Stdout, got.Stderr, row.want)
			}
			if out := sshOutput(t, s, env, row.options, row.flag, listing); !strings.Contains(out, row.want) {
				t.Errorf("ssh shows %q, want %q", out, row.want)
			}
		})
	}
}

const nobody = "Could not open a connection to your authentication agent."

// keyed is an agent and the fingerprint of the one key that it has.
type keyed struct{ socket, key string }

func agentWith(t *testing.T) keyed {
	t.Helper()
	path := t.TempDir() + "/id"
	sshtest.Keygen(t, path, "", "-t", "ed25519")
	return keyed{sshtest.Agent(t, path), strings.Fields(sshtest.Run(t, "ssh-keygen", "-l", "-f", path))[1]}
}

// sshOutput is what ssh shows of a command, with options as lines of its file.
func sshOutput(t *testing.T, s *sshtest.Server, env, options []string, flag, command string) string {
	t.Helper()
	var args []string
	for _, o := range options {
		args = append(args, "-o", o)
	}
	if flag != "" {
		args = append(args, flag)
	}
	cmd := s.SSH(t, append(args, sshtest.Alias, command)...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return string(out)
}

func TestTheAgentGoesOnlyToTheHostThatMayHaveIt(t *testing.T) {
	t.Parallel()
	bastion, inner := sshtest.StartServer(t), sshtest.StartServer(t)
	agent := agentWith(t)
	inner.Write(t, "known_hosts", inner.Known()+bastion.Known())
	ways := fmt.Sprintf("Match originalhost bastion\nHostName 127.0.0.1\nPort %d\nIdentityFile %s\nUserKnownHostsFile %s\nGlobalKnownHostsFile none\n",
		bastion.Port, bastion.Path("id"), inner.Path("known_hosts"))
	l := ownLink(t, inner, ways, "Host "+sshtest.Alias, "ProxyJump bastion", "ForwardAgent yes")
	got := run(t, l, Spec{Command: listing}, "", "SSH_AUTH_SOCK="+agent.socket, "PATH="+os.Getenv("PATH"))
	if !strings.Contains(got.Stdout, agent.key) {
		t.Errorf("the inner host shows %q, want %q", got.Stdout, agent.key)
	}
	if strings.Contains(bastion.Log(), "Starting session") {
		t.Errorf("the bastion ran something:\n%s", bastion.Log())
	}
}

// TestAForwardedAgentIsToldWhoHasIt logs in from one host to the next with a
// key that may be used on that way, or only on the first part of it. The second
// step is made by the ssh of the first host.
func TestAForwardedAgentIsToldWhoHasIt(t *testing.T) {
	t.Parallel()
	gate, tower := sshtest.StartServer(t), sshtest.StartServer(t)
	gate.Write(t, "all_known", gate.Known()+tower.Known())
	onward := fmt.Sprintf("ssh -F none -o BatchMode=yes -o IdentityFile=none -o GlobalKnownHostsFile=none -o UserKnownHostsFile=%s -p %d 127.0.0.1 echo there",
		gate.Path("all_known"), tower.Port)
	at := func(s *sshtest.Server) string { return fmt.Sprintf("[127.0.0.1]:%d", s.Port) }
	for _, row := range []struct {
		name string
		to   []string
		want string
	}{
		{"on the whole way", []string{"-h", at(gate), "-h", at(gate) + ">" + at(tower)}, "there\n"},
		{"to the first host alone", []string{"-h", at(gate)}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			socket := sshtest.Agent(t)
			sshtest.Add(t, socket, append(append([]string{"-H", gate.Path("all_known")}, row.to...), tower.Path("id"))...)
			env := []string{"PATH=" + os.Getenv("PATH"), "SSH_AUTH_SOCK=" + socket}
			options := []string{"ForwardAgent yes"}
			got := run(t, ownLink(t, gate, options...), Spec{Command: onward}, "", env...)
			if got.Stdout != row.want {
				t.Errorf("a session shows %q, %q, want %q", got.Stdout, got.Stderr, row.want)
			}
			if out := sshOutput(t, gate, env, options, "", onward+" 2>/dev/null"); out != row.want {
				t.Errorf("ssh shows %q, want %q", out, row.want)
			}
		})
	}
}

func TestTheLatestAgentIsTheOneThatIsForwarded(t *testing.T) {
	t.Parallel()
	l := link(t, sshtest.StartServer(t))
	first, second := agentWith(t), agentWith(t)
	lends := Spec{ForwardAgent: "yes", Command: "while read line; do " + listing + "; done"}
	early := start(t, l, lends, "SSH_AUTH_SOCK="+first.socket)
	stdin, keyboard := io.Pipe()
	out, ended := attach(t, early, stdin)
	ask := func(want string) {
		t.Helper()
		*out = output{}
		io.WriteString(keyboard, "\n")
		sshtest.Eventually(t, "the early session sees the key "+want, out.has(want))
	}
	ask(first.key)

	late := start(t, l, Spec{ForwardAgent: "yes", Command: "cat"}, "SSH_AUTH_SOCK="+second.socket)
	if err := late.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	ask(second.key)
	late.Close()
	ask(first.key)
	keyboard.Close()
	<-ended

	// sshd still shows its socket to all sessions of the connection.
	got := run(t, l, Spec{Command: listing}, "")
	if strings.Contains(got.Stdout, "SHA256:") || strings.Contains(got.Stdout, nobody) || got.Stderr != "" {
		t.Errorf("a session that nobody lends an agent to shows %q, %q", got.Stdout, got.Stderr)
	}
}

func TestAChannelThatNobodyAskedForIsRefusedWithAWarning(t *testing.T) {
	t.Parallel()
	l := answeringServer(t)
	for command, what := range map[string]string{"open auth-agent@openssh.com": "agent", "open x11": "X11"} {
		t.Run(command, func(t *testing.T) {
			got := run(t, l, Spec{Command: command}, "")
			want := result{
				Exit:   Exit{Status: 7},
				Stdout: "ssh: rejected: administratively prohibited (\"open failed\")",
				Stderr: "Warning: ssh server tried " + what + " forwarding.\r\nWarning: this is probably a break-in attempt by a malicious server.\r\n",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
