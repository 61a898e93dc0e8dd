package tunnels

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/internal/sshtest"
)

// conn is a connection that can be closed one way.
type conn interface {
	net.Conn
	CloseWrite() error
}

// form is a forward of some kind between ends of some kind.
type form struct {
	name    string
	kind    Kind
	listen  string // "tcp" or "unix"
	connect string // the same, or "socks"
}

var forms = []form{
	{"a local port to a port", Local, "tcp", "tcp"},
	{"a local port to a socket", Local, "tcp", "unix"},
	{"a local socket to a port", Local, "unix", "tcp"},
	{"a local socket to a socket", Local, "unix", "unix"},
	{"a local SOCKS proxy", Dynamic, "tcp", "socks"},
	{"a remote port to a port", Remote, "tcp", "tcp"},
	{"a remote port to a socket", Remote, "tcp", "unix"},
	{"a remote socket to a port", Remote, "unix", "tcp"},
	{"a remote socket to a socket", Remote, "unix", "unix"},
	{"a remote SOCKS proxy", Remote, "tcp", "socks"},
}

// spec is a forward of the form to a target. Both sides of the tests are on
// one machine, so its listener can be reached from here wherever it is.
func (f form) spec(t testing.TB, to Address) Spec {
	s := Spec{Kind: f.kind, Listen: tcp("", 0), Connect: to}
	if f.listen == "unix" {
		s.Listen = unix(filepath.Join(shortDir(t), "listen"))
	} else {
		s.Listen.Port = sshtest.FreePort(t)
	}
	if f.connect == "socks" {
		s.Connect = Address{}
	}
	return s
}

// target listens on an end of the kind that the form leads to.
func (f form) target(t testing.TB) *farTarget {
	if f.connect == "unix" {
		return newTarget(t, "unix", filepath.Join(shortDir(t), "target"))
	}
	return newTarget(t, "tcp", "127.0.0.1:0")
}

// dial connects to a forward of the form.
func (f form) dial(t testing.TB, s Spec, to Address) conn {
	t.Helper()
	if f.connect == "socks" {
		return dialSOCKS(t, s.Listen, to)
	}
	return dialEnd(t, s.Listen)
}

// shortDir is a directory for sockets, whose paths are short.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// dialEnd connects to a listener of this machine.
func dialEnd(t testing.TB, a Address) conn {
	t.Helper()
	if a.Network == "tcp" {
		a.Host = "127.0.0.1"
	}
	c, err := net.Dial(a.Network, a.dialled())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(60 * time.Second))
	return c.(conn)
}

// dialSOCKS asks a proxy for a target, by SOCKS 5.
func dialSOCKS(t testing.TB, proxy, to Address) conn {
	t.Helper()
	c := dialEnd(t, proxy)
	c.Write([]byte{5, 1, 0})
	request := append([]byte{5, 1, 0, 3, byte(len(to.Host))}, to.Host...)
	c.Write(append(request, byte(to.Port>>8), byte(to.Port)))
	answer := make([]byte, 12)
	if _, err := io.ReadFull(c, answer); err != nil || !bytes.Equal(answer, []byte{5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0}) {
		t.Fatalf("the proxy answers %v, %v", answer, err)
	}
	return c
}

// farTarget serves each connection as it was told last.
type farTarget struct {
	Address
	handle atomic.Pointer[func(conn)]
}

func newTarget(t testing.TB, network, address string) *farTarget {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	at := &farTarget{Address: unix(address)}
	if network == "tcp" {
		at.Address = tcp("127.0.0.1", l.Addr().(*net.TCPAddr).Port)
	}
	at.serve(echo)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			handle := *at.handle.Load()
			wg.Go(func() { defer c.Close(); handle(c.(conn)) })
		}
	})
	t.Cleanup(func() { l.Close() })
	return at
}

func (a *farTarget) serve(handle func(conn)) { a.handle.Store(&handle) }

// sshForwards runs the real ssh with a forward until the test ends, or until
// what it returns is called. It listens when this returns, if it can.
func sshForwards(t testing.TB, s *sshtest.Server, spec Spec, options ...string) (stop func()) {
	t.Helper()
	args := append(options, "-"+string(spec.Kind), spec.argument(), sshtest.Alias, "echo ready; exec cat")
	cmd := s.SSH(t, args...)
	said := &strings.Builder{}
	cmd.Stderr = said
	in, _ := cmd.StdinPipe()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() { in.Close(); cmd.Process.Kill(); cmd.Wait() })
	t.Cleanup(stop)
	// The command comes after all requests to forward.
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		stop()
		t.Fatalf("ssh says %q, %v: %s", line, err, said)
	}
	return stop
}

