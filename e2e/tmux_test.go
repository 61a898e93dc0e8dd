//go:build linux

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// pane is a terminal in which a program of the client runs: what a person
// would see and type.
type pane struct {
	t      *testing.T
	c      *client
	socket string
	number int
}

// pane opens a terminal of this size with a program in it. The terminal stays
// when the program ends.
func (c *client) pane(t *testing.T, cols, rows int, argv ...string) *pane {
	t.Helper()
	number := int(ports.Add(1))
	p := &pane{t: t, c: c, socket: fmt.Sprintf("/run/tmux-%d", number), number: number}
	tmux := []string{
		"tmux", "-u", "-f", "/dev/null", "-S", p.socket,
		"start-server", ";", "set-option", "-g", "remain-on-exit", "on", ";",
		"set-option", "-g", "status", "off", ";", "set-option", "-g", "default-terminal", "tmux-256color", ";",
		"set-option", "-sg", "escape-time", "0", ";", "set-option", "-g", "history-limit", "5000", ";",
		"new-session", "-d", "-x", strconv.Itoa(cols), "-y", strconv.Itoa(rows), "--",
	}
	// tmux 3.3 now and then forgets the status of a program that has ended.
	keep := []string{"sh", "-c", `trap : INT; "$@"; echo $? >` + p.status() + `.new; mv ` + p.status() + `.new ` + p.status(), "sh"}
	if out, err := c.command(slices.Concat(tmux, keep, c.resolve(argv))...).CombinedOutput(); err != nil {
		t.Fatalf("tmux: %v: %s", err, out)
	}
	t.Cleanup(p.close)
	return p
}

// status is the file that gets the exit status of the program.
func (p *pane) status() string { return p.socket + ".status" }

// close ends the terminal and what runs in it.
func (p *pane) close() {
	if p.t.Failed() {
		if out, err := p.try("capture-pane", "-p"); err == nil {
			p.t.Logf("the terminal shows at the end:\n%s", framed(out))
		}
	}
	_, _ = p.try("kill-server") // a server without a session has ended by itself
}

// try sends a command to tmux, from here, through the client's file system.
func (p *pane) try(args ...string) (string, error) {
	cmd := exec.Command("tmux", append([]string{"-u", "-S", p.c.path(p.socket)}, args...)...)
	cmd.Env = append(environment(), "TMUX=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("tmux %q: %w: %s", args, err, out)
	}
	return string(out), nil
}

func (p *pane) tmux(args ...string) string {
	p.t.Helper()
	out, err := p.try(args...)
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

// keys presses keys by tmux's names: "Enter", "C-c", "Escape", "t".
func (p *pane) keys(keys ...string) {
	p.t.Helper()
	p.tmux(append([]string{"send-keys", "--"}, keys...)...)
}

// text types text as it stands.
func (p *pane) text(s string) {
	p.t.Helper()
	p.tmux("send-keys", "-l", "--", s)
}

// line types text and Enter.
func (p *pane) line(s string) {
	p.t.Helper()
	p.text(s)
	p.keys("Enter")
}

// bytes sends bytes that need not be text.
func (p *pane) bytes(b ...byte) {
	p.t.Helper()
	args := []string{"send-keys", "-H"}
	for _, c := range b {
		args = append(args, strconv.FormatUint(uint64(c), 16))
	}
	p.tmux(args...)
}

// resize changes the size of the terminal.
func (p *pane) resize(cols, rows int) {
	p.t.Helper()
	p.tmux("resize-window", "-x", strconv.Itoa(cols), "-y", strconv.Itoa(rows))
}

// screen is what the terminal shows.
func (p *pane) screen() string {
	p.t.Helper()
	return p.tmux("capture-pane", "-p")
}

// wait waits until the terminal shows something that matches the pattern, and
// returns what matched first, with its groups.
func (p *pane) wait(pattern string) []string {
	p.t.Helper()
	found, ok := p.waitFor(pattern, patience)
	if !ok {
		p.t.Fatalf("waited in vain for %q (program ended: %v); the terminal shows:\n%s", pattern, p.dead(), framed(p.screen()))
	}
	return found
}

func (p *pane) waitFor(pattern string, limit time.Duration) ([]string, bool) {
	p.t.Helper()
	re := regexp.MustCompile("(?m)" + pattern)
	for deadline := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		// Asked first: what is shown once the program has ended stays.
		dead := p.dead()
		if found := re.FindStringSubmatch(p.screen()); found != nil {
			return found, true
		}
		if dead || time.Now().After(deadline) {
			return nil, false
		}
	}
}

// waitGone waits until nothing on the terminal matches the pattern.
func (p *pane) waitGone(pattern string) {
	p.t.Helper()
	re := regexp.MustCompile("(?m)" + pattern)
	p.until(fmt.Sprintf("%q is gone", pattern), func() bool { return !re.MatchString(p.screen()) })
}

// dead tells whether the program has ended.
func (p *pane) dead() bool {
	p.t.Helper()
	return strings.TrimSpace(p.tmux("display-message", "-p", "#{pane_dead}")) == "1"
}

// ended waits for the end of the program and returns its exit status.
func (p *pane) ended() int {
	p.t.Helper()
	var status string
	p.until("the program has ended with a status", func() bool {
		text, err := os.ReadFile(p.c.path(p.status()))
		status = strings.TrimSpace(string(text))
		return err == nil
	})
	n, err := strconv.Atoi(status)
	if err != nil {
		p.t.Fatalf("the program ended with the status %q", status)
	}
	return n
}

func (p *pane) until(what string, holds func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("waited %v in vain until %s; the terminal shows:\n%s", patience, what, framed(p.screen()))
		}
	}
}

// framed marks the edges of a screen in a log.
func framed(screen string) string {
	return "  | " + strings.ReplaceAll(strings.TrimRight(screen, "\n"), "\n", "\n  | ")
}
