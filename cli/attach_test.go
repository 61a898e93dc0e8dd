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

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"

	"sallyport/api"
	"sallyport/internal/sshtest"
)

// panes are a tmux of a test's own, whose windows are the terminals of
// viewers.
type panes struct {
	t *testing.T
	clients
	program, socket string
}

func newPanes(t *testing.T, c clients) panes {
	p := panes{t, c, sshtest.Program(t, "tmux"), filepath.Join(t.TempDir(), "tmux")}
	first := exec.Command(p.program, "-S", p.socket, "-f", "/dev/null", "-u", "new-session", "-d", "-x", "80", "-y", "24", "cat")
	first.Env = c.env
	if out, err := first.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command(p.program, "-S", p.socket, "kill-server").Run() })
	p.tmux("set-option", "-g", "status", "off", ";", "set-option", "-g", "remain-on-exit", "on")
	return p
}

func (p panes) tmux(args ...string) string {
	p.t.Helper()
	return sshtest.Run(p.t, p.program, append([]string{"-S", p.socket}, args...)...)
}

// open makes a window for a command line of ours, and returns its target. It
// has its size from the start: one that grows afterwards has tmux fill it from
// what had scrolled out of it.
func (p panes) open(cols, rows int, args ...string) string {
	p.t.Helper()
	return p.run(cols, rows, p.sallyport(args...).Args...)
}

// run makes a window for any program.
func (p panes) run(cols, rows int, argv ...string) string {
	p.t.Helper()
	size := []string{"set-option", "default-size", fmt.Sprintf("%dx%d", cols, rows), ";"}
	return strings.TrimSpace(p.tmux(slices.Concat(size, []string{"new-window", "-d", "-P", "-F", "#{pane_id}"}, argv)...))
}

func (p panes) resize(pane string, cols, rows int) {
	p.tmux("resize-window", "-t", pane, "-x", strconv.Itoa(cols), "-y", strconv.Itoa(rows))
}

// shows is all that a pane shows, with colours and where the cursor is, if it
// is shown.
func (p panes) shows(pane string) string {
	return p.tmux("capture-pane", "-p", "-e", "-t", pane, ";", "display-message", "-p", "-t", pane,
		"cursor #{?cursor_flag,#{cursor_x} #{cursor_y},hidden} alternate #{alternate_on} keys #{keypad_cursor_flag} keypad #{keypad_flag} insert #{insert_flag} mouse #{mouse_any_flag} region #{scroll_region_upper}-#{scroll_region_lower}")
}

func (p panes) wait(pane, text string) {
	p.t.Helper()
	defer func() {
		if p.t.Failed() {
			p.t.Logf("the pane shows\n%s", p.shows(pane))
		}
	}()
	sshtest.Eventually(p.t, fmt.Sprintf("%q is shown", text), func() bool { return strings.Contains(p.shows(pane), text) })
}

func (p panes) press(pane, keys string) { p.tmux("send-keys", "-t", pane, "-l", keys) }

// same waits until two panes show the same.
func (p panes) same(what, pane, twin string) {
	p.t.Helper()
	var got, want string
	defer func() {
		if p.t.Failed() {
			p.t.Logf("%s (-twin +attached): %s", what, cmp.Diff(want, got))
		}
	}()
	sshtest.Eventually(p.t, what+": both show the same", func() bool {
		got, want = p.shows(pane), p.shows(twin)
		return got == want
	})
}

// sessions are those that "sallyport sessions --json" lists.
func (c clients) sessions(t *testing.T) (all []api.Session) {
	t.Helper()
	out, err := c.sallyport("sessions", "--json").Output()
	if err == nil {
		err = json.Unmarshal(out, &all)
	}
	if err != nil {
		t.Fatalf("sessions: %v: %s", err, out)
	}
	return all
}

// detached waits until nobody looks at a session.
func (c clients) detached(t *testing.T, name string) {
	t.Helper()
	sshtest.Eventually(t, name+" is detached", func() bool {
		for _, s := range c.sessions(t) {
			if s.Name == name {
				return len(s.Viewers) == 0 && s.State == api.SessionRunning
			}
		}
		return false
	})
}

