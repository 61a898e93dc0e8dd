//go:build linux

package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

// nodes makes a server that is reached under the names node01, node02 and so
// on, and tells each session by NODE which it is. before comes before what is
// said of all of them.
func nodes(t *testing.T, n int, before string) clients {
	t.Helper()
	s := sshtest.StartServer(t, "AcceptEnv NODE")
	var text strings.Builder
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&text, "Host node%02d\nSetEnv NODE=%d\n", i, i)
	}
	fmt.Fprintf(&text, "%s\nHost *\nHostName 127.0.0.1\nPort %d\nIdentityFile %s\nIdentitiesOnly yes\nUserKnownHostsFile %s\nGlobalKnownHostsFile none\nStrictHostKeyChecking yes\n",
		before, s.Port, s.Path("id"), s.Path("known_hosts"))
	s.Write(t, "ssh_config", text.String())
	return newClients(t, s)
}

// run runs to the end, and returns the exit status too.
func (c clients) run(t *testing.T, cmd *exec.Cmd) (stdout, stderr string, status int) {
	t.Helper()
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// TestFiftyHosts has three that fail, each in its way, and one that hangs until
// all others have ended.
func TestFiftyHosts(t *testing.T) {
	t.Parallel()
	c := nodes(t, 50, fmt.Sprintf("Host node08\nPort %d\nHost node09\nUserKnownHostsFile /nonexistent/known_hosts", sshtest.FreePort(t)))
	r := c.follow(t, func(r *followed) bool { return len(r.ends) == 49 }, "-H", "node*", "--",
		`echo "on $NODE"; case $NODE in 7) exit 7;; 10) exec sleep 600;; esac`)
	if r.status != 3 {
		t.Errorf("exit status %d, want 3", r.status)
	}
	out, ends := map[string]string{}, map[string]string{}
	for i := 1; i <= 50; i++ {
		name := fmt.Sprintf("node%02d", i)
		out[name], ends[name] = fmt.Sprintf("on %d", i), "exit"
	}
	delete(out, "node08")
	delete(out, "node09")
	ends["node08"], ends["node09"], ends["node10"] = "failed", "failed", "interrupted"
	if diff := cmp.Diff(out, r.out); diff != "" {
		t.Errorf("stdout: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(ends, r.ends); diff != "" {
		t.Errorf("ends: -want +got\n%s", diff)
	}
	for _, part := range []string{
		"the command succeeded on 46 of 50 hosts, not on 4:\n  node07: exit status 7\n  node08: ",
		"connection refused\n", "\n  node09: ", "\n  node10: not finished when it was interrupted\n",
	} {
		if !strings.Contains(r.errs, part) {
			t.Errorf("stderr has no %q:\n%s", part, r.errs)
		}
	}
}

// followed is a run that was read as it went on.
type followed struct {
	out, ends map[string]string // by host
	errs      string
	status    int
}

// follow runs with --json, and interrupts it once enough was seen.
func (c clients) follow(t *testing.T, enough func(*followed) bool, args ...string) *followed {
	t.Helper()
	cmd := c.sallyport(append([]string{"run", "--json"}, args...)...)
	var errs strings.Builder
	cmd.Stderr = &errs
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := &followed{out: map[string]string{}, ends: map[string]string{}}
	interrupted := false
	for dec := json.NewDecoder(stdout); ; {
		var line struct{ Host, Stdout, End string }
		if err := dec.Decode(&line); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if line.Stdout != "" {
			r.out[line.Host] += line.Stdout
		}
		if line.End != "" {
			r.ends[line.Host] = line.End
		}
		if !interrupted && enough(r) {
			interrupted = true
			cmd.Process.Signal(os.Interrupt)
		}
	}
	cmd.Wait() // its status says how
	r.errs, r.status = errs.String(), cmd.ProcessState.ExitCode()
	return r
}

func TestAnInterruptEndsAllAndTellsOfWhom(t *testing.T) {
	t.Parallel()
	c := nodes(t, 4, "")
	r := c.follow(t, func(r *followed) bool { return len(r.out) == 2 }, "-H", "node*", "-j", "2", "--", "echo up; exec sleep 600")
	if r.status != 3 {
		t.Errorf("exit status %d, want 3", r.status)
	}
	want := `sallyport: the command succeeded on 0 of 4 hosts, not on 4:
  node01, node02: not finished when it was interrupted
  node03, node04: not begun when it was interrupted
`
	if diff := cmp.Diff(want, r.errs); diff != "" {
		t.Errorf("stderr: -want +got\n%s", diff)
	}
	all := map[string]string{"node01": "interrupted", "node02": "interrupted", "node03": "interrupted", "node04": "interrupted"}
	if diff := cmp.Diff(all, r.ends); diff != "" {
		t.Errorf("ends: -want +got\n%s", diff)
	}
}

// TestABastionAsksOnce has hosts behind a bastion whose key is not known, one
// after the other.
func TestABastionAsksOnce(t *testing.T) {
	t.Parallel()
	c := nodes(t, 4, "Host node*\nProxyJump gate\nHost gate\nStrictHostKeyChecking ask\nUserKnownHostsFile /nonexistent/known_hosts")
	const asks, summary = "Are you sure you want to continue connecting", "the command succeeded on 0 of 4 hosts"
	for range 2 { // the second time the failures of the first do not count
		p := newConsole(t, c.sallyport("run", "-H", "node*", "-j", "1", "--", "echo hello"))
		p.wait(asks)
		if shown := p.press("no\r", summary); strings.Contains(shown, asks) {
			t.Errorf("after a no it asks again: %q", shown)
		}
		if status := p.ended(); status != 4 {
			t.Errorf("exit status %d, want 4", status)
		}
	}
	before := c.server.Logins()
	p := newConsole(t, c.sallyport("run", "-H", "node*", "--", "echo hello"))
	p.wait(asks)
	shown := p.press("once\r", "hello")
	if status := p.ended(); status != 0 {
		t.Errorf("exit status %d, want 0: %q", status, p.since())
	}
	if strings.Contains(shown, asks) {
		t.Errorf("after a yes it asks again: %q", shown)
	}
	if n := c.server.Logins() - before; n != 5 {
		t.Errorf("%d logins for four hosts and a bastion, want 5", n)
	}
}

// TestAKeyIsUnlockedOnceForAllHosts has hosts that want the same locked key, without
// an agent.
func TestAKeyIsUnlockedOnceForAllHosts(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, atOnce string
		typed        []string
	}{
		{"all at once", "3", []string{"winter"}},
		{"one after the other", "1", []string{"winter"}},
		{"it was wrong at first", "1", []string{"summer", "winter"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := nodes(t, 3, "")
			sshtest.Run(t, "ssh-keygen", "-q", "-p", "-a", "1", "-P", "", "-N", "winter", "-f", c.server.Path("id"))
			p := newConsole(t, c.sallyport("run", "-H", "node*", "-j", row.atOnce, "--", "echo hello"))
			for _, passphrase := range row.typed {
				p.wait("Passphrase: ")
				p.press(passphrase+"\r", "\n")
			}
			for _, host := range []string{"node01", "node02", "node03"} {
				p.wait(host + ":\x1b[m hello")
			}
			if status := p.ended(); status != 0 || strings.Contains(p.since(), "Passphrase") {
				t.Errorf("exit status %d, want 0: %q", status, p.since())
			}
		})
	}
}

// TestAKeyThatStaysClosedDoesSoForAllHosts has ^D typed at the passphrase, once.
func TestAKeyThatStaysClosedDoesSoForAllHosts(t *testing.T) {
	t.Parallel()
	for _, atOnce := range []string{"3", "1"} {
		c := nodes(t, 3, "")
		sshtest.Run(t, "ssh-keygen", "-q", "-p", "-a", "1", "-P", "", "-N", "winter", "-f", c.server.Path("id"))
		p := newConsole(t, c.sallyport("run", "-H", "node*", "-j", atOnce, "--", "echo hello"))
		p.wait("Passphrase: ")
		p.press("\x04", "\n")
		p.wait("the command succeeded on 0 of 3 hosts, not on 3:\r\n  node01, node02, node03: the login was given up")
		if status := p.ended(); status != 4 || strings.Contains(p.since(), "Passphrase") {
			t.Errorf("-j %s: exit status %d, want 4: %q", atOnce, status, p.since())
		}
	}
}

// TestAnotherKeyLogsInWhereNobodyCanBeAsked has a locked key before one that needs no
// answer, as for ssh in a job without a terminal.
func TestAnotherKeyLogsInWhereNobodyCanBeAsked(t *testing.T) {
	t.Parallel()
	locked := filepath.Join(t.TempDir(), "locked")
	sshtest.Keygen(t, locked, "winter", "-t", "ed25519", "-a", "1")
	c := nodes(t, 2, "Host node*\nIdentityFile "+locked)
	public, err := os.ReadFile(locked + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	own, err := os.ReadFile(c.server.Path("authorized_keys"))
	if err != nil {
		t.Fatal(err)
	}
	c.server.Write(t, "authorized_keys", string(own)+string(public))
	c.env = slices.DeleteFunc(c.env, func(v string) bool {
		return strings.HasPrefix(v, "SSH_ASKPASS") || strings.HasPrefix(v, "DISPLAY=") || strings.HasPrefix(v, "SSH_AUTH_SOCK=")
	})
	for _, line := range [][]string{{"node01", "echo hello"}, {"run", "-H", "node*", "--", "echo hello"}} {
		cmd := c.sallyport(line...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if out, errs, status := c.run(t, cmd); status != 0 || !strings.Contains(out, "hello\n") || errs != "" {
			t.Errorf("%q: status %d, %q, %q", line, status, out, errs)
		}
		if out, err := c.sallyport("daemon", "stop").CombinedOutput(); err != nil {
			t.Errorf("daemon stop: %v: %s", err, out)
		}
	}
}

func TestBatchModeFailsInsteadOfAsking(t *testing.T) {
	t.Parallel()
	c := nodes(t, 2, "Host node02\nBatchMode yes\nStrictHostKeyChecking ask\nUserKnownHostsFile /nonexistent/known_hosts")
	p := newConsole(t, c.sallyport("run", "-H", "node*", "--", "echo hello"))
	p.wait("the command succeeded on 1 of 2 hosts")
	p.wait("node02: ")
	if status := p.ended(); status != 4 || strings.Contains(p.since(), "Are you sure") {
		t.Errorf("exit status %d, want 4: %q", status, p.since())
	}
}

// TestATerminalIsColouredAndSafe has a host that writes what a terminal acts on.
func TestATerminalIsColouredAndSafe(t *testing.T) {
	t.Parallel()
	c := nodes(t, 1, "")
	const command = `printf '\033]52;c;eA==\007\ta\r\n\033[2Jb'`
	p := newConsole(t, c.sallyport("run", "-H", "node01", "--", command))
	p.wait("\x1b[36mnode01:\x1b[m \\x1b]52;c;eA==\\x07\ta\r\n")
	p.wait("\x1b[36mnode01:\x1b[m \\x1b[2Jb\r\n")
	plain := c.sallyport("run", "-H", "node01", "--", command)
	plain.Env = append(plain.Env, "NO_COLOR=1")
	newConsole(t, plain).wait("node01: \\x1b]52;c;eA==\\x07\ta\r\nnode01: \\x1b[2Jb\r\n")

	out, _, _ := c.run(t, c.sallyport("run", "-H", "node01", "--", command))
	if want := "node01: \x1b]52;c;eA==\a\ta\r\nnode01: \x1b[2Jb\n"; out != want {
		t.Errorf("to a file it writes %q, want %q", out, want)
	}
}

func TestStandardInputIsReadOnlyWhereItIsAskedFor(t *testing.T) {
	t.Parallel()
	c := nodes(t, 2, "")
	stdin, typed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	io.WriteString(typed, "words\n")
	typed.Close()
	for _, test := range []struct{ flag, want string }{
		{"-j1", "node01: 0\nnode02: 0\n"},
		{"--stdin", "node01: 6\nnode02: 6\n"},
	} {
		cmd := c.sallyport("run", "-H", "node*", "-j1", test.flag, "--", "wc -c")
		cmd.Stdin = stdin
		out, errs, status := c.run(t, cmd)
		got := strings.SplitAfter(out, "\n")
		slices.Sort(got)
		if strings.Join(got, "") != test.want || errs != "" || status != 0 {
			t.Errorf("%s: %q, %q, exit status %d, want %q", test.flag, out, errs, status, test.want)
		}
	}
}

func TestRunAsJSON(t *testing.T) {
	t.Parallel()
	c := nodes(t, 1, "Host gone\nPort "+strconv.Itoa(sshtest.FreePort(t)))
	out, _, status := c.run(t, c.sallyport("run", "-H", "node01", "-H", "gone", "--json", "--", `printf '\033[2J\n\nend'; echo e >&2; exit 9`))
	if status != 4 {
		t.Errorf("exit status %d, want 4", status)
	}
	if strings.Contains(out, "\x1b") {
		t.Errorf("it has what a terminal acts on: %q", out)
	}
	got := map[string][]string{}
	for line := range strings.Lines(out) {
		var o struct {
			Host           string
			Stdout, Stderr *string
			End            string
			Status         int
			Error          *struct{ Code, Message string }
			Seconds        *float64
		}
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		switch {
		case o.Stdout != nil:
			got[o.Host+" out"] = append(got[o.Host+" out"], *o.Stdout)
		case o.Stderr != nil:
			got[o.Host+" err"] = append(got[o.Host+" err"], *o.Stderr)
		case o.Error != nil:
			got[o.Host] = append(got[o.Host], o.End, o.Error.Code)
		case o.Seconds != nil:
			got[o.Host] = append(got[o.Host], o.End, strconv.Itoa(o.Status))
		}
	}
	want := map[string][]string{
		"node01 out": {"\x1b[2J", "", "end"},
		"node01 err": {"e"},
		"node01":     {"exit", "9"},
		"gone":       {"failed", "unreachable"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestATimeLimitBeforeALoginSaysWhereItStood has a jump that takes connections
// and says nothing.
func TestATimeLimitBeforeALoginSaysWhereItStood(t *testing.T) {
	t.Parallel()
	c := nodes(t, 0, fmt.Sprintf("Host mute\nPort %d\nHost behind\nProxyJump mute", mutePort(t)))
	out, errs, status := c.run(t, c.sallyport("run", "-H", "behind", "--timeout", "3s", "--", "true"))
	if status != 3 || out != "" || !strings.Contains(errs, `  behind: not finished after 3s, still connecting to "mute": key exchange`+"\n") {
		t.Errorf("exit status %d, %q, %q", status, out, errs)
	}
}

// TestATimeLimitEndsTheCommandThere has dropbear, since sshd passes no signals
// on to what runs as root (session_signal_req of session.c).
func TestATimeLimitEndsTheCommandThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	far := sshtest.Dropbear(t, sshtest.WriteKey(t, dir+"/id").PublicKey())
	known := fmt.Sprintf("[127.0.0.1]:%d %s", far.Port, ssh.MarshalAuthorizedKey(far.HostKey))
	if err := os.WriteFile(dir+"/known_hosts", []byte(known), 0o600); err != nil {
		t.Fatal(err)
	}
	c := nodes(t, 0, fmt.Sprintf("Host far\nPort %d\nIdentityFile %s/id\nUserKnownHostsFile %[2]s/known_hosts", far.Port, dir))
	out, errs, status := c.run(t, c.sallyport("run", "-H", "far", "--timeout", "20s", "--", `trap 'echo told to end; exit 1' TERM; echo begun; while :; do sleep 0.1; done`))
	if status != 3 || out != "far: begun\nfar: told to end\n" || !strings.Contains(errs, "  far: not finished after 20s\n") {
		t.Errorf("exit status %d, %q, %q", status, out, errs)
	}
}
