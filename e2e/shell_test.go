//go:build linux

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// chain is the way to inner through the bastion, as users write it.
const chainConfig = `
Host bastion
    HostName ` + bastionAddr + `
    User jump

Host inner
    HostName ` + innerAddr + `
    User dany
    ProxyJump bastion
`

// innerPrompt is inner's prompt with nothing after it.
const innerPrompt = `^dany@inner:~\$\s*\z`

func TestInnerIsReachedThroughTheBastionOnly(t *testing.T) {
	t.Parallel()
	c := newClient(t, chainConfig)
	if r := c.run("nc", "-z", "-w", "3", innerAddr, "22"); r.Status == 0 {
		t.Errorf("the client reaches inner directly: the lab proves nothing: %+v", r)
	}
	if out, err := c.lab.bastion.sh("nc -z -w 30 " + innerAddr + " 22"); err != nil {
		t.Errorf("the bastion does not reach inner: %s: %v", out, err)
	}
}

// opener is a way to a shell on a host in a terminal.
type opener struct {
	name string
	open func(t *testing.T, c *client, host string) *pane
	// left tells, once the shell has ended with this status, that its
	// program has done what it should.
	left func(t *testing.T, p *pane, status int)
}

func endsWith(t *testing.T, p *pane, want int) {
	t.Helper()
	if got := p.ended(); got != want {
		t.Errorf("exit status %d, want that of the shell, %d", got, want)
	}
}

// openers are all the ways to a shell: ssh's own, ours on the command line,
// and ours on the screen.
var openers = []opener{
	{"ssh", func(t *testing.T, c *client, host string) *pane { return c.pane(t, 120, 34, "ssh", host) }, endsWith},
	{"sallyport", func(t *testing.T, c *client, host string) *pane { return c.pane(t, 120, 34, "sallyport", host) }, endsWith},
	{"screen", func(t *testing.T, c *client, host string) *pane {
		s := openScreen(t, c)
		s.shell(host)
		return s.pane
	}, func(t *testing.T, p *pane, _ int) {
		t.Helper()
		(&screen{p}).list()
	}},
}

func TestShellIsATerminalOnTheInnerHost(t *testing.T) {
	t.Parallel()
	for _, way := range openers {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, chainConfig)
			p := way.open(t, c, "inner")
			p.wait(innerPrompt)
			checkTTY(t, p)
			checkResize(t, p)
			checkFullScreen(t, p)
			checkInterrupt(t, p)
			checkEightBits(t, p)
			p.line("exit 7")
			way.left(t, p, 7)
		})
	}
}

// Commands are written so that what is waited for does not stand in their
// echo: a part of it is quoted or computed.

func checkTTY(t *testing.T, p *pane) {
	t.Helper()
	p.line(`echo "tty=$(tty) size=$(stty size) term=$TERM from=${SSH_CONNECTION%% *}"`)
	p.wait(`tty=/dev/pts/\d+ size=34 120 term=tmux-256color from=` + quoted(bastionAddr))
}

func checkResize(t *testing.T, p *pane) {
	t.Helper()
	p.resize(80, 24)
	p.line(`clear; until [ "$(stty size)" = "24 80" ]; do sleep 0.05; done; echo sma"ll"`)
	p.wait(`^small$`)
	p.resize(120, 34)
	p.line(`clear; until [ "$(stty size)" = "34 120" ]; do sleep 0.05; done; echo la"rge"`)
	p.wait(`^large$`)
}

func checkFullScreen(t *testing.T, p *pane) {
	t.Helper()
	p.line(`seq 1 5000 | less`)
	p.wait(`^33$`)
	p.keys("G")
	p.wait(`^5000$`)
	p.resize(80, 24)
	p.waitGone(`^5000$`) // a key pressed while less draws anew is lost
	p.keys("g")
	p.wait(`^1$`)
	p.waitGone(`^24$`)
	p.wait(`^23$`)
	p.resize(120, 34)
	p.wait(`^33$`)
	p.keys("q")
	p.wait(innerPrompt)
	poem := fmt.Sprintf("poem%d", p.number) // others write theirs in the same home
	p.line(`vi -u NONE -N ` + poem)
	p.wait(`"` + poem + `" \[New( File)?\]`)
	p.keys("i")
	p.text("made in vi")
	p.keys("Escape")
	p.wait(`^made in vi$`)
	p.line(":wq")
	p.wait(innerPrompt)
	p.line(`clear; cat ` + poem + `; rm ` + poem)
	p.wait(`^made in vi$`)
}

func checkInterrupt(t *testing.T, p *pane) {
	t.Helper()
	p.line(`clear; sh -c 'echo slee"ping"; exec sleep 1000'`) // says so when it is in front: ^C before that bash keeps to itself
	p.wait(`^sleeping$`)
	p.keys("C-c")
	p.wait(innerPrompt)
	p.line(`echo "interrupted=$?"`)
	p.wait(`interrupted=130`)
}

