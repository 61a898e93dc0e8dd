package demo

import (
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// command is a program of the toy shell.
type command struct {
	name, args, help string
	run              func(ctx context.Context, sh *shell, args []string) (status int)
}

// commands are all there are, in the order of help.
var commands = []command{
	{"help", "", "this list", help},
	{"ls", "[-l] [PATH...]", "what is there", ls},
	{"cd", "[DIR]", "go there", cd},
	{"pwd", "", "where you are", func(_ context.Context, sh *shell, _ []string) int { return sh.say(sh.pwd()) }},
	{"cat", "[FILE...]", "show files, or copy the input", cat},
	{"less", "FILE", "read a file page by page", less},
	{"echo", "[-n] [WORD...]", "say it again", echo},
	{"yes", "[WORD...]", "say it again and again, until Ctrl-C", yes},
	{"top", "", "who is busy, until q", top},
	{"squeue", "", "your jobs", squeue},
	{"whoami", "", "your name here", func(_ context.Context, sh *shell, _ []string) int { return sh.say(sh.host.user) }},
	{"hostname", "", "this machine's name", func(_ context.Context, sh *shell, _ []string) int { return sh.say(sh.host.name) }},
	{"uname", "[-a]", "what kind of machine it is", uname},
	{"uptime", "", "since when it runs", uptime},
	{"date", "", "what time it is", func(_ context.Context, sh *shell, _ []string) int { return sh.say(time.Now().Format(time.UnixDate)) }},
	{"env", "", "your environment", func(_ context.Context, sh *shell, _ []string) int { return sh.say(sh.env...) }},
	{"tty", "", "your terminal", ttyName},
	{"stty", "size", "its rows and columns", stty},
	{"clear", "", "an empty screen", clearScreen},
	{"exec", "sh", "how Sallyport looks for ports and Jupyter", execute},
	{"sleep", "SECONDS", "wait", sleep},
	{"true", "", "status 0", func(context.Context, *shell, []string) int { return 0 }},
	{"false", "", "status 1", func(context.Context, *shell, []string) int { return failed }},
	{"exit", "[STATUS]", "leave", exit},
	{"logout", "", "leave", exit},
}

// say writes lines to the output.
func (sh *shell) say(lines ...string) int {
	for _, l := range lines {
		fmt.Fprintln(sh.out, l)
	}
	return 0
}

func help(_ context.Context, sh *shell, _ []string) int {
	for _, c := range sh.commands {
		fmt.Fprintf(sh.out, "%-22s %s\n", strings.TrimSpace(c.name+" "+c.args), c.help)
	}
	return sh.say("", "Joints: ; && ||   Ctrl-C interrupts, Ctrl-D leaves.")
}

func ls(_ context.Context, sh *shell, args []string) (status int) {
	long := len(args) > 0 && args[0] == "-l"
	if long {
		args = args[1:]
	}
	if len(args) == 0 {
		args = []string{"."}
	}
	for _, name := range args {
		entries, ok := sh.entries(name)
		if !ok {
			status = sh.complain("ls: cannot access '%s': No such file or directory", visible(name))
			continue
		}
		sh.printEntries(entries, long)
	}
	return status
}

// entry is a file or directory as ls prints it.
type entry struct {
	name string // a directory's ends with a slash
	size int
}

func (sh *shell) entries(name string) ([]entry, bool) {
	at, ok := find(sh.home, sh.cwd, name)
	if !ok {
		return nil, false
	}
	if text, isFile := sh.host.home[at]; isFile {
		return []entry{{name, len(text)}}, true
	}
	names, ok := sh.host.home.list(at)
	var all []entry
	for _, n := range names {
		all = append(all, entry{n, len(sh.host.home[path.Join(at, n)])})
	}
	return all, ok
}

func (sh *shell) printEntries(all []entry, long bool) {
	for _, e := range all {
		if !long {
			fmt.Fprintln(sh.out, e.name)
			continue
		}
		mode := "-rw-r--r--"
		if strings.HasSuffix(e.name, "/") {
			mode = "drwxr-xr-x"
		}
		fmt.Fprintf(sh.out, "%s 1 %s %s %5d %s %s\n", mode, sh.host.user, sh.host.user, e.size,
			sh.net.started.Format("Jan _2 15:04"), e.name)
	}
}

func cd(_ context.Context, sh *shell, args []string) int {
	if len(args) == 0 {
		args = []string{sh.home}
	}
	at, ok := find(sh.home, sh.cwd, args[0])
	if _, isDir := sh.host.home.list(at); !ok || !isDir {
		return sh.complain("cd: %s: No such directory", visible(args[0]))
	}
	sh.cwd = at
	return 0
}

func cat(ctx context.Context, sh *shell, args []string) (status int) {
	if len(args) == 0 {
		args = []string{"-"}
	}
	for _, name := range args {
		if name == "-" {
			_, _ = io.Copy(sh.out, sh.in.reader(ctx)) // ends with the input, ctx or the channel
			continue
		}
		text, ok := sh.file(name)
		if !ok {
			status = sh.complain("cat: %s: No such file", visible(name))
			continue
		}
		fmt.Fprint(sh.out, text)
	}
	return status
}

func (sh *shell) file(name string) (text string, ok bool) {
	at, within := find(sh.home, sh.cwd, name)
	text, ok = sh.host.home[at]
	return text, ok && within
}

func echo(_ context.Context, sh *shell, args []string) int {
	end := "\n"
	if len(args) > 0 && args[0] == "-n" {
		args, end = args[1:], ""
	}
	fmt.Fprint(sh.out, strings.Join(args, " ")+end)
	return 0
}

func yes(ctx context.Context, sh *shell, args []string) int {
	if len(args) == 0 {
		args = []string{"y"}
	}
	text := strings.Join(args, " ") + "\n"
	page := []byte(strings.Repeat(text, 1+4096/len(text)))
	for ctx.Err() == nil {
		if _, err := sh.out.Write(page); err != nil {
			return failed
		}
	}
	return interrupted
}

func squeue(_ context.Context, sh *shell, _ []string) int {
	ran := time.Since(sh.net.started).Truncate(time.Second)
	fmt.Fprintln(sh.out, "  JOBID PARTITION     NAME     USER ST       TIME  NODES NODELIST(REASON)")
	fmt.Fprintf(sh.out, "   4242   cpu_p1  dragons %8.8s  R %10s      4 r1i0n[0-3]\n", sh.host.user, ran)
	fmt.Fprintf(sh.out, "   4243   cpu_p1 wildfire %8.8s PD       0:00     64 (Priority)\n", sh.host.user)
	return 0
}

func uname(_ context.Context, sh *shell, args []string) int {
	if slices.Contains(args, "-a") {
		return sh.say("Demo " + sh.host.name + " 1.0 sallyport")
	}
	return sh.say("Demo")
}

func uptime(_ context.Context, sh *shell, _ []string) int {
	return sh.say(fmt.Sprintf(" %s up %s,  1 user", time.Now().Format(time.TimeOnly), sh.age()))
}

func (sh *shell) age() time.Duration { return time.Since(sh.net.started).Truncate(time.Second) }

func ttyName(_ context.Context, sh *shell, _ []string) int {
	if sh.tty == nil {
		fmt.Fprintln(sh.out, "not a tty")
		return failed
	}
	return sh.say("/dev/pts/0")
}

func stty(_ context.Context, sh *shell, args []string) int {
	switch {
	case sh.tty == nil:
		return sh.complain("stty: 'standard input': Inappropriate ioctl for device")
	case !slices.Equal(args, []string{"size"}):
		return sh.complain("stty: only \"stty size\" is here")
	}
	s := sh.tty.currentSize()
	return sh.say(fmt.Sprintf("%d %d", s.rows, s.columns))
}

func clearScreen(_ context.Context, sh *shell, _ []string) int {
	fmt.Fprint(sh.out, "\x1b[H\x1b[2J\x1b[3J")
	return 0
}

// sleep waits for "1", "0.5" or "infinity" seconds.
func sleep(ctx context.Context, sh *shell, args []string) int {
	if len(args) != 1 {
		return sh.complain("sleep: give a number of seconds")
	}
	seconds, err := strconv.ParseFloat(args[0], 64)
	if err != nil || !(seconds >= 0) {
		return sh.complain("sleep: invalid time interval '%s'", visible(args[0]))
	}
	const longest = 1e9 // about 30 years, and within time.Duration
	if !pause(ctx, time.Duration(min(seconds, longest)*float64(time.Second))) {
		return interrupted
	}
	return 0
}

func exit(_ context.Context, sh *shell, args []string) int {
	sh.left = true
	if len(args) == 0 {
		return sh.status
	}
	status, err := strconv.Atoi(args[0])
	if err != nil {
		sh.complain("exit: %s: numeric argument required", visible(args[0]))
		return misused
	}
	return status & 0xff
}