// noSession waits until none is listed.
func (c clients) noSession(t *testing.T, after string) {
	t.Helper()
	sshtest.Eventually(t, "after "+after+" no session is listed", func() bool { return len(c.sessions(t)) == 0 })
}

// TestShellsAreAsTheyWere leaves programs in several ways, comes back at the
// same and at another size, and compares with a twin that was never left.
func TestShellsAreAsTheyWere(t *testing.T) {
	t.Parallel()
	server := sshtest.StartServer(t)
	var text strings.Builder
	for i := range 60 {
		fmt.Fprintf(&text, "line %d of sixty, so long that it takes two rows of a narrow window: 日本語 é\n", i)
	}
	server.Write(t, "text", text.String())
	for _, name := range []string{"vim", "less", "mc", "emacs"} {
		sshtest.Program(t, name)
	}
	// mc would show a hint by chance, and how full the disk is by now. It shows when
	// the directory above its home was changed, which is one that nobody changes.
	commander := server.Path(filepath.Join("mc", "home", ".config", "mc"))
	if err := os.MkdirAll(commander, 0o700); err != nil {
		t.Fatal(err)
	}
	server.Write(t, "mc/home/.config/mc/ini", "[Layout]\nmessage_visible=0\nfree_space=false\n")
	t.Cleanup(func() { leftAlone(t, server.Path("mc/home")) }) // it writes its history when it ends
	for _, row := range []struct {
		name, command, ready string
		keys                 []string // and what they have shown, in turns
		then                 string   // is typed after coming back
		shows                string
		history              string // of the window that has come back
		leave                func(p panes, pane string)
	}{
		{"bash with half a line", "LC_ALL=C.UTF-8 bash --norc --noprofile", "bash-",
			[]string{"seq 100\r", "100\nbash-", "printf '\\033[1;38;2;9;99;200mblue\\033[m\\n'\r", "49mbash-", "echo half a line", "half a line"}, " whole\r", "half a line whole\n", "# seq 100\n1\n2\n3\n", panes.kill},
		{"vim", "LC_ALL=C.UTF-8 vim -u NONE -N -n " + server.Path("text"), "line 0", []string{":set number\r:split\r5jiunsaved é", "unsaved é"}, " text", "unsaved é text", "", panes.closeWindow},
		{"less", "LC_ALL=C.UTF-8 less " + server.Path("text"), "line 0", []string{" ", "line 40", "k/line 3\r", "line 50"}, "k", "line 29", "", panes.kill},
		{"mc", "cd " + server.Path("mc/home") + " && LC_ALL=C.UTF-8 HOME=$PWD mc -u -d", ".config", []string{"\x0ehalf a line", "half a line"}, " whole", "half a line whole", "", panes.kill},
		// Of two that edit one file, without their locks neither asks.
		{"emacs", "LC_ALL=C.UTF-8 emacs -nw -Q --eval '(setq create-lockfiles nil auto-save-default nil)' " + server.Path("text"), "line 0",
			[]string{"\x182\x18o\x1b>", "Bot", "unsaved é", "unsaved é"}, " text", "unsaved é text", "", panes.closeWindow},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c := newClients(t, server)
			p := newPanes(t, c)
			pane := p.open(80, 24, "-t", sshtest.Alias, row.command)
			p.wait(pane, row.ready)
			twin := p.open(80, 24, "-t", sshtest.Alias, row.command)
			p.wait(twin, row.ready)
			for i := 0; i < len(row.keys); i += 2 {
				for _, in := range []string{pane, twin} {
					p.press(in, row.keys[i])
					p.wait(in, row.keys[i+1]) // a shell that is busy would echo what comes next at once
				}
			}
			p.same("before", pane, twin)

			row.leave(p, pane)
			c.detached(t, sshtest.Alias)
			pane = p.open(80, 24, "attach", sshtest.Alias)
			p.same("at the same size", pane, twin)
			if history := p.tmux("capture-pane", "-p", "-t", pane, "-S", "-"); !strings.Contains(history, row.history) {
				t.Errorf("the window's history has not %q: %q", row.history, history)
			}
			p.press(pane, row.then)
			p.press(twin, row.then)
			p.wait(pane, strings.TrimSuffix(row.shows, "\n"))
			p.same("going on", pane, twin)

			row.leave(p, pane)
			c.detached(t, sshtest.Alias)
			p.resize(twin, 100, 30)
			pane = p.open(100, 30, "attach", sshtest.Alias)
			p.same("at another size", pane, twin)
		})
	}
}