func checkEightBits(t *testing.T, p *pane) {
	t.Helper()
	p.line(`clear; echo liste"ning"; read -r word; printf %s "$word" | od -An -tx1; echo "$word" | tr f F`)
	p.wait(`^listening$`) // what is typed while bash changes the terminal's modes may be taken for a line
	p.text("für")
	p.keys("Enter")
	p.wait(`^ 66 c3 bc 72$`)
	p.wait(`^Für$`)
	p.line(`clear; stty raw -echo; echo r"aw"; head -c 4 | od -An -tx1; stty sane`)
	p.wait(`^raw`)
	p.bytes(0xff, 0x00, 0x03, 0x80)
	p.wait(`ff 00 03 80`)
	p.keys("Enter")
	p.wait(innerPrompt)
}

// TestShellHasTheModesOfTheTerminal sees that what the user has set with stty,
// and not what a program set while it had the terminal, holds on the far side.
func TestShellHasTheModesOfTheTerminal(t *testing.T) {
	t.Parallel()
	modes := func(t *testing.T, shell func(p *pane), program ...string) string {
		c := newClient(t, chainConfig)
		start := []string{"sh", "-c", `stty erase ^H -ixon; exec "$@"`, "sh"}
		p := c.pane(t, 120, 34, append(start, append(c.resolve(program[:1]), program[1:]...)...)...)
		shell(p)
		p.wait(innerPrompt)
		p.line(`clear; echo "mod"es=$(stty -g)`)
		return p.wait(`^modes=([0-9a-f:]+)`)[1]
	}
	var want string
	t.Run("ssh", func(t *testing.T) { want = modes(t, func(*pane) {}, "ssh", "inner") })
	t.Run("sallyport", func(t *testing.T) {
		if got := modes(t, func(*pane) {}, "sallyport", "inner"); got != want {
			t.Errorf("stty -g on the far side gives\n%s, want as under ssh\n%s", got, want)
		}
	})
	t.Run("screen", func(t *testing.T) {
		got := modes(t, func(p *pane) { (&screen{p}).list(); (&screen{p}).shell("inner") }, "sallyport")
		if got != want {
			t.Errorf("stty -g on the far side gives\n%s, want as under ssh\n%s", got, want)
		}
	})
}

func TestCommandBehavesAsUnderSSH(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("0123456789abcde\n", 1<<16) // 1 MiB
	rows := []struct {
		name, input, command string
		want                 result
		adds                 string // what sallyport says more than ssh
	}{
		{"the exit status is the command's", "", "exit 7", result{7, "", ""}, ""},
		{"success is 0", "", "true", result{}, ""},
		{"output and errors stay apart", "", "echo out; echo err >&2; exit 3", result{3, "out\n", "err\n"}, ""},
		{"input arrives to its end", big, "wc -c", result{0, "1048576\n", ""}, ""},
		{"output comes back whole", big, "cat", result{0, big, ""}, ""},
		{"bytes stay bytes", "\xff\x00\x03\r\n\x80", "cat", result{0, "\xff\x00\x03\r\n\x80", ""}, ""},
		{"no terminal is there unless asked for", "", "tty", result{1, "not a tty\n", ""}, ""},
		{"a command that is not there", "", "nosuchprogram 2>/dev/null", result{127, "", ""}, ""},
		{"a command ended by a signal", "", "kill -TERM $$", result{255, "", ""}, "sallyport: the command was ended by signal TERM\n"},
	}
	for _, program := range []string{"ssh", "sallyport"} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, chainConfig)
			for _, row := range rows {
				want := row.want
				if program == "sallyport" {
					want.Errors += row.adds
				}
				if got := c.feed(row.input, program, "inner", row.command); got != want {
					t.Errorf("%s: %q gives %s\nwant %s", row.name, row.command, short(got), short(want))
				}
			}
		})
	}
}

func TestClosingTheTerminalEndsTheProgramAlone(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name    string
		prepare func(t *testing.T, s *screen)
	}{
		{"while the list is shown", func(t *testing.T, s *screen) {}},
		{"while a shell is open", func(t *testing.T, s *screen) {
			s.shell("inner")
			s.wait(innerPrompt)
		}},
		{"while a question is asked", func(t *testing.T, s *screen) {
			s.c.file("/root/.ssh/known_hosts", "")
			s.shell("inner")
			s.wait("Accept and remember")
		}},
	}
	for _, row := range rows {
		t.Run("screen/"+row.name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, chainConfig)
			s := openScreen(t, c)
			row.prepare(t, s)
			before := c.daemonPID()
			s.tmux("kill-server")
			c.eventually("the program has ended with its terminal", func() bool {
				return !strings.Contains(c.processes("sallyport")+"\n", "/sallyport\n") // the background process has arguments
			})
			if after := c.daemonPID(); after != before {
				t.Errorf("the background process was %d and is %d", before, after)
			}
		})
	}
}
