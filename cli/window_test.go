//go:build linux

package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

// TestWindowsAreOpenedByTheirOwnCommands has programs in the place of each,
// which write down what they were called with, a word a line.
func TestWindowsAreOpenedByTheirOwnCommands(t *testing.T) {
	bin := t.TempDir()
	said := filepath.Join(bin, "said")
	for _, name := range []string{"tmux", "screen", "kitten", "wezterm", "wt"} {
		sshtest.Script(t, filepath.Join(bin, name), "printf '%s\\n' \"${0##*/}\" \"$@\" >"+said+"\n")
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	command := []string{"/bin/sallyport", "--hold", "--", "a;b #(x)"}
	const words = "/bin/sallyport\n--hold\n--\na;b #(x)\n"
	for _, row := range []struct {
		name string
		env  []string
		want string // "" where none can be opened
		says string
	}{
		{"in no program that has windows", nil, "", "none of tmux, screen, kitty, WezTerm and Windows Terminal"},
		{"tmux, whose formats are none in a title", []string{"TMUX"}, "tmux\nnew-window\n-n\na;b ##(x)\n--\n" + words, ""},
		{"screen", []string{"STY"}, "screen\n-t\na;b #(x)\n" + words, ""},
		{"tmux in a terminal with windows", []string{"TMUX", "KITTY_WINDOW_ID", "KITTY_LISTEN_ON"}, "tmux\nnew-window\n-n\na;b ##(x)\n--\n" + words, ""},
		{"kitty", []string{"KITTY_WINDOW_ID", "KITTY_LISTEN_ON"}, "kitten\n@\nlaunch\n--type=tab\n--tab-title=a;b #(x)\n--\n" + words, ""},
		{"kitty that takes no commands", []string{"KITTY_WINDOW_ID"}, "", "allow_remote_control"},
		{"WezTerm", []string{"WEZTERM_PANE"}, "wezterm\ncli\nspawn\n--\n" + words, ""},
		{"Windows Terminal, whose commands end at semicolons", []string{"WT_SESSION"}, "wt\n-w\n0\nnt\n--title\na\\;b #(x)\n/bin/sallyport\n--hold\n--\na\\;b #(x)\n", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			getenv := func(name string) string {
				for _, set := range row.env {
					if set == name {
						return "1"
					}
				}
				return ""
			}
			w := windowAround(getenv)
			if row.want == "" {
				if says := noWindow(getenv).Message; w != nil || !strings.Contains(says, row.says) {
					t.Errorf("there is %+v, and it says %q", w, says)
				}
				return
			}
			if err := w.open(t.Context(), "a;b #(x)", command); err != nil {
				t.Fatal(err)
			}
			got, _ := os.ReadFile(said)
			if diff := cmp.Diff(row.want, string(got)); diff != "" {
				t.Errorf("(-want +got) %s", diff)
			}
		})
	}
	sshtest.Script(t, filepath.Join(bin, "tmux"), "echo 'no server\033[2J' >&2; exit 1\n")
	if err := windows[0].open(t.Context(), "x", command); err == nil || err.Error() != `tmux opened no window: no server\x1b[2J` {
		t.Errorf("a program that opens none: %v", err)
	}
}

// TestAWindowHasAShell presses w in the screen, in a real tmux and a real
// screen(1), and finds the shell in another window of theirs.
func TestAWindowHasAShell(t *testing.T) {
	t.Parallel()
	t.Run("tmux", func(t *testing.T) {
		t.Parallel()
		server := sshtest.StartServer(t)
		p := newPanes(t, newClients(t, server))
		pane := p.open(100, 30)
		p.wait(pane, sshtest.Alias)
		p.wait(pane, " window")
		p.press(pane, "w")
		p.wait(pane, "in a window of its own")
		sshtest.Eventually(t, "a shell is looked at", func() bool {
			all := p.sessions(t)
			return len(all) == 1 && len(all[0].Viewers) == 1
		})
		p.press(":{end}", "echo $((6*7))\r")
		p.wait(":{end}", "\n42")
		if names := p.tmux("list-windows", "-F", "#{window_name}"); !strings.HasSuffix(names, "\n"+sshtest.Alias+"\n") {
			t.Errorf("the windows are called %q", names)
		}
		server.HangUp()
		p.wait(":{end}", "Enter closes this window.")
	})
	t.Run("screen", func(t *testing.T) {
		t.Parallel()
		c := newClients(t, sshtest.StartServer(t))
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o700); err != nil { // as screen(1) wants it
			t.Fatal(err)
		}
		cmd := exec.Command(sshtest.Program(t, "screen"), append([]string{"-c", "/dev/null", "-S", "w"}, c.sallyport().Args...)...)
		cmd.Env = append(c.env, "SCREENDIR="+dir, "LC_ALL=C.UTF-8")
		p := newConsole(t, cmd)
		t.Cleanup(func() {
			quit := exec.Command("screen", "-S", "w", "-X", "quit")
			quit.Env = cmd.Env
			quit.Run() // it may have ended
		})
		p.wait(" window")
		p.press("w", "# ")
		p.press("echo $((6*7))\r", "42")
		p.press("\x01\x01", "in a window of its own") // to the other window
	})
}
