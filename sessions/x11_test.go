package sessions

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"sallyport/internal/sshtest"
)

// xServer is a server that forwards X.
func xServer(t *testing.T) *sshtest.Server {
	t.Helper()
	s := sshtest.StartServer(t, "X11Forwarding yes")
	s.Write(t, ".Xauthority", "") // else xauth says on standard error that it makes one
	return s
}

// TestXIsForwardedAsBySSH runs each row by ssh and by a session.
func TestXIsForwardedAsBySSH(t *testing.T) {
	t.Parallel()
	sshtest.Program(t, "xdpyinfo")
	s := xServer(t)
	display, authority := sshtest.XServer(t)
	path := "PATH=" + os.Getenv("PATH")
	all := []string{path, "DISPLAY=" + display, "XAUTHORITY=" + authority}
	const look = `xdpyinfo 2>&1 | grep -e 'version number' -e 'unable to open'; xauth list "$DISPLAY" 2>/dev/null | grep -o MIT-MAGIC.*`
	for _, row := range []struct {
		name    string
		options []string
		flag    string // of ssh
		spec    Spec
		env     []string
		want    []string // in what the far side's clients of X say
		warns   string
	}{
		{name: "unasked", want: []string{`unable to open display ""`}},
		{name: "trusted", options: []string{"ForwardX11 yes", "ForwardX11Trusted yes"}, want: []string{"version number", "MIT-MAGIC"}},
		{name: "untrusted, by -X", options: []string{"ForwardX11Trusted no"}, flag: "-X", spec: Spec{ForwardX11: ConfiguredX11}, want: []string{"version number", "MIT-MAGIC"}},
		{name: "by -Y", options: []string{"ForwardX11Trusted no"}, flag: "-Y", spec: Spec{ForwardX11: TrustedX11}, want: []string{"version number"}},
		{name: "not by -x", options: []string{"ForwardX11 yes"}, flag: "-x", spec: Spec{ForwardX11: NoX11}, want: []string{`unable to open display ""`}},
		{name: "not without a display", options: []string{"ForwardX11 yes"}, env: []string{path}, want: []string{`unable to open display ""`}},
		{
			name: "not to a display with a strange name", options: []string{"ForwardX11 yes"}, env: []string{path, "DISPLAY=:0;id"},
			want: []string{`unable to open display ""`}, warns: `DISPLAY ":0;id" invalid; disabling X11 forwarding`,
		},
		{
			name: "with a made-up cookie where there is no other", options: []string{"ForwardX11 yes", "ForwardX11Trusted yes"}, env: []string{path, "DISPLAY=" + display, "XAUTHORITY=/dev/null"},
			want: []string{"unable to open", "MIT-MAGIC"}, warns: "Warning: No xauth data; using fake authentication data for X11 forwarding.",
		},
		{
			name: "not untrusted without a cookie", options: []string{"ForwardX11 yes", "ForwardX11Trusted no"}, env: []string{path, "DISPLAY=" + display, "XAUTHORITY=/dev/null"},
			want: []string{`unable to open display ""`}, warns: "Warning: untrusted X11 forwarding setup failed: xauth key data not generated",
		},
		{
			name: "not without xauth", options: []string{"ForwardX11 yes", "ForwardX11Trusted no", "XAuthLocation /nowhere/xauth"},
			want: []string{`unable to open display ""`}, warns: "Warning: untrusted X11 forwarding setup failed: xauth key data not generated",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			options := append(row.options, "LogLevel INFO")
			env := all
			if row.env != nil {
				env = row.env
			}
			row.spec.Command = look
			got := run(t, ownLink(t, s, options...), row.spec, "", env...)
			said := sshOutput(t, s, env, options, row.flag, look)
			for _, want := range row.want {
				if !strings.Contains(got.Stdout, want) {
					t.Errorf("a session shows %q, want %q", got.Stdout, want)
				}
				if !strings.Contains(said, want) {
					t.Errorf("ssh shows %q, want %q", said, want)
				}
			}
			if strings.TrimSuffix(got.Stderr, "\r\n") != row.warns || !strings.Contains(said, row.warns) {
				t.Errorf("a session warns %q, ssh %q, want %q", got.Stderr, said, row.warns)
			}
		})
	}
}