// leftAlone waits until no process works in a directory.
func leftAlone(t *testing.T, dir string) {
	t.Helper()
	sshtest.Eventually(t, "nobody works in "+dir, func() bool {
		processes, err := filepath.Glob("/proc/[0-9]*/cwd")
		return err == nil && !slices.ContainsFunc(processes, func(p string) bool {
			at, err := os.Readlink(p)
			return err == nil && at == dir
		})
	})
}

// TestScreensOfTheirOwnAreAsTheyWere leaves programs whose screens are like no
// other's: with the time in them. What they show is what they showed; at
// another size it is what they show to somebody who has changed his window.
func TestScreensOfTheirOwnAreAsTheyWere(t *testing.T) {
	t.Parallel()
	server := sshtest.StartServer(t)
	server.Write(t, "bars", bars())
	for _, row := range []struct{ name, program, command, ready, key, shows string }{
		{"top", "top", "LC_ALL=C.UTF-8 top -d 1000", "PID", "", ""},
		// It paints once more right after the first time, before it takes a key.
		{"htop", "htop", "LC_ALL=C.UTF-8 HOME=" + server.Path("") + " htop -d 1000", "PID", "t", "mList "},
		{"text of all widths in all colours", "cat", "cat " + server.Path("bars") + "; stty -echo; cat", "the end", "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			sshtest.Program(t, row.program)
			c := newClients(t, server)
			p := newPanes(t, c)
			pane := p.open(80, 24, "-t", sshtest.Alias, row.command)
			p.wait(pane, row.ready)
			if row.key != "" {
				p.press(pane, row.key)
				p.wait(pane, row.shows)
			}
			before := p.settled(pane)

			p.kill(pane)
			c.detached(t, sshtest.Alias)
			pane = p.open(80, 24, "attach", sshtest.Alias)
			p.wait(pane, row.ready)
			if diff := cmp.Diff(before, p.settled(pane)); diff != "" {
				t.Errorf("at the same size (-before +attached): %s", diff)
			}

			twin := p.open(100, 30, "attach", sshtest.Alias)
			p.wait(twin, row.ready)
			p.closeWindow(pane)
			sshtest.Eventually(t, "the larger one gives the size", func() bool { return c.sessions(t)[0].Size.Cols == 100 })
			p.settled(twin)
			p.closeWindow(twin)
			c.detached(t, sshtest.Alias)
			first := p.open(100, 30, "attach", sshtest.Alias)
			p.wait(first, row.ready)
			second := p.open(100, 30, "attach", "--read-only", sshtest.Alias)
			p.same("at another size", second, first)
		})
	}
}

// bars are text of one and two columns, combined and joined characters, the
// attributes, and bars of direct colours, over the edge of a narrow window.
func bars() string {
	var b strings.Builder
	b.WriteString("\x1b[1mbold\x1b[m \x1b[3mitalic\x1b[m \x1b[4:3;58:2::255:0:0mcurly\x1b[m \x1b[7minverse\x1b[m \x1b[9mstruck\x1b[m\n")
	b.WriteString("日本語のテキスト 한국어 e\u0301 n\u0303 🚀🎉 ├──┤\n")
	for y := range 8 {
		for x := range 90 {
			fmt.Fprintf(&b, "\x1b[38;2;%d;%d;99;48;2;%d;20;%dm▀", x*2, y*30, y*30, x*2)
		}
		b.WriteString("\x1b[m\n")
	}
	b.WriteString(strings.Repeat("あ", 45) + "\nthe end")
	return b.String()
}

// settled is what a pane shows once it shows the same twice.
func (p panes) settled(pane string) (now string) {
	p.t.Helper()
	sshtest.Eventually(p.t, "the pane shows the same twice", func() bool {
		last := now
		now = p.shows(pane)
		return now == last
	})
	return now
}

// kill kills the viewer in a pane.
func (p panes) kill(pane string) {
	pid, err := strconv.Atoi(strings.TrimSpace(p.tmux("display-message", "-p", "-t", pane, "#{pane_pid}")))
	if err != nil {
		p.t.Fatal(err)
	}
	syscall.Kill(pid, syscall.SIGKILL)
}

