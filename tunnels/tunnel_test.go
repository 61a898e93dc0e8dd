package tunnels

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sallyport/internal/sshtest"
	"sallyport/transport"
)

// opened is a tunnel under test, with all that it has told.
type opened struct {
	*Tunnel
	link *link

	mu   sync.Mutex // guards told
	told []Status
}

// open opens a tunnel on a link of its own.
func open(t *testing.T, s *sshtest.Server, spec Spec) *opened {
	t.Helper()
	var tunnel atomic.Pointer[Tunnel]
	o := &opened{}
	o.link = newLink(t, s, func(status transport.LinkStatus) {
		if t := tunnel.Load(); t != nil {
			t.LinkChanged(status)
		}
	})
	o.Tunnel = Open(t.Context(), o.link, Identity{ID: "t1", Host: "targaryen", Config: "/etc/c"}, spec, func(s Status) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.told = append(o.told, s)
	})
	tunnel.Store(o.Tunnel)
	o.LinkChanged(o.link.Status()) // it may have moved before the pointer was there
	t.Cleanup(o.Close)
	return o
}

func (o *opened) history() []Status {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]Status(nil), o.told...)
}

func (o *opened) wait(t *testing.T, state State) {
	t.Helper()
	sshtest.Eventually(t, "the tunnel is "+string(state), func() bool { return o.Status().State == state })
}

func (o *opened) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	sshtest.Eventually(t, "the port is taken", func() bool { return len(o.history()) > 0 })
	return dial(t, fmt.Sprintf("127.0.0.1:%d", o.spec.Listen.Port))
}

func dial(t *testing.T, address string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(60 * time.Second))
	return c.(*net.TCPConn)
}

// serving serves each connection with handle and is where a tunnel leads.
func serving(t *testing.T, handle func(*net.TCPConn)) Address {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); handle(c.(*net.TCPConn)) }()
		}
	}()
	return tcp("127.0.0.1", l.Addr().(*net.TCPAddr).Port)
}

func echo(c *net.TCPConn) { io.Copy(c, c); c.CloseWrite() }

func local(t *testing.T, to Address) Spec {
	return Spec{Kind: Local, Listen: tcp("", sshtest.FreePort(t)), Connect: to}
}

// TestEachWayEndsOnItsOwn runs one table direct, through ssh -L and through a
// tunnel: all three must look the same to both ends.
func TestEachWayEndsOnItsOwn(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	rows := []struct {
		name   string
		handle func(*net.TCPConn) // the far end
		client func(t *testing.T, c *net.TCPConn) string
		want   string
	}{
		{
			name:   "the client ends first and still gets the answer",
			handle: func(c *net.TCPConn) { b, _ := io.ReadAll(c); fmt.Fprintf(c, "%d bytes", len(b)) },
			client: func(t *testing.T, c *net.TCPConn) string {
				c.Write(bytes.Repeat([]byte("x"), 100_000))
				c.CloseWrite()
				return all(c)
			},
			want: "100000 bytes",
		},
		{
			name: "the far end ends first and still gets the rest",
			handle: func(c *net.TCPConn) {
				io.WriteString(c, "bye")
				c.CloseWrite()
				b, _ := io.ReadAll(c)
				heard <- fmt.Sprintf("%d bytes", len(b))
			},
			client: func(t *testing.T, c *net.TCPConn) string {
				got := all(c)
				c.Write(bytes.Repeat([]byte("x"), 100_000))
				c.CloseWrite()
				return got + ", " + <-heard
			},
			want: "bye, 100000 bytes",
		},
		{
			name:   "the far end closes at once",
			handle: func(c *net.TCPConn) {},
			client: func(t *testing.T, c *net.TCPConn) string { return all(c) },
			want:   "",
		},
		{
			name: "the far end closes while the client still sends, and its answer arrives",
			handle: func(c *net.TCPConn) {
				io.ReadFull(c, make([]byte, 10))
				io.WriteString(c, "too large")
				c.CloseWrite()
				io.Copy(io.Discard, c)
			},
			client: func(t *testing.T, c *net.TCPConn) string {
				go func() { c.Write(make([]byte, 1<<20)) }()
				return all(c)
			},
			want: "too large",
		},
		{
			name:   "every byte value passes",
			handle: echo,
			client: func(t *testing.T, c *net.TCPConn) string {
				c.Write(everyByte())
				c.CloseWrite()
				return all(c)
			},
			want: string(everyByte()),
		},
	}
	for _, row := range rows {
		to := serving(t, row.handle)
		direct := func(t *testing.T) *net.TCPConn { return dial(t, to.String()) }
		throughSSH := func(t *testing.T) *net.TCPConn { return dial(t, forward(t, s, to)) }
		through := func(t *testing.T) *net.TCPConn { return open(t, s, local(t, to)).dial(t) }
		for _, way := range []struct {
			name string
			dial func(*testing.T) *net.TCPConn
		}{{"direct", direct}, {"through ssh -L", throughSSH}, {"through a tunnel", through}} {
			t.Run(row.name+", "+way.name, func(t *testing.T) {
				if got := row.client(t, way.dial(t)); got != row.want {
					t.Errorf("got %.100q, want %.100q", got, row.want)
				}
			})
		}
	}
}

