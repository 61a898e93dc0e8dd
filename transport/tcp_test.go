//go:build unix

package transport

import (
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"sallyport/config"
	"sallyport/internal/sshtest"
)

// peers listens on a port of both families of loopback, on one where there is
// but one, and tells from where each connection came, "" for none.
func peers(t *testing.T) (port string, from func() string) {
	t.Helper()
	var mu sync.Mutex // guards last
	var last string
	first, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ = net.SplitHostPort(first.Addr().String()) // it is one of net's own
	listeners := []net.Listener{first}
	if second, err := net.Listen("tcp6", "[::1]:"+port); err == nil {
		listeners = append(listeners, second)
	}
	var wg sync.WaitGroup // waited for in the cleanup
	for _, l := range listeners {
		wg.Go(func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				host, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
				mu.Lock()
				last = host
				mu.Unlock()
				conn.Close()
			}
		})
	}
	t.Cleanup(func() {
		for _, l := range listeners {
			l.Close()
		}
		wg.Wait()
	})
	return port, func() string {
		mu.Lock()
		defer mu.Unlock()
		was := last
		last = ""
		return was
	}
}

func TestTheNearEndIsThatOfSSH(t *testing.T) {
	port, from := peers(t)
	for _, test := range []struct {
		name, lines string
		want        string // "" for no connection
		v6          bool   // needs IPv6
	}{
		{name: "nothing said", lines: "HostName 127.0.0.1", want: "127.0.0.1"},
		{name: "an address of IPv6", lines: "HostName ::1", want: "::1", v6: true},
		{name: "a family that the address has", lines: "HostName 127.0.0.1\nAddressFamily inet", want: "127.0.0.1"},
		{name: "a family that the address lacks", lines: "HostName 127.0.0.1\nAddressFamily inet6"},
		{name: "a name in one family", lines: "HostName localhost\nAddressFamily inet", want: "127.0.0.1"},
		{name: "another address of this machine", lines: "HostName 127.0.0.1\nBindAddress 127.0.0.2", want: "127.0.0.2"},
		{name: "a name of this machine, in the family of the host", lines: "HostName 127.0.0.1\nBindAddress localhost", want: "127.0.0.1"},
		{name: "another address over IPv6", lines: "HostName ::1\nBindAddress ::1", want: "::1", v6: true},
		{name: "an address in the other family", lines: "HostName 127.0.0.1\nBindAddress ::1", v6: true},
		{name: "an address of another machine", lines: "HostName 127.0.0.1\nBindAddress 192.0.2.1"},
		{name: "a name that is not known", lines: "HostName 127.0.0.1\nBindAddress no-such-host.invalid"},
		{name: "an interface", lines: "HostName 127.0.0.1\nBindInterface lo", want: "127.0.0.1"},
		{name: "an interface over IPv6", lines: "HostName ::1\nBindInterface lo", want: "::1", v6: true},
		{name: "an interface that is not there", lines: "HostName 127.0.0.1\nBindInterface nosuch0"},
		{name: "an address wins over an interface", lines: "HostName 127.0.0.1\nBindAddress 127.0.0.3\nBindInterface nosuch0", want: "127.0.0.3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.v6 && !hasIPv6() {
				t.Skip("this machine has no IPv6")
			}
			cfg := load(t, "Host a\nPort "+port+"\n"+test.lines+"\n")
			h, err := cfg.Resolve("a", config.Match{})
			if err != nil {
				t.Fatal(err)
			}
			conn, err := dialTCP(soon(t), h, nil)
			if err == nil {
				_, _ = conn.Read(make([]byte, 1)) // the server has seen it when it hangs up
				conn.Close()
			}
			if got := from(); got != test.want || (err == nil) != (test.want != "") {
				t.Errorf("it came from %q, %v, want %q", got, err, test.want)
			}
			_ = exec.Command(sshtest.Program(t, "ssh"), "-F", cfg.Paths().User, "a", "true").Run() // the server hangs up
			if got := from(); got != test.want {
				t.Errorf("ssh came from %q, we say %q", got, test.want)
			}
		})
	}
}

func hasIPv6() bool {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	l.Close()
	return true
}

func TestSocketsAreSetUpAsSSHSetsThemUp(t *testing.T) {
	port, _ := peers(t)
	for _, test := range []struct {
		name, lines         string
		keepAlive           int
		dialled, tty, other int // the TOS byte
	}{
		{"two classes", "IPQoS af21 cs1", 1, 0x48, 0x48, 0x20},
		{"one class", "IPQoS cs4", 1, 0x80, 0x80, 0x80},
		{"a number", "IPQoS 0x10 0x08", 1, 0x10, 0x10, 0x08},
		{"no marks", "IPQoS none", 1, 0, 0, 0},
		{"no marks in bulk leaves those of the dial", "IPQoS ef none", 1, 0xb8, 0xb8, 0xb8},
		{"no probes", "IPQoS none\nTCPKeepAlive no", 0, 0, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := options(t, config.Match{}, "HostName 127.0.0.1\nPort "+port+"\n"+test.lines+"\n")
			for _, terminal := range []bool{true, false} {
				conn, err := dialTCP(soon(t), h, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if got := socketOption(t, conn, syscall.SOL_SOCKET, syscall.SO_KEEPALIVE); (got != 0) != (test.keepAlive != 0) {
					t.Errorf("keepalive is %d", got)
				}
				if got := socketOption(t, conn, syscall.IPPROTO_IP, syscall.IP_TOS); got != test.dialled {
					t.Errorf("a new connection is marked %#x, want %#x", got, test.dialled)
				}
				c := &Conn{wire: newWire(conn), qos: qosOf(h)}
				c.Prioritize(terminal)
				c.Prioritize(!terminal)
				want := map[bool]int{true: test.tty, false: test.other}[terminal]
				if got := socketOption(t, conn, syscall.IPPROTO_IP, syscall.IP_TOS); got != want {
					t.Errorf("its session (terminal: %v) is marked %#x, want %#x", terminal, got, want)
				}
			}
		})
	}
}

func socketOption(t *testing.T, conn net.Conn, level, option int) (value int) {
	t.Helper()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { value, failed = syscall.GetsockoptInt(int(fd), level, option) }); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	return value
}

func TestEveryNameOfIPQoSIsKnown(t *testing.T) {
	sshtest.Program(t, "ssh")
	for name, value := range qosNames {
		out, err := exec.Command("ssh", "-F", "none", "-G", "-o", "IPQoS="+strconv.Itoa(value), "x").Output()
		if err != nil {
			t.Fatal(err)
		}
		_, line, _ := strings.Cut(string(out), "ipqos ")
		printed, _, _ := strings.Cut(line, " ")
		if qosValue(printed) != value {
			t.Errorf("ssh prints %q for %q, which is read as %#x", printed, name, qosValue(printed))
		}
	}
}
