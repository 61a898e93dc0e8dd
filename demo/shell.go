package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// shell is the toy that a login gets. It is a program of this package from
// end to end: it starts no process and touches no file.
type shell struct {
	net  *Network
	host *host
	home string // absolute
	cwd  string // in home, "" for home itself
	env  []string
	tty  *tty // nil without a terminal
	in   source
	out  io.Writer // a write fails only where the channel has ended, and ctx then too
	err  io.Writer // as out; with a terminal the same

	status   int  // of the last command, $?
	left     bool // exit was called
	commands []command
}

// source is where a command's input comes from: a terminal, or what the
// client sends.
type source interface {
	reader(ctx context.Context) io.Reader
	line(ctx context.Context) (string, error)
}

// Exit statuses of sh(1).
const (
	failed      = 1
	misused     = 2
	notFound    = 127
	interrupted = 130 // 128 + SIGINT
)

func newShell(n *Network, h *host, sent []string) *shell {
	home := "/home/" + h.user
	env := []string{"HOME=" + home, "USER=" + h.user, "LOGNAME=" + h.user, "SHELL=/bin/demo", "PATH=/bin"}
	return &shell{net: n, host: h, home: home, env: append(env, sent...), commands: commands}
}

// login is an interactive shell, or without a terminal one that reads its
// commands from the input. It returns its exit status.
func (sh *shell) login(ctx context.Context) int {
	if sh.tty != nil {
		fmt.Fprintf(sh.out, "%s\nThis is Sallyport's demo: nothing here is real. Type help.\n", sh.host.motd)
	}
	for !sh.left {
		line, err := sh.nextLine(ctx)
		switch {
		case ctx.Err() != nil:
			return interrupted
		case errors.Is(err, context.Canceled): // Ctrl-C at the prompt
			sh.status = interrupted
		case err != nil:
			if sh.tty != nil {
				fmt.Fprintln(sh.out, "logout")
			}
			return sh.status
		default:
			sh.run(ctx, line)
		}
	}
	return sh.status
}

// nextLine reads a command, with a prompt if somebody sees it.
func (sh *shell) nextLine(ctx context.Context) (line string, err error) {
	if sh.tty == nil {
		return sh.in.line(ctx)
	}
	sh.tty.inForeground(ctx, func(ctx context.Context) {
		line, err = sh.tty.prompt(ctx, sh.prompt())
	})
	return line, err
}

func (sh *shell) prompt() string {
	return sh.host.user + "@" + sh.host.name + ":" + sh.shown() + "$ "
}

// shown is the working directory as the prompt shows it.
func (sh *shell) shown() string { return strings.TrimSuffix("~/"+sh.cwd, "/") }

// run carries out a line of commands and returns the status of the last.
func (sh *shell) run(ctx context.Context, text string) int {
	if sh.tty == nil {
		return sh.runSteps(ctx, text)
	}
	sh.tty.inForeground(ctx, func(ctx context.Context) { sh.runSteps(ctx, text) })
	return sh.status
}

func (sh *shell) runSteps(ctx context.Context, text string) int {
	steps, err := parse(text)
	if err != nil {
		fmt.Fprintf(sh.err, "sh: %v\n", err)
		sh.status = misused
	}
	for _, s := range steps {
		if s.join == onTrue && sh.status != 0 || s.join == onFail && sh.status == 0 {
			continue
		}
		sh.status = sh.call(ctx, sh.expand(s.words))
		if ctx.Err() != nil {
			sh.status = interrupted
		}
		if sh.left || ctx.Err() != nil {
			break
		}
	}
	return sh.status
}

func (sh *shell) expand(words []word) []string {
	var args []string
	for _, w := range words {
		if arg := sh.expandWord(w); arg != "" || !w.mayVanish() {
			args = append(args, arg)
		}
	}
	return args
}

func (sh *shell) expandWord(w word) string {
	var arg strings.Builder
	for _, p := range w {
		if p.variable {
			arg.WriteString(sh.variable(p.text))
		} else {
			arg.WriteString(p.text)
		}
	}
	return arg.String()
}

// variable is the value of $name; the last setting counts.
func (sh *shell) variable(name string) string {
	switch name {
	case "?":
		return strconv.Itoa(sh.status)
	case "PWD":
		return sh.pwd()
	}
	for _, kv := range slices.Backward(sh.env) {
		if value, ok := strings.CutPrefix(kv, name+"="); ok {
			return value
		}
	}
	return ""
}

func (sh *shell) pwd() string { return strings.TrimSuffix(sh.home+"/"+sh.cwd, "/") }

// call runs one command. It may be none: variables that were all empty.
func (sh *shell) call(ctx context.Context, args []string) int {
	if len(args) == 0 {
		return 0
	}
	i := slices.IndexFunc(sh.commands, func(c command) bool { return c.name == args[0] })
	if i < 0 {
		fmt.Fprintf(sh.err, "sh: %s: command not found\n", visible(args[0]))
		return notFound
	}
	return sh.commands[i].run(ctx, sh, args[1:])
}

// complain tells what went wrong and returns the status for it.
func (sh *shell) complain(format string, args ...any) int {
	fmt.Fprintf(sh.err, format+"\n", args...)
	return failed
}

// visible is what a person typed, fit for a message.
func visible(s string) string {
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}
