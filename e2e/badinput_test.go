//go:build linux

package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// Every bad configuration stands between two good hosts.
const (
	alive = "Host alive\n    HostName " + bastionAddr + "\n    User jump\n\n"
	last  = "\n\nHost last\n    HostName " + bastionAddr + "\n    User jump\n"
)

// hostileTag is what a host name holds that wants to be a colour.
const hostileTag = "[red]"

var badConfigs = []struct {
	name, config string
	// said are the lines that "sallyport hosts" has for it, as patterns.
	said []string
	// shown are patterns that stand in the listing, besides the good hosts.
	shown []string
	// refused tells that ssh opens no host with it.
	refused bool
}{
	{name: "a line over 64 KiB", config: alive + "# " + strings.Repeat("x", 70_000) + "\nHost long\n    ProxyCommand nc " + strings.Repeat("y", 70_000) + last,
		said: []string{`config: line 5: the line is longer than 64 KiB`, `config: line 7: the line is longer than 64 KiB`}, shown: []string{`^long `}},
	{name: "bytes that are not UTF-8", config: alive + "Host caf\xe9\n    User \xff" + last,
		said: []string{`config: line 5: .*not UTF-8`, `config: line 6: .*not UTF-8`}, shown: []string{`^caf\\xe9 .*\\xff@`}},
	{name: "NUL bytes", config: alive + "Host a\x00b" + last,
		said: []string{`config: line 5: .*NUL`}, shown: []string{`^a `}},
	{name: "an Include loop", config: alive + "Include /root/.ssh/config" + last,
		said: []string{`config: line 5: .*(recursive|include)`}, refused: true},
	{name: "an unknown keyword", config: alive + "Host a\n    NoSuchKeyword b" + last,
		said: []string{`config: line 6: Bad configuration option: nosuchkeyword`}, shown: []string{`^a `}, refused: true},
	{name: "a byte order mark", config: "\ufeff" + alive + last,
		said: []string{`config: line 1: .*byte order mark`}, refused: true},
	{name: "an unfinished quote", config: alive + "Host \"a" + last,
		said: []string{`config: line 5: invalid quotes`}, refused: true},
	{name: "a keyword alone", config: alive + "Host a\n    HostName" + last,
		said: []string{`config: line 6: no argument`}, shown: []string{`^a `}, refused: true},
	{name: "Match exec", config: alive + "Match exec \"touch /root/executed\"\n    User eve" + last},
	{name: "a ProxyJump loop", config: alive + "Host a\n    ProxyJump b\nHost b\n    ProxyJump a" + last,
		shown: []string{`^a `, `^b `}},
	{name: "names full of escape sequences", config: alive + "Host evil\x1b]0;owned\x07" + hostileTag + "\u202e\n    HostName a\x1b[2Jb\n    User \x1b]52;c;b3duZWQ=\x07" + last,
		shown: []string{`^evil.*owned.*` + quoted(hostileTag)}},
}

func TestBadConfigurationLeavesTheRestAlive(t *testing.T) {
	t.Parallel()
	t.Run("sallyport", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, "")
		for _, row := range badConfigs {
			c.file("/root/.ssh/config", row.config)
			r := c.run("sallyport", "hosts")
			if r.Status != 0 {
				t.Errorf("%s: exit status %d", row.name, r.Status)
			}
			for _, pattern := range goodHosts(row.config, row.shown) {
				if !regexp.MustCompile("(?m)" + pattern).MatchString(r.Out) {
					t.Errorf("%s: no line matches %q:\n%.2000s", row.name, pattern, r.Out)
				}
			}
			says(t, row.name, r.Errors, row.said...)
			inert(t, row.name, r.Out+r.Errors)
			inert(t, row.name+" as JSON", c.run("sallyport", "hosts", "--json").Out)
		}
		if c.read("/root/.ssh/config") == "" || c.run("test", "-e", "/root/executed").Status == 0 {
			t.Error("listing ran the program of Match exec")
		}
	})
	t.Run("screen", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, "")
		for _, row := range badConfigs {
			c.file("/root/.ssh/config", row.config)
			s := c.recorded(t)
			s.wait(`last`)
			if !strings.HasPrefix(row.config, "\ufeff") {
				s.wait(`alive`)
			}
			s.search("last")
			s.quit()
			hostileBytes(t, row.name, c.read("/run/recorded"))
		}
		if c.run("test", "-e", "/root/executed").Status == 0 {
			t.Error("looking ran the program of Match exec")
		}
	})
	t.Run("sallyport/a good host of a bad configuration", func(t *testing.T) {
		t.Parallel()
		// ssh refuses every host of a file with an error; what it does not
		// refuse opens.
		c := newClient(t, "")
		for _, row := range badConfigs {
			if row.refused || row.name == "Match exec" { // which would be run, as it should
				continue
			}
			c.file("/root/.ssh/config", row.config)
			for _, program := range []string{"ssh", "sallyport"} {
				if r := c.run(program, "last", "exit 7"); r.Status != 7 {
					t.Errorf("%s: %s last: %s", row.name, program, short(r))
				}
			}
		}
	})
	t.Run("sallyport/a host of a configuration that ssh refuses", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, alive+"Host a\n    NoSuchKeyword b"+last)
		for _, program := range []string{"ssh", "sallyport"} {
			r := c.run(program, "last", "true")
			if r.Status != 255 || !strings.Contains(r.Errors, "line 6: Bad configuration option: nosuchkeyword") {
				t.Errorf("%s: %s", program, short(r))
			}
		}
	})
}

