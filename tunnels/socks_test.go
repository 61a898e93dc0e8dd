package tunnels

import (
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

// conversation is what a client says, without waiting for answers, and what a
// proxy answers in all.
type conversation struct {
	name, says, hears string
	to                Address // zero: it is refused
	early             bool    // it ends before it is whole
}

const (
	noLogin    = "\x05\x00"
	granted5   = "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
	granted4   = "\x00\x5a\x00\x00\x00\x00\x00\x00"
	allMethods = "\x05\x03\x02\x00\x01"
)

// conversations go to a port, big-endian.
func conversations(port int) []conversation {
	p := string([]byte{byte(port >> 8), byte(port)})
	four, six := tcp("127.0.0.1", port), tcp("::1", port)
	return []conversation{
		{"SOCKS 4", "\x04\x01" + p + "\x7f\x00\x00\x01me\x00", granted4, four, false},
		{"SOCKS 4 without a user", "\x04\x01" + p + "\x7f\x00\x00\x01\x00", granted4, four, false},
		{"SOCKS 4A", "\x04\x01" + p + "\x00\x00\x00\x01me\x00localhost\x00", granted4, tcp("localhost", port), false},
		{"SOCKS 4 that binds", "\x04\x02" + p + "\x7f\x00\x00\x01\x00", "", Address{}, false},
		{"SOCKS 4 with an endless user", "\x04\x01" + p + "\x7f\x00\x00\x01" + strings.Repeat("x", 1200), "", Address{}, false},
		{"SOCKS 5 by IPv4", "\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01" + p, noLogin + granted5, four, false},
		{"SOCKS 5 by IPv6", "\x05\x01\x00\x05\x01\x00\x04" + strings.Repeat("\x00", 15) + "\x01" + p, noLogin + granted5, six, false},
		{"SOCKS 5 by name", "\x05\x01\x00\x05\x01\x00\x03\x09localhost" + p, noLogin + granted5, tcp("localhost", port), false},
		{"SOCKS 5 with several methods", allMethods + "\x05\x01\x00\x03\x09localhost" + p, noLogin + granted5, tcp("localhost", port), false},
		{"SOCKS 5 that insists on a login", "\x05\x01\x02\x05\x01\x00\x01\x7f\x00\x00\x01" + p, "", Address{}, false},
		{"SOCKS 5 that binds", "\x05\x01\x00\x05\x02\x00\x01\x7f\x00\x00\x01" + p, noLogin, Address{}, false},
		{"SOCKS 5 with something reserved", "\x05\x01\x00\x05\x01\x01\x01\x7f\x00\x00\x01" + p, noLogin, Address{}, false},
		{"SOCKS 5 by an unknown type of address", "\x05\x01\x00\x05\x01\x00\x02\x7f\x00\x00\x01" + p, noLogin, Address{}, false},
		{"SOCKS 6", "\x06\x01\x00", "", Address{}, false},
		{"a request of a browser", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "", Address{}, false},
		{"a request that ends early", "\x05\x01\x00\x05\x01\x00\x03\x09local", noLogin, Address{}, true},
	}
}

// TestSOCKSIsThatOfSSH holds the same conversations with the real ssh -D and
// with a tunnel. Who is refused hears as little as from ssh.
func TestSOCKSIsThatOfSSH(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	to := newTarget(t, "tcp", "127.0.0.1:0")
	port := to.Port
	theirs := Spec{Kind: Dynamic, Listen: tcp("", sshtest.FreePort(t))}
	sshForwards(t, s, theirs)
	ours := open(t, s, Spec{Kind: Dynamic, Listen: tcp("", sshtest.FreePort(t))})
	ours.ready(t)
	for _, row := range conversations(port) {
		t.Run(row.name, func(t *testing.T) {
			want := row.hears
			if row.to.Host == "::1" { // the target has no IPv6
				row.to, want = Address{}, noLogin
			} else if row.to != (Address{}) {
				want += "hello"
			}
			ssh := row.hold(t, theirs.Listen)
			if got := row.hold(t, ours.spec.Listen); got != ssh || got != want {
				t.Errorf("we answer %q, ssh %q; want %q", got, ssh, want)
			}
		})
	}
}

// hold has the conversation with a proxy, which leads to an echo, and is all
// that it says. ssh wants nobody to end before they are connected.
func (row conversation) hold(t *testing.T, proxy Address) string {
	c := dialEnd(t, proxy)
	defer c.Close()
	io.WriteString(c, row.says)
	if row.to != (Address{}) {
		heard := make([]byte, len(row.hears))
		if n, err := io.ReadFull(c, heard); err != nil {
			return string(heard[:n])
		}
		io.WriteString(c, "hello")
		c.CloseWrite()
		return string(heard) + all(c)
	}
	if row.early {
		c.CloseWrite()
	}
	got, _ := io.ReadAll(c) // ssh resets some of those that it does not serve
	return string(got)
}

func TestReadSOCKSTakesNotAByteMore(t *testing.T) {
	rows := append(conversations(0x1f90), // ssh -D waits for more of the next for ever
		conversation{name: "SOCKS 5 that changes its version", says: "\x05\x01\x00\x04\x01\x00\x01\x7f\x00\x00\x01\x00\x50", hears: noLogin})
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			more := "and more"
			if row.early {
				more = ""
			}
			client := &wire{Reader: iotest.OneByteReader(strings.NewReader(row.says + more))}
			request, err := readSOCKS(client)
			if (err == nil) != (row.to != Address{}) {
				t.Fatalf("the request gives %+v, %v", request, err)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(row.to, request.to); diff != "" {
				t.Errorf("the target (-want +got):\n%s", diff)
			}
			if got := client.String() + string(request.granted); got != row.hears {
				t.Errorf("the answer is %q, want %q", got, row.hears)
			}
			if rest, _ := io.ReadAll(client); string(rest) != more {
				t.Errorf("what is left to read is %q", rest)
			}
		})
	}
}