func TestXSessionsKeepTheirDisplaysApart(t *testing.T) {
	t.Parallel()
	sshtest.Program(t, "xdpyinfo")
	l := ownLink(t, xServer(t), "ForwardX11 yes", "ForwardX11Trusted yes")
	held := l.Hold()
	defer held()
	marked := func(mark string) (env []string) {
		display, authority := sshtest.XServer(t)
		env = []string{"PATH=" + os.Getenv("PATH"), "DISPLAY=" + display, "XAUTHORITY=" + authority}
		set := exec.Command(sshtest.Program(t, "xprop"), "-root", "-f", "MARK", "8s", "-set", "MARK", mark)
		set.Env = env
		if out, err := set.CombinedOutput(); err != nil {
			t.Fatalf("xprop: %v: %s", err, out)
		}
		return env
	}
	first, second := marked("first"), marked("second")
	early := start(t, l, Spec{Command: "read line; xprop -root MARK"}, first...)
	if err := early.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := run(t, l, Spec{Command: "xprop -root MARK"}, "", second...); !strings.Contains(got.Stdout, `"second"`) {
		t.Errorf("the late session sees %q", got.Stdout)
	}
	var out output
	if _, err := early.Attach(t.Context(), strings.NewReader("\n"), &out, &out); err != nil {
		t.Fatal(err)
	}
	if !out.has(`"first"`)() {
		t.Errorf("the early session sees %q", out.String())
	}
}

// TestXClientsHaveToShowTheirCookie shows another one than the session's.
func TestXClientsHaveToShowTheirCookie(t *testing.T) {
	t.Parallel()
	sshtest.Program(t, "xdpyinfo")
	l := ownLink(t, xServer(t), "ForwardX11 yes", "ForwardX11Trusted yes", "LogLevel INFO")
	display, authority := sshtest.XServer(t)
	const command = `xauth -q add "$DISPLAY" MIT-MAGIC-COOKIE-1 00112233445566778899aabbccddeeff; xdpyinfo 2>&1`
	got := run(t, l, Spec{Command: command}, "", "PATH="+os.Getenv("PATH"), "DISPLAY="+display, "XAUTHORITY="+authority)
	if !strings.Contains(got.Stdout, "unable to open display") || got.Stderr != errWrongCookie.Error()+"\r\n" {
		t.Errorf("it shows %q and warns %q", got.Stdout, got.Stderr)
	}
}

func TestXEndsWithItsTimeout(t *testing.T) {
	t.Parallel()
	sshtest.Program(t, "xdpyinfo")
	l := ownLink(t, xServer(t), "ForwardX11 yes", "ForwardX11Trusted no", "ForwardX11Timeout 4", "LogLevel VERBOSE")
	display, authority := sshtest.XServer(t)
	const command = `xdpyinfo >/dev/null && echo early; n=0; while [ $n -lt 100 ] && xdpyinfo >/dev/null 2>&1; do n=$((n+1)); sleep 0.1; done; [ $n -lt 100 ] && echo late`
	got := run(t, l, Spec{Command: command}, "", "PATH="+os.Getenv("PATH"), "DISPLAY="+display, "XAUTHORITY="+authority)
	want := result{Stdout: "early\nlate\n", Stderr: "Rejected X11 connection after ForwardX11Timeout expired\r\n"}
	if got != want {
		t.Errorf("it is %+v, want %+v", got, want)
	}
}

func TestDisplaysHaveScreens(t *testing.T) {
	for name, want := range map[string]uint32{":0": 0, ":0.1": 1, "host:10.2": 2, ":0.x": 0, "unix:3.4": 4, "none": 0} {
		if got := screenOf(name); got != want {
			t.Errorf("%s has the screen %d, want %d", name, got, want)
		}
	}
}

// packet is the first of a client of X in an order of bytes, 'B' or 'l'.
func packet(order byte, protocol, cookie string) string {
	size := func(s string) string {
		if order == 'B' {
			return string([]byte{byte(len(s) >> 8), byte(len(s))})
		}
		return string([]byte{byte(len(s)), byte(len(s) >> 8)})
	}
	fill := func(s string) string { return s + strings.Repeat("\x00", -len(s)&3) }
	return string(order) + "\x00\x00\x0b\x00\x00" + size(protocol) + size(cookie) + "\x00\x00" + fill(protocol) + fill(cookie)
}