func goodHosts(config string, shown []string) []string {
	good := append([]string{`^last `}, shown...)
	if !strings.HasPrefix(config, "\ufeff") {
		good = append(good, `^alive `)
	}
	return good
}

// says sees that each line of complaint matches its pattern, and that there
// are no more.
func says(t *testing.T, what, errors string, patterns ...string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(errors, "\n"), "\n")
	if errors == "" {
		lines = nil
	}
	if len(lines) != len(patterns) {
		t.Errorf("%s: want %d lines of complaint, got:\n%s", what, len(patterns), errors)
		return
	}
	for i, pattern := range patterns {
		if !regexp.MustCompile(pattern).MatchString(lines[i]) {
			t.Errorf("%s: want a line that matches %q, got:\n%s", what, pattern, lines[i])
		}
	}
}

// inert sees that text has nothing in it that a terminal would obey.
func inert(t *testing.T, what, text string) {
	t.Helper()
	for _, r := range text {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			t.Errorf("%s: the output holds %q:\n%.500q", what, r, text)
			return
		}
	}
}

// hostileBytes sees that nothing of what hostile texts hold came to the
// terminal raw.
func hostileBytes(t *testing.T, what, recorded string) {
	t.Helper()
	if len(recorded) < 100 {
		t.Errorf("%s: nothing was recorded: %q", what, recorded)
	}
	bad := []string{"\x1b]0;owned", "\x1b]52;c;b3du", "\u009b", "\x1b[31mred", "\u202e"}
	if strings.HasSuffix(what, "ssh") {
		bad = bad[:len(bad)-1] // ssh lets a right to left mark pass
	}
	for _, bad := range bad {
		if i := strings.Index(recorded, bad); i >= 0 {
			t.Errorf("%s: the terminal got %q raw: %.200q", what, bad, recorded[max(0, i-40):])
		}
	}
}

// recorded opens the screen so that each byte that it sends to its terminal is
// kept in /run/recorded.
func (c *client) recorded(t *testing.T, args ...string) *screen {
	t.Helper()
	s := &screen{c.pane(t, 120, 34, "script", "-q", "-f", "-e", "-c", "exec "+product(t)+" "+strings.Join(args, " "), "/run/recorded")}
	s.list()
	return s
}

func TestNoConfigurationIsALessonAndStaysNone(t *testing.T) {
	t.Parallel()
	t.Run("screen", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, "")
		c.must("rm", "-r", "/root/.ssh")
		r := c.run("sallyport", "hosts")
		if r.Status != 0 || r.Out != "" {
			t.Errorf("hosts: %s", short(r))
		}
		says(t, "hosts", r.Errors, `no /root/\.ssh/config`)
		s := openScreen(t, c)
		s.wait(`\.ssh/config`)
		s.quit()
		if c.run("test", "-e", "/root/.ssh").Status == 0 {
			t.Error("looking has made ~/.ssh")
		}
	})
}

