package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"sallyport/api"
)

// windowed is a program in whose window we run, and which opens another one
// when it is asked to.
type windowed struct {
	name string
	// by is the environment variable that it gives to what runs in it, and by
	// which its own commands find it.
	by string
	// argv is the command that runs another one in a window with a title.
	argv func(title string, command []string) []string
	lack func(getenv func(string) string) string // why it takes no commands; nil for no reason
}

// windows are those that are known. One multiplexer in another's window sees
// the variables of both, and of a terminal's: the innermost is sought first.
var windows = []windowed{
	// A title is a format, in which #(command) would be run (format.c of tmux).
	// Several words are no line for a shell.
	{"tmux", "TMUX", func(title string, command []string) []string {
		return append([]string{"tmux", "new-window", "-n", strings.ReplaceAll(title, "#", "##"), "--"}, command...)
	}, nil},
	{"screen", "STY", func(title string, command []string) []string {
		return append([]string{"screen", "-t", title}, command...)
	}, nil},
	{"kitty", "KITTY_WINDOW_ID", func(title string, command []string) []string {
		return append([]string{"kitten", "@", "launch", "--type=tab", "--tab-title=" + title, "--"}, command...)
	}, func(getenv func(string) string) string {
		if getenv("KITTY_LISTEN_ON") != "" {
			return ""
		}
		return "kitty takes commands only with  allow_remote_control socket-only  and  listen_on unix:@kitty  in kitty.conf"
	}},
	{"WezTerm", "WEZTERM_PANE", func(_ string, command []string) []string {
		return append([]string{"wezterm", "cli", "spawn", "--"}, command...)
	}, nil},
	// It parts its own commands by semicolons, wherever they stand.
	{"Windows Terminal", "WT_SESSION", func(title string, command []string) []string {
		argv := []string{"wt", "-w", "0", "nt", "--title", strings.ReplaceAll(title, ";", `\;`)}
		for _, word := range command {
			argv = append(argv, strings.ReplaceAll(word, ";", `\;`))
		}
		return argv
	}, nil},
}

// windowAround is the program in whose window we run, nil for one that opens no
// others.
func windowAround(getenv func(string) string) *windowed {
	for i := range windows {
		if w := &windows[i]; getenv(w.by) != "" && (w.lack == nil || w.lack(getenv) == "") {
			return w
		}
	}
	return nil
}

// noWindow says why no other window is opened.
func noWindow(getenv func(string) string) *api.Error {
	for _, w := range windows {
		if w.lack != nil && getenv(w.by) != "" {
			return &api.Error{Code: api.CodeNotFound, Message: w.lack(getenv)}
		}
	}
	return &api.Error{Code: api.CodeNotFound, Message: "no other window can be opened: this is none of tmux, screen, kitty, WezTerm and Windows Terminal"}
}

// windowPatience is how long a program may take to open a window.
const windowPatience = 10 * time.Second

// open runs a command in a new window. The program must not write: the screen
// has the terminal.
func (w *windowed) open(ctx context.Context, title string, command []string) error {
	ctx, cancel := context.WithTimeout(ctx, windowPatience)
	defer cancel()
	argv := w.argv(api.Printable(title), command)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var said bytes.Buffer
	cmd.Stdin = os.Stdin // not to be read: by it screen(1) knows where to show the window
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		why := strings.TrimSpace(said.String())
		if why == "" {
			why = err.Error()
		}
		return &api.Error{Code: api.CodeInternal, Message: fmt.Sprintf("%s opened no window: %s", w.name, api.Printable(why))}
	}
	return nil
}

// shellCommand is the command line of a shell on a host, whose window stays
// until a failure was read.
func shellCommand(t api.Target) ([]string, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := []string{program}
	if t.Explicit {
		command = append(command, "-F", t.Config)
	}
	return append(command, "--hold", "--", t.Host), nil // a host may be called as a command is
}

// inWindow opens a shell on a host in another window.
func inWindow(ctx context.Context, t api.Target) error {
	w := windowAround(os.Getenv)
	if w == nil {
		return noWindow(os.Getenv)
	}
	command, err := shellCommand(t)
	if err != nil {
		return err
	}
	return w.open(ctx, t.Host, command)
}

// hold has a person read how a shell has failed whose window goes with us.
func (a *app) hold(ctx context.Context, err error) error {
	var s status
	switch said := errors.As(err, &s); {
	case err == nil || said && s != ours:
		return err
	case !said:
		explain(a.Err, err)
	}
	if t, ok := openControlling(); ok {
		defer t.close()
		_, _ = t.line(ctx, "Enter closes this window.", true) // it is closed at the end of the input, too
	}
	return status(ours)
}