// wire is a client that can be read from, and keeps what is written to it.
type wire struct {
	io.Reader
	bytes.Buffer
}

func (w *wire) Read(b []byte) (int, error) { return w.Reader.Read(b) }

// FuzzReadSOCKS checks that no request is taken for another, costs more memory
// than its limit, or reads on behind its end.
func FuzzReadSOCKS(f *testing.F) {
	for _, row := range conversations(8080) {
		f.Add([]byte(row.says))
	}
	f.Fuzz(func(t *testing.T, says []byte) {
		in := bytes.NewReader(says)
		client := &wire{Reader: in}
		request, err := readSOCKS(client)
		read := len(says) - in.Len()
		if read > socksLimit {
			t.Errorf("%d bytes were read", read)
		}
		if err != nil {
			if err == io.EOF && len(says) > 0 {
				t.Errorf("a client that said %q is taken for one that has gone", says)
			}
			return
		}
		again, err := readSOCKS(&wire{Reader: bytes.NewReader(says[:read])})
		if diff := cmp.Diff(request, again, cmp.AllowUnexported(socksRequest{})); err != nil || diff != "" {
			t.Errorf("%q alone is read otherwise, %v:\n%s", says[:read], err, diff)
		}
		if _, err := readSOCKS(&wire{Reader: bytes.NewReader(says[:read-1])}); err == nil {
			t.Errorf("the last byte of %q does not matter", says[:read])
		}
		if strings.ContainsRune(request.to.Host, 0) || len(request.to.Host) > socksLimit || request.to.Port > 65535 {
			t.Errorf("the target is %+v", request.to)
		}
	})
}

// TestCurlGoesThroughSOCKS has a real client of each version fetch from the
// target, through a proxy here and through one at the far side.
func TestCurlGoesThroughSOCKS(t *testing.T) {
	t.Parallel()
	curl := sshtest.Program(t, "curl")
	s := sshtest.StartServer(t)
	to := serving(t, func(c conn) {
		c.Read(make([]byte, 4096))
		io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\nhere I am")
	})
	for _, kind := range []Kind{Dynamic, Remote} {
		tunnel := open(t, s, Spec{Kind: kind, Listen: tcp("", sshtest.FreePort(t))})
		tunnel.ready(t)
		for _, version := range []string{"--socks4", "--socks4a", "--socks5", "--socks5-hostname"} {
			t.Run(fmt.Sprintf("-%s, %s", kind, version), func(t *testing.T) {
				proxy := fmt.Sprintf("127.0.0.1:%d", tunnel.spec.Listen.Port)
				out, err := exec.Command(curl, "-sS", "-4", version, proxy, fmt.Sprintf("http://localhost:%d/", to.Port)).CombinedOutput()
				if err != nil || string(out) != "here I am" {
					t.Errorf("curl gets %q, %v", out, err)
				}
			})
		}
		t.Run(fmt.Sprintf("-%s, a name that only the other side looks up", kind), func(t *testing.T) {
			conversation{says: socksTo(tcp("nowhere.invalid", 80))}.hold(t, tunnel.spec.Listen)
			who := map[Kind]string{Dynamic: `"targaryen" cannot reach nowhere.invalid:80`, Remote: `connecting from here to "nowhere.invalid:80"`}[kind]
			sshtest.Eventually(t, "it is told who could not look it up", func() bool {
				e := tunnel.Status().LastError
				return e != nil && strings.Contains(e.Message, who)
			})
		})
	}
}

func TestWhoIsNotUnderstoodIsNamed(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	tunnel := open(t, s, Spec{Kind: Dynamic, Listen: tcp("", sshtest.FreePort(t))})
	tunnel.ready(t)
	conversation{early: true}.hold(t, tunnel.spec.Listen)
	sshtest.Eventually(t, "the mute one is over", func() bool { s := tunnel.Status(); return s.Total == 1 && s.Open == 0 })
	if e := tunnel.Status().LastError; e != nil {
		t.Errorf("a client that said nothing is told as %v", e)
	}
	conversation{says: "GET / HTTP/1.1\r\n\r\n"}.hold(t, tunnel.spec.Listen)
	want := fmt.Sprintf(`a client of "D %d" was not understood: it does not begin as SOCKS 4 or 5 do`, tunnel.spec.Listen.Port)
	sshtest.Eventually(t, "the other one is told", func() bool { return tunnel.Status().LastError != nil })
	if e := tunnel.Status().LastError; e.Message != want || e.Code != "socks" {
		t.Errorf("the browser is told as %s %q, want %q", e.Code, e.Message, want)
	}
}

// FuzzPermitted checks that a target is permitted by its own word, and nothing
// by none.
func FuzzPermitted(f *testing.F) {
	f.Add("localhost", 80)
	f.Add("::1", 65535)
	f.Fuzz(func(t *testing.T, host string, port int) {
		to := tcp(host, port)
		if (Options{Permit: []string{"none"}}).permitted(to) {
			t.Errorf("none permits %v", to)
		}
		if !(Options{}).permitted(to) {
			t.Errorf("any does not permit %v", to)
		}
		if port > 0 && port < 65536 && !strings.ContainsAny(host, "[]") && !(Options{Permit: []string{to.dialled()}}).permitted(to) {
			t.Errorf("%s does not permit itself", to.dialled())
		}
	})
}
