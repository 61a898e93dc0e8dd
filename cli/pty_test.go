//go:build linux

package cli

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

// console is a program in a terminal.
type console struct {
	t    *testing.T
	cmd  *exec.Cmd
	keys *os.File

	mu   sync.Mutex // guards seen
	seen strings.Builder
	mark int // of seen: what came before does not count
	read chan struct{}
}

func newConsole(t *testing.T, cmd *exec.Cmd) *console {
	t.Helper()
	keys, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 30, Cols: 100})
	if err != nil {
		t.Fatal(err)
	}
	c := &console{t: t, cmd: cmd, keys: keys, read: make(chan struct{})}
	go func() { // ends with the terminal
		defer close(c.read)
		io.Copy(c, keys)
	}()
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
		keys.Close()
		<-c.read
	})
	return c
}

func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen.Write(p)
}

// since is what it showed since the latest keys.
func (c *console) since() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen.String()[c.mark:]
}

// wait waits until it shows a text.
func (c *console) wait(text string) {
	c.t.Helper()
	defer func() {
		if c.t.Failed() {
			c.t.Logf("since the latest keys it shows %q", c.since())
		}
	}()
	sshtest.Eventually(c.t, fmt.Sprintf("it shows %q", text), func() bool { return strings.Contains(c.since(), text) })
}

// press presses keys and waits for what comes of it.
func (c *console) press(keys, want string) string {
	c.t.Helper()
	c.mu.Lock()
	c.mark = c.seen.Len()
	c.mu.Unlock()
	io.WriteString(c.keys, keys)
	c.wait(want)
	return c.since()
}

// ended is the exit status.
func (c *console) ended() int {
	c.t.Helper()
	if err := c.cmd.Wait(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		c.t.Fatal(err)
	}
	return c.cmd.ProcessState.ExitCode()
}

// clients makes command lines of ssh and of sallyport to one server.
type clients struct {
	server *sshtest.Server
	ours   string // the program
	env    []string
}

// newClients has a background process of its own, which ends with the test.
func newClients(t *testing.T, s *sshtest.Server, options ...string) clients {
	t.Helper()
	short, err := os.MkdirTemp("", "sp") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(short) })
	test, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := clients{server: s, ours: filepath.Join(t.TempDir(), "sallyport")}
	// By its name the program knows what it is, see TestMain, and a background
	// process is started by the name of the file.
	if err := os.Link(test, c.ours); err != nil {
		copyFile(t, test, c.ours)
	}
	if len(options) > 0 { // who shares the server may be reading it
		known, err := os.ReadFile(s.Path("ssh_config"))
		if err != nil {
			t.Fatal(err)
		}
		s.Write(t, "ssh_config", strings.Join(options, "\n")+"\n"+string(known))
	}
	c.env = append(os.Environ(), "XDG_RUNTIME_DIR="+short, "XDG_STATE_HOME="+short, "TERM=xterm", "SHELL=/bin/sh")
	t.Cleanup(func() {
		if out, err := c.sallyport("daemon", "stop").CombinedOutput(); err != nil {
			t.Errorf("daemon stop: %v: %s", err, out)
		}
	})
	return c
}

