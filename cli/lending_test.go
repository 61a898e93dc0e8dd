//go:build linux

package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"

	"sallyport/internal/sshtest"
)

// holds tells whether the background process has a terminal open.
func (c clients) holds(t *testing.T, tty string) bool {
	t.Helper()
	out, err := c.sallyport("daemon", "status", "--json").Output()
	var status struct{ PID int }
	if err == nil {
		err = json.Unmarshal(out, &status)
	}
	if err != nil {
		t.Fatalf("daemon status: %v: %s", err, out)
	}
	all, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", status.PID))
	if err != nil || len(all) == 0 {
		t.Fatalf("the background process has the descriptors %q, %v", all, err)
	}
	for _, fd := range all {
		if at, err := os.Readlink(fd); err == nil && at == tty {
			return true
		}
	}
	return false
}

// name is the console's terminal.
func (c *console) name() string {
	c.t.Helper()
	name, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/0", c.cmd.Process.Pid))
	if err != nil {
		c.t.Fatal(err)
	}
	return name
}

// lent waits until the background process has the only terminal of a shell.
func (c clients) lent(t *testing.T, tty string) {
	t.Helper()
	sshtest.Eventually(t, tty+" is lent", func() bool { return c.holds(t, tty) })
}

// quoted is a command line for a shell.
func quoted(args []string) string {
	var words []string
	for _, w := range args {
		words = append(words, "'"+strings.ReplaceAll(w, "'", `'\''`)+"'")
	}
	return strings.Join(words, " ")
}

