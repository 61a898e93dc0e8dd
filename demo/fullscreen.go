package demo

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// top draws the whole screen every second, until q.
func top(ctx context.Context, sh *shell, _ []string) int {
	if sh.tty == nil {
		return sh.complain("top: failed tty get")
	}
	err := sh.tty.screen(ctx, time.Second,
		func(s size) []string { return topLines(sh, s) },
		func(key string, _ size) bool { return key == "q" })
	if err != nil {
		return interrupted
	}
	return 0
}

const firstPID = 4242

// program is a row of top.
type program struct {
	name  string
	share int // of a processor at the start, in percent
}

// busy are the programs of top, by their pids.
var busy = []program{
	{"dragons.x", 98}, {"wildfire-fit", 71}, {"jupyter-lab", 12}, {"raven-sync", 7}, {"slurmstepd", 3}, {"sshd", 1},
}

func topLines(sh *shell, s size) []string {
	age := sh.age()
	lines := []string{
		fmt.Sprintf("top - %s up %s,  1 user    %s, %d x %d    q quits", time.Now().Format(time.TimeOnly), age, sh.host.name, s.columns, s.rows),
		fmt.Sprintf("Tasks: %3d total", len(busy)),
		"",
		"\x1b[7m" + fit("    PID USER       %CPU     TIME COMMAND", s.columns) + "\x1b[0m",
	}
	second := int(age / time.Second)
	for i, p := range busy {
		share := max(0, p.share-(second*(i+3))%(p.share/4+2)) // wanders a little, so that one sees it live
		lines = append(lines, fmt.Sprintf("%7d %-9.9s %5d.0 %8s %s", firstPID+i, sh.host.user, share, age, p.name))
	}
	return lines
}

// fit is s made n characters wide.
func fit(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s + strings.Repeat(" ", n-len(s))
}

// less shows a file page by page, with the keys of less(1) that fingers know.
func less(ctx context.Context, sh *shell, args []string) int {
	if sh.tty == nil {
		return cat(ctx, sh, args)
	}
	if len(args) != 1 {
		return sh.complain("less: give one file")
	}
	text, ok := sh.file(args[0])
	if !ok {
		return sh.complain("less: %s: No such file", visible(args[0]))
	}
	p := pager{lines: strings.Split(strings.TrimSuffix(text, "\n"), "\n")}
	if err := sh.tty.screen(ctx, 0, p.draw, p.press); err != nil {
		return interrupted
	}
	return 0
}

// pager is a text and which of its lines is at the top.
type pager struct {
	lines []string
	top   int
}

func (p *pager) draw(s size) []string {
	p.keepWithin(s)
	end := min(len(p.lines), p.top+p.height(s))
	page := append([]string{}, p.lines[p.top:end]...)
	for len(page) < p.height(s) {
		page = append(page, "~")
	}
	if end == len(p.lines) {
		return append(page, "(END) q quits")
	}
	return append(page, ": space, b, j, k, g, G, q")
}

func (p *pager) press(key string, s size) (done bool) {
	switch key {
	case "q":
		return true
	case "j", "\r", "\n", "\x1b[B", "\x1bOB":
		p.top++
	case "k", "\x1b[A", "\x1bOA":
		p.top--
	case " ", "f":
		p.top += p.height(s)
	case "b":
		p.top -= p.height(s)
	case "g":
		p.top = 0
	case "G":
		p.top = len(p.lines)
	}
	p.keepWithin(s)
	return false
}

// height is how many lines of text fit above the last line.
func (p *pager) height(s size) int { return max(1, s.rows-1) }

func (p *pager) keepWithin(s size) {
	p.top = max(0, min(p.top, len(p.lines)-p.height(s)))
}