// copyFile copies a program to another file system.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	program, err := os.ReadFile(from)
	if err == nil {
		err = sshtest.WriteProgram(to, string(program))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (c clients) sallyport(args ...string) *exec.Cmd {
	cmd := exec.Command(c.ours, append([]string{"-F", c.server.Path("ssh_config")}, args...)...)
	cmd.Env = c.env
	return cmd
}

func (c clients) ssh(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := c.server.SSH(t, args...)
	cmd.Env = c.env
	return cmd
}

// TestEscapesAreThoseOfSSH types the same to ssh and to sallyport.
func TestEscapesAreThoseOfSSH(t *testing.T) {
	t.Parallel()
	c := newClients(t, sshtest.StartServer(t, "LogLevel DEBUG1"), "EnableEscapeCommandline yes", "LogLevel INFO")
	lists := make(map[string][]string)
	for name, cmd := range map[string]*exec.Cmd{
		"ssh":       c.ssh(t, "-t", sshtest.Alias, "stty -echo; echo up; cat"),
		"sallyport": c.sallyport("-t", sshtest.Alias, "stty -echo; echo up; cat"),
		"alone":     c.sallyport("ssh", "-S", "none", "-t", sshtest.Alias, "stty -echo; echo up; cat"),
	} {
		t.Run(name, func(t *testing.T) {
			p := newConsole(t, cmd)
			p.wait("up\r\n")
			lists[name] = strings.Split(p.press("~?", "newline.)\r\n"), "\r\n")
			p.press("~#", "~#\r\nThe following connections are open:\r\n  #0 client-session (")
			p.press("~B", "~B\r\n")
			p.press("~~x\r", "~x\r\n")

			port := sshtest.FreePort(t)
			p.press("~C", "ssh> ")
			p.press(fmt.Sprintf("-L %d:127.0.0.1:%d\r", port, c.server.Port), "Forwarding port.")
			if got := banner(port); !strings.HasPrefix(got, "SSH-2.0-") {
				t.Errorf("through the forward comes %q", got)
			}
			p.press("~C", "ssh> ")
			p.press(fmt.Sprintf("-KL %d\r", port), "Canceled forwarding.")
			if got := banner(port); got != "" {
				t.Errorf("through the cancelled forward comes %q", got)
			}
			p.press("~C", "ssh> ")
			p.press("nonsense\r", "Invalid command.")
			p.press("still here\r", "still here\r\n")
			p.press("~.", "Connection to 127.0.0.1 closed.")
			if got := p.ended(); got != 255 {
				t.Errorf("it ended with %d", got)
			}
		})
	}
	if n := strings.Count(c.server.Log(), "request break"); n != 3 {
		t.Errorf("the server got %d breaks, want one of each", n)
	}
	// A session of the background process is one of many on its connection,
	// and what it cannot do is left out, see rows.
	for name, row := range map[string]struct {
		ends string
		lack []string
	}{
		"sallyport": {endsSession, []string{" ~R ", " ~V/v ", " ~& "}},
		"alone":     {endsConnection, []string{" ~R ", " ~& "}},
	} {
		var want []string
		for _, line := range lists["ssh"] {
			line = strings.Replace(line, endsConnection, row.ends, 1)
			line = strings.Replace(line, "suspend ssh", "suspend sallyport", 1)
			if !slices.ContainsFunc(row.lack, func(key string) bool { return strings.HasPrefix(line, key) }) {
				want = append(want, line)
			}
			if name == "sallyport" && strings.HasPrefix(line, " ~? ") {
				want = append(want, " ~d   - detach, and leave the session running") // ours
			}
		}
		if diff := cmp.Diff(want, lists[name]); diff != "" {
			t.Errorf("the list of escapes of %s (-ssh +sallyport):\n%s", name, diff)
		}
	}
}

// TestAnEscapeTellsOfTheConnection where the ssh in PATH is one that does, by
// what its bytes say of its release. To another it is no escape.
func TestAnEscapeTellsOfTheConnection(t *testing.T) {
	t.Parallel()
	older, newer := t.TempDir(), t.TempDir()
	for dir, release := range map[string]string{older: "OpenSSH_10.2p1 Debian-1", newer: "OpenSSH_10.3p1 Debian-1"} {
		if err := sshtest.WriteProgram(filepath.Join(dir, "ssh"), "#!/bin/false\x00"+release+"\x00"); err != nil {
			t.Fatal(err)
		}
	}
	c := newClients(t, sshtest.StartServer(t))
	for _, row := range []struct {
		name, path string
		args       []string
	}{
		{"a session of the background process", newer, nil},
		{"a session of its own", newer, []string{"ssh", "-S", "none"}},
		{"a release before 10.3", older, []string{"ssh", "-S", "none"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			cmd := c.sallyport(append(row.args, "-t", sshtest.Alias, "stty -echo; echo up; cat")...)
			cmd.Env = append(slices.Clone(c.env), "PATH="+row.path+":"+os.Getenv("PATH"))
			p := newConsole(t, cmd)
			p.wait("up\r\n")
			const help = " ~I   - show connection information\r\n"
			has := strings.Contains(p.press("~?", "newline.)\r\n"), help)
			if has != (row.path == newer) {
				t.Errorf("~? lists it: %v", has)
			}
			if !has {
				p.press("~Ix\r", "~Ix\r\n")
				return
			}
			said := p.press("~Ix\r", "x\r\n")
			if !regexp.MustCompile(`~I\r\nConnection information for \S+ pid \d+\r\n  versions (?s:.*)\r\n  traffic \S+ in, \S+ out\r\n`).MatchString(said) {
				t.Errorf("it says %q", said)
			}
		})
	}
}

// banner is what a server says first, "" if there is none.
func banner(port int) string {
	c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return ""
	}
	defer c.Close()
	said := make([]byte, 32)
	n, _ := c.Read(said)
	return string(said[:n])
}

func TestSuspendedSessionsGoOn(t *testing.T) {
	t.Parallel()
	c := newClients(t, sshtest.StartServer(t))
	shell := exec.Command(sshtest.Program(t, "bash"), "--norc", "--noprofile", "-i")
	shell.Env = append(c.env, "PS1=prompt> ", "HISTFILE=")
	p := newConsole(t, shell)
	p.wait("prompt> ")
	p.press(strings.Join(c.sallyport("-t", sshtest.Alias, "'stty size; cat; exit 9'").Args, " ")+"\r", "30 100\r\n")
	p.press("x\r", "x\r\nx\r\n")
	p.press("~\x1a", "~^Z [suspend sallyport]")
	p.wait("Stopped")
	p.press("stty -a | tr ' ' '\\n' | grep -x -e icanon -e -icanon\r", "\ricanon\r\n")
	pty.Setsize(p.keys, &pty.Winsize{Rows: 40, Cols: 90})
	p.press("fg\r", "sallyport")
	p.press("y\r", "y\r\ny\r\n")
	p.press("\x04", "prompt> ")
	p.press("echo status $?\r", "status 9")
	p.press("exit\r", "exit")
	p.ended()
}