// TestATerminalIsTheirsWhoAreInFront stops and kills a viewer in a shell of the
// user's, which then has the terminal.
func TestATerminalIsTheirsWhoAreInFront(t *testing.T) {
	t.Parallel()
	c := newClients(t, sshtest.StartServer(t))
	p := newPanes(t, c)
	dir := t.TempDir()
	got, late := filepath.Join(dir, "got"), filepath.Join(dir, "late")
	far := "stty raw -echo; printf 'up\\r\\n'; (until test -e " + late + "; do sleep 0.05; done; printf 'late words\\r\\n') & cat >" + got
	pane := p.run(80, 24, sshtest.Program(t, "bash"), "--norc", "--noprofile")
	tty := strings.TrimSpace(p.tmux("display-message", "-p", "-t", pane, "#{pane_tty}"))
	arrives := func(want string) {
		t.Helper()
		var all []byte
		defer func() {
			if t.Failed() {
				t.Logf("%q arrived; the pane shows\n%s", all, p.shows(pane))
			}
		}()
		sshtest.Eventually(t, fmt.Sprintf("%q arrives", want), func() bool {
			all, _ = os.ReadFile(got)
			return string(all) == want
		})
	}
	p.wait(pane, "bash-")
	p.press(pane, quoted(c.sallyport("-t", sshtest.Alias, far).Args)+"\r")
	p.wait(pane, "up")
	c.lent(t, tty)
	p.press(pane, "abc")
	arrives("abc")

	viewer := c.sessions(t)[0].Viewers[0].PID
	syscall.Kill(viewer, syscall.SIGSTOP)
	p.wait(pane, "Stopped")
	p.press(pane, "echo mine$((40+2))\r")
	p.wait(pane, "mine42")
	other := newConsole(t, c.sallyport("attach", "--read-only"))
	if err := os.WriteFile(late, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	other.wait("late words")
	p.press(pane, "echo mine$((40+3))\r")
	p.wait(pane, "mine43")
	if strings.Contains(p.shows(pane), "late words") {
		t.Errorf("a viewer that is stopped shows output:\n%s", p.shows(pane))
	}
	arrives("abc")
	p.press(pane, "stty raw -echo; fg\r") // the modes that it had, as ssh would want them
	p.wait(pane, "late words")
	p.press(pane, "def")
	arrives("abcdef")

	p.press(pane, "\r~\x1a")
	arrives("abcdef\r")
	p.press(pane, "echo mine$((40+4))\r")
	p.wait(pane, "mine44")
	p.press(pane, "fg\r")
	p.wait(pane, "cat >") // the line of the job
	p.press(pane, "ghi")
	arrives("abcdef\rghi")

	c.lent(t, tty)
	syscall.Kill(viewer, syscall.SIGKILL)
	p.wait(pane, "Killed")
	p.press(pane, "echo mine$((40+5))\r")
	p.wait(pane, "mine45")
	sshtest.Eventually(t, "the terminal of a viewer that is gone is let go of", func() bool { return !c.holds(t, tty) })
	arrives("abcdef\rghi")
}

// TestALentTerminalComesBackBeforeItsViewerEnds in every way to leave: whoever
// has it next is not disturbed by output, of which the shell has much.
func TestALentTerminalComesBackBeforeItsViewerEnds(t *testing.T) {
	t.Parallel()
	server := sshtest.StartServer(t)
	for _, row := range []struct {
		name   string
		leave  func(p *console)
		status int
	}{
		{"~d", func(p *console) { io.WriteString(p.keys, "\r~d") }, 0},
		{"~.", func(p *console) { io.WriteString(p.keys, "\r~.") }, ours},
		{"the end of the shell", func(p *console) { io.WriteString(p.keys, "q") }, 7},
		{"SIGTERM", func(p *console) { p.cmd.Process.Signal(syscall.SIGTERM) }, 128 + int(syscall.SIGTERM)},
		{"SIGHUP", func(p *console) { p.cmd.Process.Signal(syscall.SIGHUP) }, 128 + int(syscall.SIGHUP)},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c := newClients(t, server)
			p := newConsole(t, c.sallyport("-t", sshtest.Alias, "stty raw -echo; echo up; (while echo words; do sleep 0.01; done) & head -c 1 >/dev/null; until test \"$(head -c 1)\" = q; do :; done; kill $!; exit 7"))
			p.wait("up")
			tty := p.name()
			c.lent(t, tty)
			p.press("k", "words")
			c.lent(t, tty)
			row.leave(p)
			got := p.ended()
			if c.holds(t, tty) {
				t.Error("the background process has the terminal when its viewer has ended")
			}
			if got != row.status {
				t.Errorf("it ended with %d, want %d: %q", got, row.status, p.since())
			}
		})
	}
}

