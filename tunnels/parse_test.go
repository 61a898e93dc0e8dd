package tunnels

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

func tcp(host string, port int) Address { return Address{Network: "tcp", Host: host, Port: port} }
func unix(path string) Address          { return Address{Network: "unix", Path: path} }

// forwards are read by Parse and by the real ssh. A row with text is refused
// with these words.
var forwards = []struct {
	name    string
	kind    Kind
	in      string
	want    Spec
	refused string
	own     bool // ssh -L does not take it: it is ssh_config's form
}{
	{name: "a port, a host and a port", kind: Local, in: "8080:host:80", want: Spec{Kind: Local, Listen: tcp("", 8080), Connect: tcp("host", 80)}},
	{name: "a bind address", kind: Local, in: "bind:8080:host:80", want: Spec{Kind: Local, Listen: tcp("bind", 8080), Connect: tcp("host", 80)}},
	{name: "a star for everywhere", kind: Local, in: "*:8080:host:80", want: Spec{Kind: Local, Listen: tcp("*", 8080), Connect: tcp("host", 80)}},
	{name: "an empty bind address for everywhere", kind: Local, in: ":8080:host:80", want: Spec{Kind: Local, Listen: tcp("*", 8080), Connect: tcp("host", 80)}},
	{name: "IPv6 at both ends", kind: Local, in: "[::1]:8080:[::2]:80", want: Spec{Kind: Local, Listen: tcp("::1", 8080), Connect: tcp("::2", 80)}},
	{name: "a listening socket", kind: Local, in: "/run/x.sock:host:80", want: Spec{Kind: Local, Listen: unix("/run/x.sock"), Connect: tcp("host", 80)}},
	{name: "a target socket", kind: Local, in: "8080:/run/y.sock", want: Spec{Kind: Local, Listen: tcp("", 8080), Connect: unix("/run/y.sock")}},
	{name: "a target socket and a bind address", kind: Local, in: "a:8080:/y", want: Spec{Kind: Local, Listen: tcp("a", 8080), Connect: unix("/y")}},
	{name: "sockets at both ends", kind: Local, in: "/x:/y", want: Spec{Kind: Local, Listen: unix("/x"), Connect: unix("/y")}},
	{name: "a socket in brackets, with a colon", kind: Local, in: "8080:[/a:b]", want: Spec{Kind: Local, Listen: tcp("", 8080), Connect: unix("/a:b")}},
	{name: "an escaped colon", kind: Local, in: `/a\:b:host:80`, want: Spec{Kind: Local, Listen: unix("/a:b"), Connect: tcp("host", 80)}},
	{name: "an escaped slash is no path", kind: Local, in: `8080:a\/b:80`, want: Spec{Kind: Local, Listen: tcp("", 8080), Connect: tcp("a/b", 80)}},
	{name: "a slash makes a path", kind: Local, in: "8080:host/80", want: Spec{Kind: Local, Listen: tcp("", 8080), Connect: unix("host/80")}},
	{name: "a path with a space", kind: Local, in: "/my sock:host:80", want: Spec{Kind: Local, Listen: unix("/my sock"), Connect: tcp("host", 80)}},
	{name: "a service by name", kind: Local, in: "8080:host:http", want: Spec{Kind: Local, Listen: tcp("", 8080), Connect: tcp("host", 80)}},
	{name: "a number with zeros and a sign", kind: Local, in: "008080:host:+80", want: Spec{Kind: Local, Listen: tcp("", 8080), Connect: tcp("host", 80)}},
	{name: "a target without a host", kind: Local, in: "8080::80", want: Spec{Kind: Local, Listen: tcp("", 8080), Connect: tcp("", 80)}},
	{name: "a colon at the end", kind: Local, in: "8080:host:80:", want: Spec{Kind: Local, Listen: tcp("", 8080), Connect: tcp("host", 80)}},
	{name: "spaces before", kind: Local, in: "  8080:host:80", want: Spec{Kind: Local, Listen: tcp("", 8080), Connect: tcp("host", 80)}},
	{name: "a port alone is no local forward", kind: Local, in: "8080", refused: "it has the wrong number of parts"},
	{name: "nor are a port and a host", kind: Local, in: "8080:host", refused: "it has the wrong number of parts"},
	{name: "nor a socket and a port", kind: Local, in: "/s:8080", refused: "it has the wrong number of parts"},
	{name: "nothing at all", kind: Local, in: "", refused: "it has the wrong number of parts"},
	{name: "five parts", kind: Local, in: "1:2:3:4:5", refused: "it has the wrong number of parts"},
	{name: "a bracket that stays open", kind: Local, in: "[a:8080:h:80", refused: "it has the wrong number of parts"},
	{name: "a bracket with something after it", kind: Local, in: "[::1]x:8080:h:80", refused: "it has the wrong number of parts"},
	{name: "a backslash at the end", kind: Local, in: `8080:h:80\`, refused: "it has the wrong number of parts"},
	{name: "port 0", kind: Local, in: "0:host:80", refused: `"0" is no port (1 to 65535)`},
	{name: "port 65536", kind: Local, in: "8080:host:65536", refused: `"65536" is no port (1 to 65535)`},
	{name: "a negative port", kind: Local, in: "8080:host:-1", refused: `"-1" is no port (1 to 65535)`},
	{name: "an empty port", kind: Local, in: "8080:host::", refused: `"" is no port (1 to 65535)`},
	{name: "a word for a port", kind: Local, in: "8080:host:nosuchservice", refused: `"nosuchservice" is no port (1 to 65535)`},
	{name: "a path too long for a socket", kind: Local, in: "8080:/" + strings.Repeat("x", 107), refused: "the path of a socket has at most 107 bytes"},
	{name: "the longest path of a socket", kind: Local, in: "8080:/" + strings.Repeat("x", 106), want: Spec{Kind: Local, Listen: tcp("", 8080), Connect: unix("/" + strings.Repeat("x", 106))}},
	{name: "a host too long", kind: Local, in: "8080:" + strings.Repeat("x", 1025) + ":80", refused: "the host name is too long"},

	{name: "two words", kind: Local, in: "8080 host:80", want: Spec{Kind: Local, Listen: tcp("", 8080), Connect: tcp("host", 80)}, own: true},
	{name: "two words as ssh -G prints them", kind: Local, in: "[::1]:8080 [targaryen]:8080", want: Spec{Kind: Local, Listen: tcp("::1", 8080), Connect: tcp("targaryen", 8080)}, own: true},
	{name: "two words with many spaces", kind: Local, in: "8080 \t host:80 ", want: Spec{Kind: Local, Listen: tcp("", 8080), Connect: tcp("host", 80)}, own: true},
	{name: "two words with sockets", kind: Local, in: "/x /y", want: Spec{Kind: Local, Listen: unix("/x"), Connect: unix("/y")}, own: true},
	{name: "two words, of which one is no target", kind: Local, in: "8080 host", refused: "it has the wrong number of parts"},
	{name: "three words", kind: Local, in: "8080 host:80 more", refused: "it has the wrong number of parts"},

	{name: "a remote forward", kind: Remote, in: "8080:host:80", want: Spec{Kind: Remote, Listen: tcp("", 8080), Connect: tcp("host", 80)}},
	{name: "a remote forward to any port", kind: Remote, in: "0:host:80", want: Spec{Kind: Remote, Listen: tcp("", 0), Connect: tcp("host", 80)}},
	{name: "a remote SOCKS proxy", kind: Remote, in: "1080", want: Spec{Kind: Remote, Listen: tcp("", 1080)}},
	{name: "a remote SOCKS proxy on an address", kind: Remote, in: "a:1080", want: Spec{Kind: Remote, Listen: tcp("a", 1080)}},
	{name: "a remote SOCKS proxy on a socket", kind: Remote, in: "/s", want: Spec{Kind: Remote, Listen: unix("/s")}},
	{name: "remote sockets", kind: Remote, in: "/x:/y", want: Spec{Kind: Remote, Listen: unix("/x"), Connect: unix("/y")}},
	{name: "a remote forward in two words", kind: Remote, in: "8080 host:80", want: Spec{Kind: Remote, Listen: tcp("", 8080), Connect: tcp("host", 80)}, own: true},
	{name: "a remote forward to nowhere", kind: Remote, in: "8080:host", refused: `"host" is no port (0 to 65535)`},

	{name: "a dynamic forward", kind: Dynamic, in: "1080", want: Spec{Kind: Dynamic, Listen: tcp("", 1080)}},
	{name: "a dynamic forward everywhere", kind: Dynamic, in: "*:1080", want: Spec{Kind: Dynamic, Listen: tcp("*", 1080)}},
	{name: "a dynamic forward on IPv6", kind: Dynamic, in: "[::1]:1080", want: Spec{Kind: Dynamic, Listen: tcp("::1", 1080)}},
	{name: "a dynamic forward on a socket", kind: Dynamic, in: "/s", want: Spec{Kind: Dynamic, Listen: unix("/s")}},
	{name: "a dynamic forward with a target", kind: Dynamic, in: "1080:host:80", refused: "it has the wrong number of parts"},
}

func TestParseReadsForwards(t *testing.T) {
	for _, row := range forwards {
		t.Run(row.name, func(t *testing.T) {
			got, err := Parse(row.kind, row.in)
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("Parse(%s, %q) (-want +got):\n%s", row.kind, row.in, diff)
			}
			want := ""
			if row.refused != "" {
				want = fmt.Sprintf("%q is no %s: %s", row.in, example[row.kind], row.refused)
			}
			if got := text(err); got != want {
				t.Errorf("Parse(%s, %q) says\n%s\nwant\n%s", row.kind, row.in, got, want)
			}
		})
	}
}

func TestParseReadsForwardsAsSSHDoes(t *testing.T) {
	t.Parallel()
	sshtest.Program(t, "ssh")
	for _, row := range forwards {
		if row.own || row.in == "" {
			continue
		}
		t.Run(row.name, func(t *testing.T) {
			got := "refused"
			if spec, err := Parse(row.kind, row.in); err == nil {
				got = dumped(spec)
			}
			if want := sshReads(t, row.kind, row.in); got != want {
				t.Errorf("%s %q is read as %s; ssh reads it as %s", row.kind, row.in, got, want)
			}
		})
	}
}

func TestParseReadsWhatSSHPrints(t *testing.T) {
	t.Parallel()
	sshtest.Program(t, "ssh")
	for _, row := range forwards {
		if row.own || row.refused != "" || strings.ContainsAny(row.in, `\ `) || strings.Contains(row.in, "[/") || strings.Contains(row.in, "host/80") {
			continue // ssh -G prints without escapes what it has read
		}
		t.Run(row.name, func(t *testing.T) {
			_, printed, _ := strings.Cut(sshReads(t, row.kind, row.in), " ")
			printed = strings.TrimSuffix(printed, " [socks]:0")
			got, err := Parse(row.kind, printed)
			if diff := cmp.Diff(row.want, got); err != nil || diff != "" {
				t.Errorf("Parse(%s, %q): %v (-want +got):\n%s", row.kind, printed, err, diff)
			}
		})
	}
}

// dumped is a forward as dump_cfg_forwards of readconf.c prints it.
func dumped(s Spec) string {
	keyword := map[Kind]string{Local: "localforward", Remote: "remoteforward", Dynamic: "dynamicforward"}[s.Kind]
	listen := fmt.Sprint(s.Listen.Port)
	switch {
	case s.Listen.Network == "unix":
		listen = s.Listen.Path
	case s.Listen.Host != "":
		listen = fmt.Sprintf("[%s]:%d", s.Listen.Host, s.Listen.Port)
	}
	switch {
	case s.Kind == Dynamic:
		return keyword + " " + listen
	case s.Connect == Address{}:
		return keyword + " " + listen + " [socks]:0"
	case s.Connect.Network == "unix":
		return keyword + " " + listen + " " + s.Connect.Path
	}
	return fmt.Sprintf("%s %s [%s]:%d", keyword, listen, s.Connect.Host, s.Connect.Port)
}

// sshReads is the line of ssh -G for a forward. An empty bind address, which
// it prints as it was written, is written as the star that it stands for.
func sshReads(t *testing.T, kind Kind, in string) string {
	t.Helper()
	out, err := exec.Command("ssh", "-F", "none", "-G", "-"+string(kind), in, "x").CombinedOutput()
	if err != nil && regexp.MustCompile(`^Bad \w+ forwarding specification`).Match(out) {
		return "refused"
	}
	keyword := map[Kind]string{Local: "localforward", Remote: "remoteforward", Dynamic: "dynamicforward"}[kind]
	line := regexp.MustCompile(`(?m)^` + keyword + ` .*$`).Find(out)
	if err != nil || line == nil {
		t.Fatalf("ssh -G -%s %q: %v\n%s", kind, in, err, out)
	}
	return strings.Replace(string(line), "forward []:", "forward [*]:", 1)
}

func TestStringIsStable(t *testing.T) {
	for _, row := range []struct {
		spec Spec
		want string
	}{
		{Spec{Kind: Local, Listen: tcp("", 8080), Connect: tcp("targaryen", 8080)}, "L 8080:targaryen:8080"},
		{Spec{Kind: Local, Listen: tcp("*", 8080), Connect: tcp("::1", 80)}, "L *:8080:[::1]:80"},
		{Spec{Kind: Local, Listen: unix("/a:b c"), Connect: tcp("", 80)}, `L /a\:b\ c::80`},
		{Spec{Kind: Local, Listen: tcp("::1", 1), Connect: unix("[a/b")}, `L [::1]:1:\[a/b`},
		{Spec{Kind: Local, Listen: tcp("", 1), Connect: tcp("a/b:c", 2)}, `L 1:a\/b\:c:2`},
		{Spec{Kind: Remote, Listen: tcp("", 0), Connect: tcp("h", 1)}, "R 0:h:1"},
		{Spec{Kind: Dynamic, Listen: tcp("", 1080)}, "D 1080"},
	} {
		t.Run(row.want, func(t *testing.T) {
			if got := row.spec.String(); got != row.want {
				t.Errorf("String() = %s, want %s", got, row.want)
			}
		})
	}
}

// FuzzParse checks that what Parse reads is written so that it reads the same.
func FuzzParse(f *testing.F) {
	for _, row := range forwards {
		f.Add(string(row.kind), row.in)
	}
	f.Fuzz(func(t *testing.T, kind, in string) {
		spec, err := Parse(Kind(kind), in)
		if err != nil {
			return
		}
		written := spec.argument()
		again, err := Parse(Kind(kind), written)
		if diff := cmp.Diff(spec, again); err != nil || diff != "" {
			t.Errorf("Parse(%q) is written %q, which reads otherwise: %v\n%s", in, written, err, diff)
		}
	})
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