// TestTerminalModesAreThoseOfSSH sets what differs from the usual and looks
// at the far side.
func TestTerminalModesAreThoseOfSSH(t *testing.T) {
	t.Parallel()
	sshtest.Program(t, "stty")
	c := newClients(t, sshtest.StartServer(t))
	const odd = "stty 9600 intr ^X erase ^H kill undef eol a eol2 b lnext ^F werase ^G " +
		"-ixon ixany iuclc istrip igncr -icrnl -onlcr ocrnl onlret olcuc xcase -echoe echonl noflsh tostop -iexten"
	modes := make(map[string]string)
	for name, cmd := range map[string]*exec.Cmd{
		"ssh":       c.ssh(t, "-t", sshtest.Alias, "stty -a; stty speed"),
		"sallyport": c.sallyport("-t", sshtest.Alias, "stty -a; stty speed"),
	} {
		for _, how := range []string{"true", odd} {
			shell := exec.Command("sh", "-c", how+`; exec "$@"`, "sh")
			shell.Args = append(shell.Args, cmd.Args...)
			shell.Env = c.env
			p := newConsole(t, shell)
			p.ended()
			<-p.read
			modes[name+" "+how] = p.since()
		}
	}
	for _, how := range []string{"true", odd} {
		if diff := cmp.Diff(modes["ssh "+how], modes["sallyport "+how]); diff != "" {
			t.Errorf("after %s (-ssh +sallyport):\n%s", how, diff)
		}
	}
	if modes["ssh true"] == modes["ssh "+odd] {
		t.Errorf("the terminals do not differ: %s", modes["ssh true"])
	}
}

func TestLocalCommandRunsBeforeTheSession(t *testing.T) {
	t.Parallel()
	c := newClients(t, sshtest.StartServer(t), "Host "+sshtest.Alias, "LocalCommand echo local %n ${NOT_SET:-shell}", "PermitLocalCommand yes")
	for name, cmd := range map[string]*exec.Cmd{
		"ssh":       c.ssh(t, sshtest.Alias, "echo remote"),
		"sallyport": c.sallyport(sshtest.Alias, "echo remote"),
	} {
		out, err := cmd.Output()
		if want := "local " + sshtest.Alias + " shell\nremote\n"; err != nil || string(out) != want {
			t.Errorf("%s: %q, %v, want %q", name, out, err, want)
		}
	}
}

// TestTheCallersAgentAndDisplayAreForwarded has a background process that was
// started by somebody with neither.
func TestTheCallersAgentAndDisplayAreForwarded(t *testing.T) {
	t.Parallel()
	server := sshtest.StartServer(t, "X11Forwarding yes")
	server.Write(t, ".Xauthority", "") // else xauth says on standard error that it makes one
	c := newClients(t, server)
	output := func(env []string, args ...string) string {
		t.Helper()
		cmd := c.sallyport(args...)
		cmd.Env = append(c.env, env...)
		out, err := cmd.CombinedOutput()
		if err != nil && !errors.As(err, new(*exec.ExitError)) {
			t.Fatal(err)
		}
		return string(out)
	}
	socket := sshtest.Agent(t, server.Path("id"))
	display, authority := sshtest.XServer(t)
	none := []string{"SSH_AUTH_SOCK=", "DISPLAY="}
	mine := []string{"SSH_AUTH_SOCK=" + socket, "DISPLAY=" + display, "XAUTHORITY=" + authority}
	const agent, screen = "ssh-add -l", "xdpyinfo | grep 'version number'"
	for _, row := range []struct {
		name string
		env  []string
		args []string
		want string
	}{
		{"nobody has neither", none, []string{"-A", "-Y", sshtest.Alias, agent}, "Could not open a connection"},
		{"an agent is not forwarded unasked", mine, []string{sshtest.Alias, agent}, "Could not open a connection"},
		{"a display is forwarded by -Y", mine, []string{"-Y", sshtest.Alias, screen}, "version number"},
		{"the last of -A and -a counts", mine, []string{"-Aa", sshtest.Alias, agent}, "Could not open a connection"},
		{"an agent is forwarded by -A", mine, []string{"-A", sshtest.Alias, agent}, "(ED25519)"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if out := output(row.env, row.args...); !strings.Contains(out, row.want) {
				t.Errorf("it shows %q, want %q", out, row.want)
			}
		})
	}
}