// heard is what a far end has read to its end.
var heard = make(chan string, 1)

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

// forward is the address of a real ssh -L.
func forward(t *testing.T, s *sshtest.Server, to Address) string {
	t.Helper()
	port := strconv.Itoa(sshtest.FreePort(t))
	cmd := s.SSH(t, "-N", "-oExitOnForwardFailure=yes", "-L", port+":"+to.String(), sshtest.Alias)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	sshtest.Eventually(t, "ssh -L listens", func() bool { return holderOf(atoi(port)).pid != 0 })
	return "127.0.0.1:" + port
}

func atoi(s string) int { n, _ := strconv.Atoi(s); return n }

func TestMuchPassesBothWaysAtOnce(t *testing.T) {
	t.Parallel()
	const size = 32 << 20 // many windows of 2 MiB
	s := sshtest.StartServer(t)
	sums := make(chan uint64, 1)
	to := serving(t, func(c *net.TCPConn) {
		var down sync.WaitGroup
		down.Go(func() { io.Copy(c, noise(2, size)); c.CloseWrite() })
		sums <- sum(c)
		down.Wait()
	})
	tunnel := open(t, s, local(t, to))
	c := tunnel.dial(t)
	go func() { io.Copy(c, noise(1, size)); c.CloseWrite() }()

	if got, want := sum(c), sum(noise(2, size)); got != want {
		t.Error("what came down is not what was sent")
	}
	if got, want := <-sums, sum(noise(1, size)); got != want {
		t.Error("what went up is not what was sent")
	}
	sshtest.Eventually(t, "the connection is over", func() bool { return tunnel.Status().Open == 0 })
	want := Status{
		ID: "t1", Host: "targaryen", Config: "/etc/c", Link: tunnel.link.Status().ID, Spec: tunnel.spec,
		State: Up, Total: 1, Sent: size, Received: size,
	}
	if diff := cmp.Diff(want, tunnel.Status(), cmpopts.IgnoreFields(Status{}, "Since")); diff != "" {
		t.Errorf("the status (-want +got):\n%s", diff)
	}
	checkRate(t, tunnel.history())
}

// checkRate fails if counters alone were told more than 4 times a second.
func checkRate(t *testing.T, told []Status) {
	t.Helper()
	first, last, counts := told[0].Since, time.Now(), 0
	for i := 1; i < len(told); i++ {
		if told[i].State == told[i-1].State {
			counts++
		}
	}
	if most := int(last.Sub(first)/publishEvery) + 2; counts > most {
		t.Errorf("%d changes of the counters were told in %s, at most %d may be", counts, last.Sub(first), most)
	}
}

// noise repeats a block whose length is a prime, so that a byte lost or moved
// anywhere shows, at little cost.
func noise(seed byte, size int64) io.Reader {
	block := make([]byte, 1_000_003)
	rand.NewChaCha8([32]byte{seed}).Read(block)
	return io.LimitReader(&repeated{block: block}, size)
}

type repeated struct {
	block []byte
	at    int
}

func (r *repeated) Read(b []byte) (int, error) {
	n := copy(b, r.block[r.at:])
	r.at = (r.at + n) % len(r.block)
	return n, nil
}

func sum(r io.Reader) uint64 {
	h := crc64.New(crc64.MakeTable(crc64.ECMA))
	io.Copy(h, r)
	return h.Sum64()
}