// TestKeysArriveHoweverTheTerminalIsLent types escapes and what looks like some
// between other keys, in pieces.
func TestKeysArriveHoweverTheTerminalIsLent(t *testing.T) {
	t.Parallel()
	c := newClients(t, sshtest.StartServer(t))
	got := filepath.Join(t.TempDir(), "got")
	p := newConsole(t, c.sallyport("-t", sshtest.Alias, "stty raw -echo; echo up; tee "+got))
	p.wait("up")
	c.lent(t, p.name())
	dice := rand.New(rand.NewPCG(7, 7))
	var typed, want strings.Builder
	for range 400 {
		piece := [][2]string{
			{"a word ", "a word "}, {"~", "~"}, {"in~line", "in~line"}, {"\r", "\r"}, {"\r~~", "\r~"}, {"\r~x", "\r~x"}, {"\r~?", "\r"}, {"\r~B", "\r"}, {"é\n~~\n", "é\n~\n"},
		}[dice.IntN(9)]
		if piece[0] == "~" { // at the start of a line it would be another
			piece = [2]string{" ~", " ~"}
		}
		typed.WriteString(piece[0] + "-")
		want.WriteString(piece[1] + "-")
	}
	for rest := typed.String(); rest != ""; {
		n := min(len(rest), 1+dice.IntN(9))
		if _, err := io.WriteString(p.keys, rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	p.press("the end", "the end")
	want.WriteString("the end")
	if all, err := os.ReadFile(got); err != nil || string(all) != want.String() {
		t.Errorf("%q\narrived, %v; want\n%q", all, err, want.String())
	}
	c.lent(t, p.name())
}

// TestOutputComesWholeHoweverTheTerminalIsLent has keys pressed while it comes:
// each is an occasion to borrow the terminal, of which the flood is one to
// return it.
func TestOutputComesWholeHoweverTheTerminalIsLent(t *testing.T) {
	t.Parallel()
	c := newClients(t, sshtest.StartServer(t))
	const last = 60_000
	far := fmt.Sprintf("stty -echo -icanon; echo up; head -c 1 >/dev/null; (i=0; while test $i -lt 30; do seq $((i*%[1]d+1)) $((i*%[1]d+%[1]d)); sleep 0.01; i=$((i+1)); done; echo end) & cat >/dev/null", last/30)
	p := newConsole(t, c.sallyport("-t", sshtest.Alias, far))
	p.wait("up\r\n")
	c.lent(t, p.name())
	p.press("k", "1\r\n")
	sshtest.Eventually(t, "all has come", func() bool {
		io.WriteString(p.keys, "k")
		return strings.Contains(p.since(), "end\r\n")
	})
	var want strings.Builder
	for i := range last {
		want.WriteString(strconv.Itoa(i+1) + "\r\n")
	}
	want.WriteString("end\r\n")
	if got := p.since(); got != want.String() {
		at := 0
		for at < min(len(got), want.Len()) && got[at] == want.String()[at] {
			at++
		}
		t.Errorf("from byte %d of %d (%d came) on it is %q, want %q", at, want.Len(), len(got), got[at:min(len(got), at+60)], want.String()[at:min(want.Len(), at+60)])
	}
}

// TestALentTerminalThatTakesNothing is one that nobody reads. It holds up
// neither the shell's other viewer nor its own end.
func TestALentTerminalThatTakesNothing(t *testing.T) {
	t.Parallel()
	c := newClients(t, sshtest.StartServer(t))
	stuck := c.sallyport("-t", sshtest.Alias, "stty -echo -icanon; echo up; head -c 1 >/dev/null; seq 300000; echo end; cat >/dev/null")
	keys, err := pty.StartWithSize(stuck, &pty.Winsize{Rows: 30, Cols: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	defer stuck.Process.Kill()
	awaitWords(t, keys, new(bytes.Buffer), "up")
	tty, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/0", stuck.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	c.lent(t, tty)
	other := newConsole(t, c.sallyport("attach"))
	other.wait("up")
	c.lent(t, other.name())
	other.press("k", "300000\r\nend")
	stuck.Process.Kill()
	stuck.Wait()
	sshtest.Eventually(t, "its terminal is let go of", func() bool { return !c.holds(t, tty) })
}

// TestATerminalThatIsNotAllIsNotLent has its output go elsewhere.
func TestATerminalThatIsNotAllIsNotLent(t *testing.T) {
	t.Parallel()
	c := newClients(t, sshtest.StartServer(t))
	out := filepath.Join(t.TempDir(), "out")
	shell := exec.Command("sh", "-c", quoted(c.sallyport("-t", sshtest.Alias, "stty -echo; echo up; head -n 1").Args)+" >"+out)
	shell.Env = c.env
	p := newConsole(t, shell)
	shows := func(want string) {
		t.Helper()
		sshtest.Eventually(t, fmt.Sprintf("%q is written", want), func() bool {
			all, err := os.ReadFile(out)
			return err == nil && strings.Contains(string(all), want)
		})
	}
	shows("up\r\n")
	if c.holds(t, p.name()) {
		t.Error("the background process has a terminal on which nothing is shown")
	}
	io.WriteString(p.keys, "typed\r")
	shows("typed\r\n")
	if got := p.ended(); got != 0 || p.since() != "" {
		t.Errorf("it ended with %d, and the terminal shows %q", got, p.since())
	}
}
