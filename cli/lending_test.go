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
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/term"

	"sallyport/internal/sshtest"
)

// background is the process ID of the background process.
func (c clients) background(t *testing.T) int {
	t.Helper()
	out, err := c.sallyport("daemon", "status", "--json").Output()
	var status struct{ PID int }
	if err == nil {
		err = json.Unmarshal(out, &status)
	}
	if err != nil {
		t.Fatalf("daemon status: %v: %s", err, out)
	}
	return status.PID
}

// holds tells whether a process has a terminal open.
func holds(t *testing.T, pid int, tty string) bool {
	t.Helper()
	all, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil || len(all) == 0 {
		t.Fatalf("process %d has the descriptors %q, %v", pid, all, err)
	}
	return slices.ContainsFunc(all, func(fd string) bool {
		at, err := os.Readlink(fd)
		return err == nil && at == tty
	})
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

// lent waits until a terminal is open in the background process.
func lent(t *testing.T, background int, tty string) {
	t.Helper()
	sshtest.Eventually(t, tty+" is lent", func() bool { return holds(t, background, tty) })
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
	far := "stty raw -echo; printf 'is%s\\r\\n' up; (until test -e " + late + "; do sleep 0.05; done; printf '\\r\\nla%s words\\r\\n' te) & cat >" + got
	pane := p.run(400, 24, sshtest.Program(t, "bash"), "--norc", "--noprofile")
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
	p.wait(pane, "isup")
	background := c.background(t)
	lent(t, background, tty)
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
	p.press(pane, "ghi")
	arrives("abcdef\rghi")

	lent(t, background, tty)
	syscall.Kill(viewer, syscall.SIGKILL)
	sshtest.Eventually(t, "the viewer is dead", func() bool {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", viewer))
		return err != nil || strings.Contains(string(line), ") Z ")
	})
	p.press(pane, "echo mine$((40+5))\r") // nobody else reads it
	p.wait(pane, "mine45")
	sshtest.Eventually(t, "the terminal of a viewer that is gone is let go of", func() bool { return !holds(t, background, tty) })
	arrives("abcdef\rghi")
}

// TestATerminalIsLentAfterTheLastKey however keys and what is asked for the
// terminal meet: whoever asks is refused only when another offer comes.
func TestATerminalIsLentAfterTheLastKey(t *testing.T) {
	keys, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	defer tty.Close()
	if _, err := term.MakeRaw(int(tty.Fd())); err != nil {
		t.Fatal(err)
	}
	woken, wake, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer wake.Close()
	terminal := &terminal{fd: int(tty.Fd())}
	if terminal.stop, terminal.wake, err = os.Pipe(); err != nil {
		t.Fatal(err)
	}
	in := newEscapes(nil, '~', nil)
	offers := make(chan struct{}, 1000)
	l := &lending{term: terminal, escapes: in, woken: woken, wake: wake, offer: func() { offers <- struct{}{} }}
	l.changed = sync.NewCond(&l.mu)
	in.r = l
	read := make(chan int, 1000)
	go func() {
		for p := make([]byte, 8); ; {
			n, err := in.Read(p)
			if err != nil {
				close(read)
				return
			}
			read <- n
		}
	}()
	dice := rand.New(rand.NewPCG(7, 7))
	for range 2000 {
		<-offers
		keys.Write([]byte("k"))
		for range dice.IntN(2000) { // Lend comes before, while and after it is read
			runtime.Gosched()
		}
		for !l.Lend().Lent { // an offer that is refused is followed by another
			<-offers
		}
		l.Return(false, []byte("r"))
		for came := 0; came < 2; {
			came += <-read
		}
	}
	terminal.wake.Close()
	for range read {
		t.Error("more was read than was typed")
	}
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
		{"SIGTERM", func(p *console) { p.cmd.Process.Signal(syscall.SIGTERM) }, ours},
		{"SIGHUP", func(p *console) { p.cmd.Process.Signal(syscall.SIGHUP) }, ours},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c := newClients(t, server)
			p := newConsole(t, c.sallyport("-t", sshtest.Alias, "stty raw -echo; echo up; (while echo words; do sleep 0.01; done) & head -c 1 >/dev/null; until test \"$(head -c 1)\" = q; do :; done; kill $!; exit 7"))
			p.wait("up")
			tty, background := p.name(), c.background(t)
			lent(t, background, tty)
			p.press("k", "words")
			lent(t, background, tty)
			row.leave(p)
			got := p.ended()
			if holds(t, background, tty) {
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
	background := c.background(t)
	lent(t, background, p.name())
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
	lent(t, background, p.name())
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
	background := c.background(t)
	lent(t, background, p.name())
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
	background := c.background(t)
	lent(t, background, tty)
	other := newConsole(t, c.sallyport("attach"))
	other.wait("up")
	lent(t, background, other.name())
	other.press("k", "300000\r\nend")
	stuck.Process.Kill()
	stuck.Wait()
	sshtest.Eventually(t, "its terminal is let go of", func() bool { return !holds(t, background, tty) })
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
	if holds(t, c.background(t), p.name()) {
		t.Error("the background process has a terminal on which nothing is shown")
	}
	io.WriteString(p.keys, "typed\r")
	shows("typed\r\n")
	if got := p.ended(); got != 0 || p.since() != "" {
		t.Errorf("it ended with %d, and the terminal shows %q", got, p.since())
	}
}