func TestUnreadableConfigurationIsSaid(t *testing.T) {
	t.Parallel()
	t.Run("sallyport", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, "")
		c.someone(alive + last)
		c.must("chmod", "000", "/home/someone/.ssh/config")
		r := c.as("someone", product(t), "hosts")
		if r.Status != 0 || r.Out != "" {
			t.Errorf("%s", short(r))
		}
		says(t, "hosts", r.Errors, `/home/someone/\.ssh/config.*[Pp]ermission denied`)
	})
	t.Run("sallyport/an unreadable file that is included", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, "")
		c.someone(alive + "Include secret" + last)
		c.must("sh", "-c", "touch /home/someone/.ssh/secret; chmod 600 /home/someone/.ssh/secret")
		r := c.as("someone", product(t), "hosts")
		if r.Status != 0 || !strings.Contains(r.Out, "alive") || !strings.Contains(r.Out, "last") {
			t.Errorf("%s", short(r))
		}
		says(t, "hosts", r.Errors, `secret.*[Pp]ermission denied`)
	})
}

// someone makes a user on the client who is not root and has a configuration.
func (c *client) someone(config string) {
	c.t.Helper()
	if err := c.user("someone", ""); err != nil {
		c.t.Fatal(err)
	}
	c.must("sh", "-c", "install -d -o someone -m 700 /home/someone/.ssh; install -d -o someone -m 700 /run/user/1000")
	c.file("/home/someone/.ssh/config", config)
	c.must("chown", "-R", "someone:", "/home/someone/.ssh")
}

// as runs a program as another user of the client.
func (c *client) as(user string, argv ...string) result {
	c.t.Helper()
	return c.run(append([]string{
		"setpriv", "--reuid", user, "--regid", user, "--init-groups",
		"env", "-C", "/", "HOME=/home/" + user, "USER=" + user, "LOGNAME=" + user, "XDG_RUNTIME_DIR=/run/user/1000",
	}, argv...)...)
}

func TestProxyJumpLoopIsNamed(t *testing.T) {
	t.Parallel()
	loop := "Host a\n    HostName " + innerAddr + "\n    ProxyJump b\nHost b\n    HostName " + bastionAddr + "\n    ProxyJump a\n"
	t.Run("sallyport", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, loop)
		r := c.run("sallyport", "a", "true")
		if r.Status != 255 || !regexp.MustCompile(`(?i)loop|circle|itself`).MatchString(r.Errors) || !strings.Contains(r.Errors, "config:") {
			t.Errorf("the loop and the line that closes it are not named: %s", short(r))
		}
	})
	t.Run("screen", func(t *testing.T) {
		t.Parallel()
		s := openScreen(t, newClient(t, loop))
		s.search("a")
		s.wait(`(?i)loop|circle|itself`)
		s.quit()
	})
}

func TestHostileServerIsInert(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for _, mode := range []string{"disconnect", "banner", "ask"} {
		t.Run(mode, func(t *testing.T) {
			port := 2000 + int(ports.Add(1))
			hostKey := strings.SplitN(playOn(t, l.inner, "hostile-server", port, mode)(), "\n", 2)[0]
			prepare := func(t *testing.T) *client {
				c := newClient(t, fmt.Sprintf("%s\nHost evil\n    HostName %s\n    Port %d\n    User dany\n    ProxyJump bastion\n    NumberOfPasswordPrompts 1\n", toBastion, innerAddr, port))
				c.file("/root/.ssh/known_hosts", l.knownHosts()+fmt.Sprintf("[%s]:%d %s\n", innerAddr, port, hostKey))
				return c
			}
			for _, name := range []string{"ssh", "sallyport"} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					c := prepare(t)
					program := c.resolve([]string{name})[0]
					p := c.pane(t, 120, 34, "script", "-q", "-f", "-e", "-c", program+" evil", "/run/recorded")
					if mode == "ask" {
						p.wait(`owned`)
						p.line("answer")
					}
					endsWith(t, p, 255)
					hostileBytes(t, mode+" with "+name, c.read("/run/recorded"))
					if mode == "disconnect" && !strings.Contains(c.read("/run/recorded"), "away") {
						t.Errorf("the server's message is not shown:\n%q", c.read("/run/recorded"))
					}
				})
			}
			t.Run("screen", func(t *testing.T) {
				t.Parallel()
				c := prepare(t)
				s := c.recorded(t)
				s.shell("evil")
				switch mode {
				case "disconnect":
					s.wait(`away`)
				case "banner":
					s.wait(`✗`)
				case "ask":
					s.wait(`evil, hop 2 of 2`)
					s.wait(`owned`)
					s.wait(quoted(hostileTag))
					s.keys("Escape")
					s.waitGone(`evil, hop 2 of 2`)
				}
				s.list()
				s.quit()
				hostileBytes(t, mode, c.read("/run/recorded"))
			})
		})
	}
}