// closeWindow takes the terminal away.
func (p panes) closeWindow(pane string) { p.tmux("kill-pane", "-t", pane) }

func TestShellIsLeftAndComeBackTo(t *testing.T) {
	t.Parallel()
	c := newClients(t, sshtest.StartServer(t))
	p := newConsole(t, c.sallyport("-t", sshtest.Alias, "stty -echo; echo up; while read line; do echo \"<$line>\"; test \"$line\" = end && exit 7; done"))
	p.wait("up\r\n")
	p.press("one\r", "<one>")
	p.press("~d", "to come back: sallyport attach "+sshtest.Alias)
	if got := p.ended(); got != 0 {
		t.Errorf("detaching ended with %d", got)
	}
	c.detached(t, sshtest.Alias)

	watcher := newConsole(t, c.sallyport("attach", "--read-only"))
	watcher.wait("<one>")
	watcher.press("no\r", "")
	back := newConsole(t, c.sallyport("attach", sshtest.Alias))
	back.wait("<one>")
	back.press("two\r", "<two>")
	watcher.wait("<two>")
	if strings.Contains(back.since(), "<no>") {
		t.Error("who may only look has typed")
	}
	all := c.sessions(t)
	if len(all) != 1 || len(all[0].Viewers) != 2 || !all[0].Viewers[0].ReadOnly || all[0].Viewers[1].PID != back.cmd.Process.Pid {
		t.Errorf("sessions --json says %+v", all)
	}
	if out, err := c.sallyport("daemon", "restart").CombinedOutput(); err == nil || !strings.Contains(string(out), "--end-shells") {
		t.Errorf("daemon restart with a shell open: %v: %s", err, out)
	}
	back.press("~d", "to come back")
	back.ended()
	back = newConsole(t, c.sallyport("attach", sshtest.Alias))
	back.wait("<two>")
	back.press("end\r", "<end>")
	if got := back.ended(); got != 7 {
		t.Errorf("the end of the shell ended its viewer with %d, want 7", got)
	}
	watcher.ended()
	c.noSession(t, "its end, which was seen")
}

func TestEndedShellShowsItsLastScreen(t *testing.T) {
	t.Parallel()
	server := sshtest.StartServer(t)
	c := newClients(t, server)
	p := newConsole(t, c.sallyport("-t", sshtest.Alias, "printf '\\033[?1049h\\033[Hlast words'; cat"))
	p.wait("last words")
	p.cmd.Process.Kill()
	p.ended()
	c.detached(t, sshtest.Alias)
	server.KillSessions()
	sshtest.Eventually(t, "it has ended", func() bool {
		all := c.sessions(t)
		return len(all) == 1 && all[0].State == api.SessionEnded
	})
	back := newConsole(t, c.sallyport("attach"))
	back.wait("last words")
	back.wait("sallyport: ") // how it ended
	back.wait("to see its last screen again: sallyport attach " + sshtest.Alias + "\r\n")
	if got := back.ended(); got != ours {
		t.Errorf("its viewer ended with %d", got)
	}
	if out, err := c.sallyport("sessions", "close", sshtest.Alias).CombinedOutput(); err != nil {
		t.Errorf("sessions close: %v: %s", err, out)
	}
	c.noSession(t, "it was dismissed")
}

// TestAShellThatIsLostSaysHowToKeepTheNext is what one sees who looks at it.
func TestAShellThatIsLostSaysHowToKeepTheNext(t *testing.T) {
	t.Parallel()
	server := sshtest.StartServer(t)
	c := newClients(t, server)
	p := newConsole(t, c.sallyport(sshtest.Alias))
	p.press("echo is$((1))here\r", "is1here")
	server.KillSessions()
	p.wait("to see its last screen again: sallyport attach " + sshtest.Alias + "\r\n")
	p.wait("without its connection: sallyport ")
	p.wait(sshtest.Alias + " --keep\r\n")
	if got := p.ended(); got != ours {
		t.Errorf("the lost shell ended its viewer with %d", got)
	}
}

