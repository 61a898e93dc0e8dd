package tunnels

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
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
	return openWith(t, s, spec, Options{})
}

func openWith(t *testing.T, s *sshtest.Server, spec Spec, options Options) *opened {
	t.Helper()
	var tunnel atomic.Pointer[Tunnel]
	o := &opened{}
	o.link = newLink(t, s, func(status transport.LinkStatus) {
		if t := tunnel.Load(); t != nil {
			t.LinkChanged(status)
		}
	})
	o.Tunnel = Open(t.Context(), o.link, Identity{ID: "t1", Host: "targaryen", Config: "/etc/c"}, spec, options, func(s Status) {
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

// ready waits until the tunnel listens.
func (o *opened) ready(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := o.Ready(ctx); err != nil {
		t.Fatal(err)
	}
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
func serving(t *testing.T, handle func(conn)) Address {
	t.Helper()
	to := newTarget(t, "tcp", "127.0.0.1:0")
	to.serve(handle)
	return to.Address
}

func local(t *testing.T, to Address) Spec {
	return Spec{Kind: Local, Listen: tcp("", sshtest.FreePort(t)), Connect: to}
}

func TestMuchPassesBothWaysAtOnce(t *testing.T) {
	t.Parallel()
	const size = 32 << 20 // many windows of 2 MiB
	s := sshtest.StartServer(t)
	sums := make(chan uint64, 1)
	to := serving(t, func(c conn) {
		var down sync.WaitGroup
		down.Go(func() { io.Copy(c, sshtest.Noise(2, size)); c.CloseWrite() })
		sums <- sum(c)
		down.Wait()
	})
	tunnel := open(t, s, local(t, to))
	c := tunnel.dial(t)
	go func() { io.Copy(c, sshtest.Noise(1, size)); c.CloseWrite() }()

	if got, want := sum(c), sum(sshtest.Noise(2, size)); got != want {
		t.Error("what came down is not what was sent")
	}
	if got, want := <-sums, sum(sshtest.Noise(1, size)); got != want {
		t.Error("what went up is not what was sent")
	}
	sshtest.Eventually(t, "the connection is over", func() bool { return tunnel.Status().Open == 0 })
	want := Status{
		ID: "t1", Host: "targaryen", Config: "/etc/c", Link: tunnel.link.Status().ID, Spec: tunnel.spec,
		State: Up, Total: 1, Sent: size, Received: size,
	}
	if diff := cmp.Diff(want, tunnel.Status(), cmpopts.IgnoreFields(Status{}, "Since", "Opened", "Dial")); diff != "" {
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

// sum is the checksum of what comes, however it ends.
func sum(r io.Reader) uint64 {
	n, _ := sshtest.Sum(r) // a stream that was cut is not the same
	return n
}

// TestRefusedTargetsLeaveNothingBehind has many clients refused, by each end
// that can.
func TestRefusedTargetsLeaveNothingBehind(t *testing.T) {
	s := sshtest.StartServer(t)
	nowhere := tcp("127.0.0.1", sshtest.FreePort(t))
	for _, row := range []struct {
		name   string
		spec   Spec
		hello  string // what a client says first
		before string // what it hears before the end
		said   string // of the last error
	}{
		{"local", local(t, nowhere), "GET / HTTP/1.0\r\n\r\n", "", "onnection refused"},
		{"SOCKS", Spec{Kind: Dynamic, Listen: tcp("", sshtest.FreePort(t))}, socksTo(nowhere), "\x05\x00", "onnection refused"},
		{"remote", Spec{Kind: Remote, Listen: tcp("", sshtest.FreePort(t)), Connect: nowhere}, "hello", "", "connection refused"},
	} {
		t.Run(row.name, func(t *testing.T) {
			tunnel := open(t, s, row.spec)
			tunnel.ready(t)
			refused := func() {
				c := dialEnd(t, row.spec.Listen)
				defer c.Close()
				io.WriteString(c, row.hello)
				c.CloseWrite()
				got, err := io.ReadAll(c)
				if string(got) != row.before || err != nil && row.spec.Kind != Remote { // sshd resets who has said something
					t.Fatalf("a client of a refused target got %q, %v; want %q and an end", got, err, row.before)
				}
			}
			refused()
			sshtest.Eventually(t, "the first is over", func() bool { return tunnel.Status().Open == 0 })
			files, routines := descriptors(t), runtime.NumGoroutine()
			clients := clients(t, 667)
			for range clients {
				refused()
			}
			sshtest.Eventually(t, "all descriptors are closed", func() bool { return descriptors(t) <= files })
			sshtest.Eventually(t, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= routines })
			sshtest.Eventually(t, "all are counted", func() bool { return tunnel.Status().Total == int64(clients)+1 })
			if got := tunnel.Status(); got.State != Up || got.LastError == nil || !strings.Contains(got.LastError.Message, row.said) {
				t.Errorf("after the refused clients the status is %+v, last error %v", got, got.LastError)
			}
		})
	}
}

// TestManyIdleConnectionsStay opens many connections at one time, which say
// nothing until all are there, and then all speak.
func TestManyIdleConnectionsStay(t *testing.T) {
	s := sshtest.StartServer(t)
	to := serving(t, func(c conn) { io.Copy(c, c); c.CloseWrite() })
	tunnel := open(t, s, local(t, to))
	first := tunnel.dial(t)
	first.CloseWrite()
	if _, err := io.ReadAll(first); err != nil {
		t.Fatal(err)
	}
	first.Close()
	sshtest.Eventually(t, "the first is over", func() bool { return tunnel.Status().Open == 0 })
	files, routines := descriptors(t), runtime.NumGoroutine()
	all := make([]*net.TCPConn, clients(t, 200))
	for i := range all {
		all[i] = tunnel.dial(t)
	}
	sshtest.Eventually(t, "all are open", func() bool { return tunnel.Status().Open == len(all) })
	for i, c := range all {
		said, heard := []byte{byte(i), byte(i >> 8)}, make([]byte, 2)
		c.SetDeadline(time.Now().Add(time.Minute))
		c.Write(said)
		if _, err := io.ReadFull(c, heard); err != nil || !bytes.Equal(said, heard) {
			t.Fatalf("connection %d of %d said %q and heard %q, %v", i, len(all), said, heard, err)
		}
	}
	for _, c := range all {
		c.Close()
	}
	sshtest.Eventually(t, "all descriptors are closed", func() bool { return descriptors(t) <= files })
	sshtest.Eventually(t, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= routines })
	if got := tunnel.Status(); got.Open != 0 || got.Total != int64(len(all))+1 || got.LastError != nil {
		t.Errorf("after the connections the status is %+v", got)
	}
}

// clients is how many there are: CLIENTS has more than a test of every day
// needs.
func clients(t *testing.T, everyday int) int {
	text := os.Getenv("CLIENTS")
	if text == "" {
		return everyday
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// socksTo is all that a SOCKS 5 client says.
func socksTo(to Address) string {
	return "\x05\x01\x00" + "\x05\x01\x00\x03" + string(byte(len(to.Host))) + to.Host + string([]byte{byte(to.Port >> 8), byte(to.Port)})
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
	nc := otherProgram(t, "-l", "127.0.0.1", strconv.Itoa(port))
	sshtest.Eventually(t, "nc listens", func() bool { return holderOf(port, []string{"127.0.0.1"}).pid != 0 })

	tunnel := open(t, s, spec)
	tunnel.wait(t, Busy)
	got := tunnel.Status()
	want := &transport.Failure{
		Code:    "busy",
		Message: fmt.Sprintf("port %d is in use by %q (pid %d)", port, "nc", nc.Pid),
		Hint:    fmt.Sprintf("kill %d, or listen on port %d instead", nc.Pid, got.FreePort),
		Cause:   syscall.EADDRINUSE,
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

// TestABusyPortIsNotThatOfAnotherAddress has two programs listen on one port,
// of which one only is in the way.
func TestABusyPortIsNotThatOfAnotherAddress(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	spec := local(t, serving(t, echo))
	port := spec.Listen.Port
	hosts := []string{"127.0.0.3", "127.0.0.1", "127.0.0.2"} // the middle one is not what comes first or last in the table
	pids := map[string]int{}
	for _, host := range hosts {
		pids[host] = otherProgram(t, "-l", host, strconv.Itoa(port)).Pid
		sshtest.Eventually(t, "nc listens", func() bool { return holderOf(port, []string{host}).pid == pids[host] })
	}
	tunnel := open(t, s, spec)
	tunnel.wait(t, Busy)
	want := fmt.Sprintf("port %d is in use by %q (pid %d)", port, "nc", pids["127.0.0.1"])
	if got := tunnel.Status().Failure.Message; got != want {
		t.Errorf("the failure is %q, not %q", got, want)
	}
}

// TestListenersHoldAddresses tells which listeners keep others off an address
// (bind(2) without SO_REUSEPORT).
func TestListenersHoldAddresses(t *testing.T) {
	t.Parallel()
	const loopback, all, loopback6, all6, mapped = "0100007F", "00000000", "00000000000000000000000001000000",
		"00000000000000000000000000000000", "0000000000000000FFFF00000100007F"
	for _, row := range []struct {
		local, host string
		want        bool
	}{
		{loopback, "127.0.0.1", true},
		{loopback, "127.0.0.2", false},
		{loopback, "::1", false},
		{loopback, "0.0.0.0", true},
		{mapped, "127.0.0.1", true},
		{all, "127.0.0.1", true},
		{all6, "127.0.0.1", true}, // unless IPV6_V6ONLY, which the table does not say
		{loopback6, "::1", true},
		{loopback6, "127.0.0.1", false},
		{loopback6, "::", true},
		{"", "127.0.0.1", false},
	} {
		if got := (socket{local: row.local}).holds(row.host); got != row.want {
			t.Errorf("that a listener on %q holds %s is %v", row.local, row.host, got)
		}
	}
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
	for _, what := range []string{"the client has asked for the link", "it has asked again, since its link is tried ever more seldom"} {
		sshtest.Eventually(t, what, func() bool { asked, _ := tunnel.link.counts(); return asked > before })
		before++
	}
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
	to := serving(t, func(c conn) { io.WriteString(c, "half of it"); io.Copy(io.Discard, c); <-t.Context().Done() })
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

func TestTheStateFollowsTheLink(t *testing.T) {
	refused := &transport.Failure{Code: "auth", Message: "no"}
	dead := &transport.Failure{Code: "timeout", Message: "no answer"}
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
		{transport.LinkStatus{State: transport.Connecting, Failure: dead}, Waiting},
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