func TestCookiesAreReplacedInTheFirstPacket(t *testing.T) {
	const real, madeUp = "real real real!!", "made up, made up"
	d := display{protocol: magicCookie, real: []byte(real), madeUp: []byte(madeUp)}
	for name, row := range map[string]struct {
		sent string
		want string // of the error, or the packet with the real cookie
	}{
		"high bytes first":            {packet('B', magicCookie, madeUp), packet('B', magicCookie, real)},
		"low bytes first":             {packet('l', magicCookie, madeUp), packet('l', magicCookie, real)},
		"more after the packet":       {packet('l', magicCookie, madeUp) + "more", packet('l', magicCookie, real)},
		"another order":               {packet('x', magicCookie, madeUp), "Initial X11 packet contains bad byte order byte: 0x78"},
		"another cookie":              {packet('l', magicCookie, real), errWrongCookie.Error()},
		"a part of the cookie":        {packet('l', magicCookie, madeUp[:15]), errWrongCookie.Error()},
		"no cookie":                   {packet('l', "", ""), errWrongCookie.Error()},
		"another protocol":            {packet('l', "MIT-MAGIC-COOKIE-2", madeUp), errWrongCookie.Error()},
		"a cookie as long as it goes": {packet('l', magicCookie, strings.Repeat("x", 65535)), errWrongCookie.Error()},
		"a packet cut short":          {packet('l', magicCookie, madeUp)[:40], "X11 connection ended in its first packet: unexpected EOF"},
		"a head cut short":            {"l", "X11 connection ended before its first packet: unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := readSetup(strings.NewReader(row.sent))
			if err == nil && !d.knows(s) {
				err = errWrongCookie
			}
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				copy(s.cookie(), d.real)
				got = string(s)
			}
			if got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

func FuzzReadSetup(f *testing.F) {
	f.Add([]byte(packet('B', magicCookie, "0123456789abcdef")))
	f.Add([]byte(packet('l', "", "x")))
	f.Add([]byte("l\x00\x00\x0b\x00\x00\xff\xff\xff\xff\x00\x00"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		s, err := readSetup(strings.NewReader(string(sent)))
		if err != nil {
			return
		}
		if len(s) > setupHead+2*maxField || !strings.HasPrefix(string(sent), string(s)) {
			t.Fatalf("%q was read as %q", sent, s)
		}
		if made := packet(s[0], s.protocol(), string(s.cookie())); len(made) != len(s) || made[12:12+len(s.protocol())] != s.protocol() {
			t.Errorf("%q has the protocol %q and the cookie %q", s, s.protocol(), s.cookie())
		}
	})
}

// TestAClockOfTheInnerHostIsShown has xclock(1), behind a second server, draw on
// a display here: it is the picture of one that was started beside the display.
func TestAClockOfTheInnerHostIsShown(t *testing.T) {
	t.Parallel()
	const clock = "xclock -digital -strftime sally:port -geometry 300x100+10+20"
	sshtest.Program(t, "xclock")
	gate := sshtest.StartServer(t)
	l := ownLink(t, xServer(t), "Host "+sshtest.Alias, "ProxyJump gate", "ForwardX11 yes", "ForwardX11Trusted yes",
		"Host gate", "HostName 127.0.0.1", fmt.Sprintf("Port %d", gate.Port), "IdentityFile "+gate.Path("id"), "IdentitiesOnly yes",
		"UserKnownHostsFile "+gate.Path("known_hosts"), "GlobalKnownHostsFile none", "BatchMode yes")
	var shown [2]func() string
	var envs [2][]string
	for i := range shown {
		display, authority := sshtest.XServer(t)
		envs[i] = []string{"PATH=" + os.Getenv("PATH"), "DISPLAY=" + display, "XAUTHORITY=" + authority}
		shown[i] = func() string {
			look := exec.Command(sshtest.Program(t, "xwd"), "-root", "-silent")
			look.Env = envs[i]
			picture, err := look.Output()
			if err != nil {
				t.Fatal(err)
			}
			return string(picture)
		}
	}
	blank := shown[0]()
	beside := exec.Command("sh", "-c", "exec "+clock)
	beside.Env = envs[0]
	if err := beside.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { beside.Process.Kill(); beside.Wait() })
	start(t, l, Spec{Command: clock}, envs[1]...)
	sshtest.Eventually(t, "both displays show the same clock", func() bool {
		here := shown[0]()
		return here != blank && here == shown[1]()
	})
}