// TestQuestionsOfADetachedShellAreAnswered as the last viewer's terminal
// answered them.
func TestQuestionsOfADetachedShellAreAnswered(t *testing.T) {
	t.Parallel()
	c := newClients(t, sshtest.StartServer(t))
	now := filepath.Join(t.TempDir(), "now")
	answered := now + ".answered"
	p := newConsole(t, c.sallyport("-t", sshtest.Alias, `stty raw -echo; printf '\033[>c'; head -c 9 | od -An -c; `+
		`until test -e `+now+`; do sleep 0.05; done; printf '\033[>c'; head -c 9 | od -An -c; printf '\033[2;3H\033[6n'; head -c 6 | tr '\033' '^'; touch `+answered+`; cat`))
	p.wait("\x1b[>c")
	p.press("\x1b[>7;8;9c", "7   ;   8   ;   9   c")
	p.cmd.Process.Kill()
	p.ended()
	c.detached(t, sshtest.Alias)
	if err := os.WriteFile(now, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	sshtest.Eventually(t, "it is answered while nobody looks", func() bool {
		_, err := os.Stat(answered)
		return err == nil
	})
	back := newConsole(t, c.sallyport("attach"))
	back.wait("^[2;3R")
	if n := strings.Count(back.since(), "7   ;   8   ;   9   c"); n != 2 {
		t.Errorf("the answer came %d times, want it from the terminal and then without one", n)
	}
}

// TestWhatAViewerLentStaysWithTheShell kills the viewer that a shell was opened
// from. Its agent and its display are lent by the background process, so that
// programs there go on; the shell outlives the agent as well.
func TestWhatAViewerLentStaysWithTheShell(t *testing.T) {
	t.Parallel()
	server := sshtest.StartServer(t, "X11Forwarding yes")
	server.Write(t, ".Xauthority", "")
	c := newClients(t, server)
	alone := c
	socket := sshtest.Agent(t, server.Path("id"))
	display, authority := sshtest.XServer(t)
	alone.env = append(slices.Clone(c.env), "SSH_AUTH_SOCK=", "DISPLAY=")
	c.env = append(slices.Clone(c.env), "SSH_AUTH_SOCK="+socket, "DISPLAY="+display, "XAUTHORITY="+authority)

	p := newConsole(t, c.sallyport("-t", "-A", "-Y", sshtest.Alias, "stty -echo; echo up; while read line; do eval \"$line\"; done"))
	p.wait("up\r\n")
	p.cmd.Process.Kill()
	p.ended()
	c.detached(t, sshtest.Alias)
	back := newConsole(t, alone.sallyport("attach"))
	back.wait("up\r\n")
	back.press("ssh-add -l\r", "(ED25519)")
	back.press("xdpyinfo | grep 'version number'\r", "version number:")
	if err := os.Remove(socket); err != nil {
		t.Fatal(err)
	}
	back.press("ssh-add -l || echo the shell is there\r", "the shell is there\r\n")
}

func TestShellsEndOnRequest(t *testing.T) {
	t.Parallel()
	c := newClients(t, sshtest.StartServer(t))
	open := func() *console {
		p := newConsole(t, c.sallyport("-t", sshtest.Alias, "echo up; cat"))
		p.wait("up\r\n")
		return p
	}
	p := open()
	p.press("\r~.", "closed.")
	p.ended()
	c.noSession(t, "~.")

	p = open()
	p.press("\r~d", "to come back")
	p.ended()
	if out, err := c.sallyport("daemon", "restart", "--end-shells").CombinedOutput(); err != nil {
		t.Errorf("daemon restart --end-shells: %v: %s", err, out)
	}
	c.noSession(t, "daemon restart --end-shells")

	p, second := open(), open()
	stop := newConsole(t, c.sallyport("daemon", "stop"))
	stop.wait(fmt.Sprintf("2 shells end (%q, %q) with the background process. Stop it? [y/N] ", sshtest.Alias, sshtest.Alias+"-2"))
	stop.press("\r", "nothing was changed")
	stop.ended()
	if all := c.sessions(t); len(all) != 2 || all[1].Name != sshtest.Alias+"-2" {
		t.Errorf("of two shells the second is not called -2: %+v", all)
	}
	if out, err := c.sallyport("sessions", "close", sshtest.Alias+"-2").CombinedOutput(); err != nil {
		t.Errorf("sessions close: %v: %s", err, out)
	}
	if got := second.ended(); got != ours {
		t.Errorf("the viewer of a shell that was closed ended with %d", got)
	}
	stop = newConsole(t, c.sallyport("daemon", "stop"))
	stop.wait("The shell " + strconv.Quote(sshtest.Alias) + " ends")
	stop.press("y\r", "")
	if got := stop.ended(); got != 0 {
		t.Errorf("daemon stop that was agreed to ended with %d", got)
	}
	p.ended()
	c.noSession(t, "daemon stop")
}

func TestSmallestViewerGivesTheSize(t *testing.T) {
	t.Parallel()
	c := newClients(t, sshtest.StartServer(t))
	p := newConsole(t, c.sallyport("-t", sshtest.Alias, "stty -echo; echo up; while read x; do stty size; done"))
	p.wait("up")
	p.press("\r", "30 100")
	small := newConsole(t, c.sallyport("attach"))
	small.wait("30 100")
	pty.Setsize(small.keys, &pty.Winsize{Rows: 20, Cols: 90})
	sshtest.Eventually(t, "the shell has the smaller size", func() bool { return c.sessions(t)[0].Size.Rows == 20 })
	p.press("\r", "20 90")
	io.WriteString(small.keys, "~d")
	small.ended()
	p.press("\r", "30 100")
}

// TestAKilledScreenLeavesItsShell kills the full-screen list while a shell of
// its own has the terminal.
func TestAKilledScreenLeavesItsShell(t *testing.T) {
	t.Parallel()
	c := newClients(t, sshtest.StartServer(t))
	p := newConsole(t, c.sallyport())
	p.wait(sshtest.Alias)
	p.press("\r", "\x1b[?1049l")
	sshtest.Eventually(t, "the shell is open", func() bool {
		all := c.sessions(t)
		return len(all) == 1 && len(all[0].Viewers) == 1
	})
	p.press("echo $((40+2))\r", "42")
	p.cmd.Process.Kill()
	p.ended()
	c.detached(t, sshtest.Alias)
	back := newConsole(t, c.sallyport("attach"))
	back.wait("42")
	back.press("exit 5\r", "exit 5")
	if got := back.ended(); got != 5 {
		t.Errorf("the shell ended with %d", got)
	}
}

// TestShellsAreLogged with the flag after the host, as ssh has its flags.
func TestShellsAreLogged(t *testing.T) {
	t.Parallel()
	asciinema := sshtest.Program(t, "asciinema")
	c := newClients(t, sshtest.StartServer(t))
	dir := t.TempDir()
	cast := filepath.Join(dir, "log.cast")
	line := []string{"-t", sshtest.Alias, "--log", "log.cast", "stty -echo; echo '日本 up'; read x; echo done"}
	logged := c.sallyport(line...)
	logged.Dir = dir
	p := newConsole(t, logged)
	p.wait("what this shell shows is written to " + cast + "\r\n")
	p.wait("up")
	other := newConsole(t, c.sallyport("attach", "--read-only"))
	other.wait("what this shell shows is written to " + cast + "\r\n")
	if all := c.sessions(t); len(all) != 1 || all[0].Recorded == nil || all[0].Recorded.Path != cast {
		t.Errorf("sessions --json says %+v", all)
	}
	if out, _ := c.sallyport("sessions").Output(); !strings.Contains(string(out), "● log "+cast) {
		t.Errorf("sessions does not say that it is logged: %s", out)
	}
	p.press("\r", "done")
	p.ended()
	c.noSession(t, "its end")

	play := exec.Command(asciinema, "cat", cast)
	play.Env = append(c.env, "LC_ALL=C.UTF-8", "HOME="+t.TempDir())
	played := newConsole(t, play)
	played.wait("日本 up\r\ndone\r\n")
	played.ended()

	again := c.sallyport(line...)
	again.Dir = dir
	p = newConsole(t, again)
	p.wait("exists, and is left as it is")
	if got := p.ended(); got != ours {
		t.Errorf("a log that exists ended it with %d", got)
	}
	if out, err := c.sallyport("--log", filepath.Join(dir, "new"), sshtest.Alias, "echo up").CombinedOutput(); err == nil || !strings.Contains(string(out), "with a terminal") {
		t.Errorf("a log without a terminal: %v: %s", err, out)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) != 1 {
		t.Errorf("there are %q", names)
	}
}