func TestARefusedTargetLeavesNothingBehind(t *testing.T) {
	s := sshtest.StartServer(t)
	tunnel := open(t, s, local(t, tcp("127.0.0.1", sshtest.FreePort(t))))
	refused := func() {
		c := tunnel.dial(t)
		io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
		if got := all(c); got != "" {
			t.Fatalf("a client of a refused target got %q, want a clean end", got)
		}
		c.Close()
	}
	refused()
	sshtest.Eventually(t, "the first is over", func() bool { return tunnel.Status().Open == 0 })
	files, routines := descriptors(t), runtime.NumGoroutine()
	for range 200 {
		refused()
	}
	sshtest.Eventually(t, "all descriptors are closed", func() bool { return descriptors(t) <= files })
	sshtest.Eventually(t, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= routines })

	got := tunnel.Status()
	if got.State != Up || got.Total != 201 || got.LastError == nil || !strings.Contains(got.LastError.Message, "onnection refused") {
		t.Errorf("after 201 refused clients the status is %+v, last error %v", got, got.LastError)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("open files are counted by /proc")
	}
	return len(all)
}

func TestABusyPortIsNamedAndTakenWhenItIsFree(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	spec := local(t, serving(t, echo))
	port := spec.Listen.Port
	nc := otherProgram(t, port)

	tunnel := open(t, s, spec)
	tunnel.wait(t, Busy)
	got := tunnel.Status()
	want := &transport.Failure{
		Code:    "busy",
		Message: fmt.Sprintf("port %d is in use by %q (pid %d)", port, "nc", nc.Pid),
		Hint:    fmt.Sprintf("kill %d, or listen on port %d instead", nc.Pid, got.FreePort),
	}
	if diff := cmp.Diff(want, got.Failure, cmpopts.IgnoreFields(transport.Failure{}, "At")); diff != "" {
		t.Errorf("the failure (-want +got):\n%s", diff)
	}
	if got.FreePort <= port || got.FreePort > port+100 {
		t.Errorf("instead of port %d, %d is offered", port, got.FreePort)
	}
	nc.Kill()
	tunnel.wait(t, Up)
	if got := tunnel.Status(); got.Failure != nil || got.FreePort != 0 {
		t.Errorf("with its port the tunnel still says %v, free port %d", got.Failure, got.FreePort)
	}
	greet(t, tunnel)
}

// otherProgram is a real nc that has the port.
func otherProgram(t *testing.T, port int) *os.Process {
	t.Helper()
	cmd := exec.Command(sshtest.Program(t, "nc"), "-l", "127.0.0.1", strconv.Itoa(port))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { cmd.Wait(); close(done) }()
	t.Cleanup(func() { cmd.Process.Kill(); <-done })
	sshtest.Eventually(t, "nc listens", func() bool { return holderOf(port).pid != 0 })
	return cmd.Process
}

func greet(t *testing.T, tunnel *opened) {
	t.Helper()
	c := tunnel.dial(t)
	io.WriteString(c, "hello")
	c.CloseWrite()
	if got := all(c); got != "hello" {
		t.Errorf("the echo of hello is %q", got)
	}
}

func TestThePortStaysWhileTheLinkIsAway(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	tunnel := open(t, s, local(t, serving(t, echo)))
	greet(t, tunnel)

	s.Stop()
	tunnel.wait(t, Waiting)
	if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", tunnel.spec.Listen.Port)); err == nil {
		l.Close()
		t.Error("the port was free while the link was away")
	}
	before, _ := tunnel.link.counts()
	c := tunnel.dial(t)
	io.WriteString(c, "are you there?")
	c.CloseWrite()
	sshtest.Eventually(t, "the client has asked for the link", func() bool { asked, _ := tunnel.link.counts(); return asked > before })
	s.Start(t)
	if got := all(c); got != "are you there?" {
		t.Errorf("the client that waited got %q", got)
	}
	tunnel.wait(t, Up)
}

// TestABrokenLinkIsNoEndOfFile cuts the connection within a stream, again and
// again, since the order in which its parts learn of it is chance.
func TestABrokenLinkIsNoEndOfFile(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	to := serving(t, func(c *net.TCPConn) { io.WriteString(c, "half of it"); io.Copy(io.Discard, c); <-t.Context().Done() })
	tunnel := open(t, s, local(t, to))
	for i := range 15 {
		c := tunnel.dial(t)
		if i%2 == 1 {
			c.CloseWrite()
		}
		if _, err := io.ReadFull(c, make([]byte, len("half of it"))); err != nil {
			t.Fatal(err)
		}
		s.KillSessions()
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("cut %d: the client saw %v, want a reset", i, err)
		}
	}
	sshtest.Eventually(t, "the cut is told", func() bool { e := tunnel.Status().LastError; return e != nil && e.Code == "broken" })
}

