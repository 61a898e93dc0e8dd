//go:build linux

package vt

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/internal/sshtest"
)

// otherwise are the sequences that tmux does otherwise than xterm, and how.
var otherwise = map[string]string{
	"a backspace at the edge goes to the last but one":  "the cursor is behind the last column",
	"CHA, HPA, VPA, HPR and VPR":                        "no HPR, no VPR",
	"IL moves down and goes to the first column":        "the column stays",
	"IL outside the region does nothing":                "it moves the whole screen",
	"CHT and CBT":                                       "no CHT",
	"half of a wide one that is overwritten is a blank": "the half stays",
	"erasing half of a wide one erases it":              "the half stays",
	"what is no UTF-8 is shown as such":                 "it is not shown",
	"LNM has a newline return":                          "no LNM",
	"DECSTR leaves the text":                            "no DECSTR",
}

// TestTmuxShowsTheSame feeds the same bytes to a pane of tmux and compares
// text, colours and attributes.
func TestTmuxShowsTheSame(t *testing.T) {
	tmux := newTmux(t)
	for _, tt := range sequences {
		if why := otherwise[tt.does]; why == "" {
			t.Run(tt.does, func(t *testing.T) { tmux.compare(t, tt.does, []byte(tt.written), 10, 5) })
		}
	}
	recordings, err := filepath.Glob("testdata/*.bytes")
	if err != nil || len(recordings) < 3 {
		t.Fatalf("%d recordings, %v", len(recordings), err)
	}
	for _, path := range recordings {
		written, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(path, func(t *testing.T) { tmux.compare(t, path, written, 80, 24) })
		s := New(80, 24)
		s.Write(written)
		if got := redrawn(s); got.state() != s.state() {
			t.Errorf("%s is redrawn otherwise", path)
		}
	}
}

type tmux struct{ program, socket, file string }

func newTmux(t *testing.T) tmux {
	program, dir := sshtest.Program(t, "tmux"), t.TempDir()
	tm := tmux{program, filepath.Join(dir, "tmux"), filepath.Join(dir, "written")}
	sshtest.Run(t, program, "-S", tm.socket, "-f", "/dev/null", "-u", "new-session", "-d", "-x", "80", "-y", "24", "cat")
	t.Cleanup(func() { exec.Command(program, "-S", tm.socket, "kill-server").Run() })
	for _, option := range []string{"status off", "remain-on-exit on", "allow-rename off"} {
		tm.run(t, append([]string{"set-option", "-g"}, strings.Fields(option)...)...)
	}
	return tm
}

func (tm tmux) run(t *testing.T, args ...string) string {
	t.Helper()
	return sshtest.Run(t, tm.program, append([]string{"-S", tm.socket}, args...)...)
}

// compare shows what is written in a pane. The pane's own text, which tmux
// writes with its colours, is read by the model.
func (tm tmux) compare(t *testing.T, does string, written []byte, cols, rows int) {
	t.Helper()
	if err := os.WriteFile(tm.file, written, 0o600); err != nil {
		t.Fatal(err)
	}
	ours := New(cols, rows)
	ours.Write(written)
	tm.run(t, "resize-window", "-x", fmt.Sprint(cols), "-y", fmt.Sprint(rows), ";", "respawn-pane", "-k", "stty raw -echo; cat '"+tm.file+"'; exec cat")
	x := ours.cursor.x
	if ours.cursor.pending {
		x++ // so tmux counts it
	}
	want := fmt.Sprintf("%d,%d\n%s", x, ours.cursor.y, ours.look())
	var got string
	defer func() {
		if t.Failed() {
			t.Logf("%s: tmux shows\n%s\nthe model\n%s", does, got, want)
		}
	}()
	sshtest.Eventually(t, does+": tmux shows the same", func() bool {
		place, text, _ := strings.Cut(tm.run(t, "display-message", "-p", "#{cursor_x},#{cursor_y}", ";", "capture-pane", "-p", "-e", "-N"), "\n")
		captured := New(cols+1, rows)            // a column more: no line wraps
		captured.Write([]byte("\x1b)0\x1b[20h")) // as tmux writes
		captured.Write([]byte(strings.TrimSuffix(text, "\n")))
		got = place + "\n" + captured.look()
		return got == want
	})
}

// look is what the screen shows, with its styles.
func (s *Screen) look() string {
	s.settle()
	var b strings.Builder
	for _, r := range s.grid() {
		cells := r.cells[:r.used()]
		fmt.Fprintf(&b, "%q\n", s.appendCells(nil, cells))
	}
	return b.String()
}