// TestEachWayEndsOnItsOwn runs one table direct, through the real ssh and
// through a tunnel, in each form: all must look the same to both ends.
func TestEachWayEndsOnItsOwn(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	direct := form{name: "direct", listen: "tcp", connect: "tcp"}
	to := direct.target(t)
	endings(t, to, func(t *testing.T) conn { return dialEnd(t, to.Address) })
	for _, f := range forms {
		t.Run("through ssh, "+f.name, func(t *testing.T) {
			t.Parallel()
			to := f.target(t)
			spec := f.spec(t, to.Address)
			sshForwards(t, s, spec)
			endings(t, to, func(t *testing.T) conn { return f.dial(t, spec, to.Address) })
		})
		t.Run("through a tunnel, "+f.name, func(t *testing.T) {
			t.Parallel()
			to := f.target(t)
			spec := f.spec(t, to.Address)
			open(t, s, spec).ready(t)
			endings(t, to, func(t *testing.T) conn { return f.dial(t, spec, to.Address) })
		})
	}
}

// endings are the ways in which a connection can end.
func endings(t *testing.T, to *farTarget, dial func(*testing.T) conn) {
	heard := make(chan string, 1) // what the target has read to its end
	for _, row := range []struct {
		name   string
		handle func(conn)
		client func(c conn) string
		want   string
	}{
		{
			name:   "the client ends first and still gets the answer",
			handle: func(c conn) { b, _ := io.ReadAll(c); fmt.Fprintf(c, "%d bytes", len(b)) },
			client: func(c conn) string {
				c.Write(bytes.Repeat([]byte("x"), 100_000))
				c.CloseWrite()
				return all(c)
			},
			want: "100000 bytes",
		},
		{
			name: "the far end ends first and still gets the rest",
			handle: func(c conn) {
				io.WriteString(c, "bye")
				c.CloseWrite()
				b, _ := io.ReadAll(c)
				heard <- fmt.Sprintf("%d bytes", len(b))
			},
			client: func(c conn) string {
				got := all(c)
				c.Write(bytes.Repeat([]byte("x"), 100_000))
				c.CloseWrite()
				return got + ", " + <-heard
			},
			want: "bye, 100000 bytes",
		},
		{
			name:   "the far end closes at once",
			handle: func(c conn) {},
			client: func(c conn) string { return all(c) },
			want:   "",
		},
		{
			name: "the far end closes while the client still sends, and its answer arrives",
			handle: func(c conn) {
				io.ReadFull(c, make([]byte, 10))
				io.WriteString(c, "too large")
				c.CloseWrite()
				io.Copy(io.Discard, c)
			},
			client: func(c conn) string {
				go func() { c.Write(make([]byte, 1<<20)) }()
				return all(c)
			},
			want: "too large",
		},
		{
			name:   "every byte value passes",
			handle: echo,
			client: func(c conn) string {
				c.Write(everyByte())
				c.CloseWrite()
				return all(c)
			},
			want: string(everyByte()),
		},
	} {
		to.serve(row.handle)
		if got := row.client(dial(t)); got != row.want {
			t.Errorf("%s: got %.100q, want %.100q", row.name, got, row.want)
		}
	}
}

func echo(c conn) { io.Copy(c, c); c.CloseWrite() }

func all(c net.Conn) string {
	b, err := io.ReadAll(c)
	if err != nil {
		return string(b) + err.Error()
	}
	return string(b)
}

func everyByte() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// TestMuchPassesInEachForm sends many windows both ways at once.
func TestMuchPassesInEachForm(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	for _, f := range forms {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			size := passes(t)
			to := f.target(t)
			sums := make(chan uint64, 1)
			to.serve(func(c conn) {
				var down sync.WaitGroup
				down.Go(func() { io.Copy(c, sshtest.Noise(2, size)); c.CloseWrite() })
				sums <- sum(c)
				down.Wait()
			})
			spec := f.spec(t, to.Address)
			tunnel := open(t, s, spec)
			tunnel.ready(t)
			c := f.dial(t, spec, to.Address)
			go func() { io.Copy(c, sshtest.Noise(1, size)); c.CloseWrite() }()
			if got, want := sum(c), sum(sshtest.Noise(2, size)); got != want {
				t.Error("what the client got is not what was sent")
			}
			if got, want := <-sums, sum(sshtest.Noise(1, size)); got != want {
				t.Error("what the target got is not what was sent")
			}
			sshtest.Eventually(t, "the connection is over", func() bool { return tunnel.Status().Open == 0 })
			if got := tunnel.Status(); got.Sent != size || got.Received != size || got.Total != 1 || got.State != Up {
				t.Errorf("the status is %+v", got)
			}
		})
	}
}

// passes is how many bytes go each way: PASSES has more than a test of every
// day needs.
func passes(t *testing.T) int64 {
	if text := os.Getenv("PASSES"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return 3 << 20 // more than the window of a channel
}