func TestCloseFreesThePortAndEndsConnections(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	tunnel := open(t, s, local(t, serving(t, echo)))
	greet(t, tunnel)
	c := tunnel.dial(t)
	io.WriteString(c, "x")
	io.ReadFull(c, make([]byte, 1))
	tunnel.Close()

	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("a connection outlived its tunnel")
	}
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", tunnel.spec.Listen.Port))
	if err != nil {
		t.Fatalf("the port is not free: %v", err)
	}
	l.Close()
	if _, kept := tunnel.link.counts(); kept != 0 {
		t.Errorf("the link is still kept %d times", kept)
	}
	history := tunnel.history()
	if last := history[len(history)-1]; last.State != Closed || last.Open != 0 || last.Total != 2 {
		t.Errorf("the last status told is %+v", last)
	}
	if diff := cmp.Diff(history[len(history)-1], tunnel.Status()); diff != "" {
		t.Errorf("the status after Close is not the last one told:\n%s", diff)
	}
}

func TestClosingDoesNotWaitForAFarSideThatHangs(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	tunnel := open(t, s, local(t, serving(t, echo)))
	c := tunnel.dial(t)
	io.WriteString(c, "x")
	io.ReadFull(c, make([]byte, 1))
	s.Freeze(t)
	start := time.Now()
	tunnel.Close()
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("closing took %s", took)
	}
}

func TestSocketsAtBothEnds(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	dir := t.TempDir()
	far, err := net.Listen("unix", filepath.Join(dir, "far"))
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	go func() {
		for {
			c, err := far.Accept()
			if err != nil {
				return
			}
			io.Copy(c, c)
			c.Close()
		}
	}()
	spec := Spec{Kind: Local, Listen: unix(filepath.Join(dir, "near")), Connect: unix(filepath.Join(dir, "far"))}
	leaveSocket(t, spec.Listen.Path)
	tunnel := open(t, s, spec)
	tunnel.wait(t, Up)

	if info, err := os.Stat(spec.Listen.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket has mode %v, %v; want 0600", info.Mode(), err)
	}
	c, err := net.Dial("unix", spec.Listen.Path)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "hello")
	c.(*net.UnixConn).CloseWrite()
	if got := all(c); got != "hello" {
		t.Errorf("the echo of hello is %q", got)
	}
	other := open(t, s, spec)
	other.wait(t, Busy)
	tunnel.Close()
	if _, err := os.Stat(spec.Listen.Path); err == nil && other.Status().State == Busy {
		t.Error("a closed tunnel left its socket behind")
	}
	other.wait(t, Up)
}

// leaveSocket makes a socket that nobody listens on, as a killed process does.
func leaveSocket(t *testing.T, path string) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
}

func TestWhatIsNotSupportedSaysSo(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	for _, row := range []struct {
		name string
		spec Spec
		want transport.Failure
	}{
		{"a remote forward", Spec{Kind: Remote, Listen: tcp("", 8080), Connect: tcp("localhost", 80)},
			transport.Failure{Code: "unsupported", Message: "remote forwards are not supported yet", Hint: "use ssh -R 8080:localhost:80"}},
		{"a dynamic forward", Spec{Kind: Dynamic, Listen: tcp("", 1080)},
			transport.Failure{Code: "unsupported", Message: "dynamic forwards are not supported yet", Hint: "use ssh -D 1080"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			tunnel := open(t, s, row.spec)
			tunnel.wait(t, Failed)
			if diff := cmp.Diff(&row.want, tunnel.Status().Failure); diff != "" {
				t.Errorf("the failure (-want +got):\n%s", diff)
			}
			if asked, _ := tunnel.link.counts(); asked > 0 {
				t.Error("the link was dialled for nothing")
			}
		})
	}
}

func TestTheStateFollowsTheLink(t *testing.T) {
	refused := &transport.Failure{Code: "auth", Message: "no"}
	tunnel := &Tunnel{changed: make(chan struct{}, 1)}
	tunnel.linkNow.State = transport.Down
	for _, row := range []struct {
		link transport.LinkStatus
		want State
	}{
		{transport.LinkStatus{State: transport.Down}, Opening},
		{transport.LinkStatus{State: transport.Connecting}, Opening},
		{transport.LinkStatus{State: transport.Asking}, Asking},
		{transport.LinkStatus{State: transport.Up}, Up},
		{transport.LinkStatus{State: transport.Waiting}, Waiting},
		{transport.LinkStatus{State: transport.Failed, Failure: refused}, Failed},
		{transport.LinkStatus{State: transport.Down}, Waiting},
	} {
		tunnel.LinkChanged(row.link)
		tunnel.takeNews()
		got, failure := tunnel.state()
		if got != row.want || failure != row.link.Failure {
			t.Errorf("with the link %s the tunnel is %s, %v; want %s", row.link.State, got, failure, row.want)
		}
	}
}
