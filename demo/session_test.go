package demo

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

func TestTheRealSshRunsCommands(t *testing.T) {
	n := network(t)
	for _, c := range []struct {
		name, command, stdin string
		want                 said
	}{
		{"a command", "hostname", "", said{Out: "spirit1\n"}},
		{"a status", "exit 7", "", said{Status: 7}},
		{"a command that is none", "emacs", "", said{Err: "sh: emacs: command not found\n", Status: 127}},
		{"a shell without a terminal", "", "whoami\ncat\nthe rest\n", said{Out: "user\nthe rest\n"}},
		{"the status of such a shell", "", "echo a\nexit 3\necho b\n", said{Out: "a\n", Status: 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := []string{"-T", "spirit1"}
			if c.command != "" {
				args = append(args, c.command)
			}
			ssh := n.client(t, args...)
			ssh.Stdin = strings.NewReader(c.stdin)
			status := ssh.status(t)
			if diff := cmp.Diff(c.want, said{ssh.out.String(), ssh.err.String(), status}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCatGivesBackEveryByte(t *testing.T) {
	sent := make([]byte, 3<<20)
	if _, err := rand.Read(sent); err != nil {
		t.Fatal(err)
	}
	ssh := network(t).client(t, "ens", "cat")
	ssh.Stdin = bytes.NewReader(sent)
	if status := ssh.status(t); status != 0 || !bytes.Equal(ssh.out.Bytes(), sent) {
		t.Errorf("status %d, %d of %d bytes came back, %s", status, ssh.out.Len(), len(sent), ssh.err.String())
	}
}

// person is somebody at a terminal in which ssh runs.
type person struct {
	t    *testing.T
	ssh  *client
	tty  *os.File
	done chan struct{} // closed when the terminal has ended

	mu   sync.Mutex
	seen bytes.Buffer // guarded by mu
}

func sitDown(t *testing.T, n *Network, args ...string) *person {
	t.Helper()
	p := &person{t: t, ssh: n.client(t, args...), done: make(chan struct{})}
	p.ssh.Stdout, p.ssh.Stderr = nil, nil
	var err error
	if p.tty, err = pty.StartWithSize(p.ssh.Cmd, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the terminal, which the clean-up closes and waits for
		defer close(p.done)
		_, _ = io.Copy(p, p.tty) // a pty's end is an error
	}()
	t.Cleanup(func() {
		_ = p.ssh.Process.Kill() // it may have ended by itself
		_ = p.ssh.Wait()
		p.tty.Close()
		<-p.done
	})
	return p
}

func (p *person) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.Write(b)
}

// sees waits for text and forgets all up to its end.
func (p *person) sees(text string) {
	p.t.Helper()
	end := time.Now().Add(time.Minute)
	for !p.has(text) {
		if time.Now().After(end) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.t.Fatalf("never saw %q; the last was %q", text, p.seen.Bytes()[max(0, p.seen.Len()-500):])
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (p *person) has(text string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := bytes.Index(p.seen.Bytes(), []byte(text))
	if i >= 0 {
		p.seen.Next(i + len(text))
	}
	return i >= 0
}

func (p *person) types(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.tty, text); err != nil {
		p.t.Fatal(err)
	}
}

// leaves waits for the end and returns the exit status.
func (p *person) leaves() int {
	p.t.Helper()
	var status int
	sshtest.Eventually(p.t, "ssh has ended", func() bool {
		select {
		case <-p.done:
			_ = p.ssh.Wait() // the status says it
			status = p.ssh.ProcessState.ExitCode()
			return true
		default:
			return false
		}
	})
	return status
}

const prompt = "dany@targaryen:~$ "

func TestAShellAtATerminal(t *testing.T) {
	sshtest.Program(t, "ssh")
	p := sitDown(t, network(t), "targaryen")
	p.sees("targaryen: fire, blood, and Jupyter on port 8080.\r\n")
	p.sees(prompt)

	p.types("stty size\r")
	p.sees("\r\n24 80\r\n" + prompt)
	if err := pty.Setsize(p.tty, &pty.Winsize{Rows: 40, Cols: 132}); err != nil {
		t.Fatal(err)
	}
	sshtest.Eventually(t, "the new size has arrived", func() bool { return p.answer("stty size") == "40 132\r\n" })

	p.types("ehco\x1b[D\x1b[D\x7f\x1b[Ch\x01\x05 edited\r") // arrows, backspace, Ctrl-A, Ctrl-E
	p.sees("edited\r\n")
	p.sees(prompt)
	p.types("echo once\r")
	p.sees("once\r\n" + prompt)
	p.types("\x1b[A\r") // the history
	p.sees("once\r\n")
	p.sees("once\r\n" + prompt)

	p.types("half a li\x03")
	p.sees("^C\r\n" + prompt)
	p.types("echo $?; sleep 600\r")
	p.sees("\r\n130\r\n")
	p.types("\x03")
	p.sees("^C\r\n" + prompt)
	p.types("sleep 600\r")
	p.sees("sleep 600\r\n")
	p.types("exit 9\r\x03") // Ctrl-C drops what was typed ahead
	p.sees("^C\r\n" + prompt)
	p.types("yes\r")
	p.sees("y\r\ny\r\n")
	p.types("\x03")
	p.sees("^C\r\n")
	p.sees(prompt)

	p.types("cat\rback\r\x04")
	p.sees("back\r\nback\r\n" + prompt)
	p.types("cd notebooks\r")
	p.sees("dany@targaryen:~/notebooks$ ")

	p.types("sleep 0.1\rexit 7\r") // typed ahead
	if status := p.leaves(); status != 7 {
		t.Errorf("status %d", status)
	}
}

// answer types a command at the prompt and returns what it said.
func (p *person) answer(command string) (said string) {
	p.t.Helper()
	p.types(command + "\r")
	p.sees(command + "\r\n")
	sshtest.Eventually(p.t, "an answer", func() (ok bool) {
		p.mu.Lock()
		defer p.mu.Unlock()
		said, _, ok = strings.Cut(p.seen.String(), prompt)
		return ok
	})
	p.sees(prompt)
	return said
}

func TestCtrlDLeaves(t *testing.T) {
	sshtest.Program(t, "ssh")
	p := sitDown(t, network(t), "targaryen")
	p.sees(prompt)
	p.types("false\r\x04")
	p.sees("logout\r\n")
	if status := p.leaves(); status != 1 {
		t.Errorf("status %d", status)
	}
}

func TestAProgramHasTheWholeScreen(t *testing.T) {
	sshtest.Program(t, "ssh")
	p := sitDown(t, network(t), "targaryen")
	p.sees(prompt)
	p.types("top\r")
	p.sees(enterScreen)
	p.sees("targaryen, 80 x 24")
	p.sees("dragons.x")
	p.sees("targaryen, 80 x 24") // once more, by itself
	if err := pty.Setsize(p.tty, &pty.Winsize{Rows: 30, Cols: 90}); err != nil {
		t.Fatal(err)
	}
	p.sees("targaryen, 90 x 30")
	p.types("q")
	p.sees(leaveScreen + prompt)

	if err := pty.Setsize(p.tty, &pty.Winsize{Rows: 4, Cols: 90}); err != nil {
		t.Fatal(err)
	}
	p.types("less paper.tex\r")
	p.sees("documentclass")
	p.types("j\x1b[Bk ")
	p.sees("maketitle")
	p.types("G")
	p.sees("(END)")
	p.types("g")
	p.sees(": space")
	if err := pty.Setsize(p.tty, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	p.sees("(END)")
	p.types("q")
	p.sees(leaveScreen + prompt)

	p.types("top\r")
	p.sees(enterScreen)
	p.types("\x03")
	p.sees(leaveScreen + prompt)
	p.types("exit\r")
	if status := p.leaves(); status != 130 {
		t.Errorf("status %d", status)
	}
}

// dialled is a connection of x/crypto/ssh, for what ssh cannot be told to do.
func dialled(t *testing.T, n *Network) *ssh.Client {
	t.Helper()
	c, err := ssh.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", n.ports["esrf"]), &ssh.ClientConfig{
		User: "johnson", Auth: []ssh.AuthMethod{ssh.Password(password)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestASignalEndsACommand(t *testing.T) {
	s, err := dialled(t, network(t)).NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start("sleep infinity"); err != nil {
		t.Fatal(err)
	}
	if err := s.Signal(ssh.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var exit *ssh.ExitError
	if err := s.Wait(); !errors.As(err, &exit) || exit.Signal() != "TERM" {
		t.Errorf("it ended with %v", err)
	}
}

func TestWhatAServerAnswers(t *testing.T) {
	c := dialled(t, network(t))
	if ok, _, err := c.SendRequest(keepalive, true, nil); err != nil || !ok {
		t.Errorf("a keepalive: %v, %v", ok, err)
	}
	if ok, _, err := c.SendRequest("tcpip-forward", true, ssh.Marshal(struct {
		Host string
		Port uint32
	}{"", 0})); err != nil || ok {
		t.Errorf("a remote forward: %v, %v", ok, err)
	}
	if _, _, err := c.OpenChannel("direct-streamlocal@openssh.com", nil); err == nil {
		t.Error("a unix socket was opened")
	}
	if _, _, err := c.OpenChannel("direct-tcpip", []byte{1}); err == nil {
		t.Error("a malformed request was accepted")
	}
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, r := range []struct {
		name string
		want bool
	}{
		{keepalive, true}, {"subsystem", false}, {"x11-req", false}, {"auth-agent-req@openssh.com", false},
		{"window-change", false}, {"exec", false}, {"pty-req", false}, {"env", false}, {"signal", false},
	} {
		if ok, err := s.SendRequest(r.name, true, nil); err != nil || ok != r.want {
			t.Errorf("%s: %v, %v", r.name, ok, err)
		}
	}
}

func TestCtrlCDropsWhatWasTypedBefore(t *testing.T) {
	in := newInput()
	interrupts := 0
	in.interrupt = func() { interrupts++ }
	in.add([]byte("rm paper.tex\r"))
	in.add([]byte("rm data.csv\r\x03l"))
	in.add([]byte("s\r"))
	got, err := io.ReadAll(io.LimitReader(in.reader(t.Context()), 3))
	if string(got) != "ls\r" || err != nil || interrupts != 1 {
		t.Errorf("left is %q, %v, after %d interrupts", got, err, interrupts)
	}
}
