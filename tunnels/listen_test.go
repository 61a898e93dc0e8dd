package tunnels

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sallyport/config"
	"sallyport/internal/sshtest"
	"sallyport/transport"
)

func TestListenersAreThoseOfSSH(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	for _, row := range []struct {
		name   string
		kind   Kind
		host   string
		option string
	}{
		{"no host is loopback", Local, "", "GatewayPorts no"},
		{"no host is loopback for SOCKS too", Dynamic, "", "GatewayPorts no"},
		{"no host with GatewayPorts is everywhere", Local, "", "GatewayPorts yes"},
		{"no host with GatewayPorts is everywhere for SOCKS too", Dynamic, "", "GatewayPorts yes"},
		{"localhost is loopback, with GatewayPorts too", Local, "localhost", "GatewayPorts yes"},
		{"a star is everywhere", Dynamic, "*", "GatewayPorts no"},
		{"an IPv4 address is itself", Local, "127.0.0.1", "GatewayPorts no"},
		{"another loopback address is itself", Dynamic, "127.0.0.2", "GatewayPorts no"},
		{"an IPv6 address is itself", Local, "::1", "GatewayPorts no"},
		{"AddressFamily inet leaves IPv4", Local, "", "AddressFamily inet"},
		{"AddressFamily inet6 leaves IPv6, everywhere too", Dynamic, "*", "AddressFamily inet6"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			spec := Spec{Kind: row.kind, Listen: tcp(row.host, sshtest.FreePort(t))}
			if row.kind == Local {
				spec.Connect = tcp("127.0.0.1", 1)
			}
			nc := fmt.Sprintf("-oProxyCommand=%s 127.0.0.1 %d", sshtest.Program(t, "nc"), s.Port) // the server has no IPv6
			want := sshListens(t, s, spec, nc, "-o"+row.option)
			listeners, obstacle := listen(t.Context(), spec, options(t, row.option), nil)
			if obstacle != nil {
				t.Fatal(obstacle.failure)
			}
			defer closeAll(listeners)
			if diff := cmp.Diff(want, listening(spec.Listen.Port)); diff != "" {
				t.Errorf("ssh listens on -, we on +:\n%s", diff)
			}
		})
	}
}

// options are those of a host with these lines.
func options(t *testing.T, lines ...string) Options {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte("Host x\n"+strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	paths, err := config.File(path)
	if err != nil {
		t.Fatal(err)
	}
	h, err := config.Load(paths).Resolve("x", config.Match{})
	if err != nil {
		t.Fatal(err)
	}
	return OptionsOf(h)
}

// sshListens are the addresses on which the real ssh listens for spec.
func sshListens(t *testing.T, s *sshtest.Server, spec Spec, options ...string) []string {
	t.Helper()
	defer sshForwards(t, s, spec, options...)()
	return listening(spec.Listen.Port)
}

// listening are the addresses on which a port is taken, by /proc.
func listening(port int) []string {
	var all []string
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		b, _ := os.ReadFile(table)
		for line := range strings.Lines(string(b)) {
			f := strings.Fields(line)
			if len(f) > 3 && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port)) && f[3] == "0A" {
				all = append(all, f[1])
			}
		}
	}
	// The kernel writes the table in parts: a socket may stand in two of them.
	slices.Sort(all)
	return slices.Compact(all)
}

func TestObstaclesAreExplained(t *testing.T) {
	web := Spec{Kind: Local, Listen: tcp("", 80), Connect: tcp("targaryen", 8080)}
	for _, row := range []struct {
		name string
		spec Spec
		err  syscall.Errno
		want obstacle
	}{
		{"a privileged port", web, syscall.EACCES, obstacle{state: Failed, cause: cause{errno: syscall.EACCES}, failure: &transport.Failure{
			Code:    "privileged",
			Message: fmt.Sprintf("port 80 is privileged: only root may listen on ports below %d", firstUnprivileged()),
			Hint:    "choose a higher port, such as 8080:targaryen:8080",
		}}},
		{"an address of another machine", Spec{Kind: Local, Listen: tcp("192.0.2.1", 8080)}, syscall.EADDRNOTAVAIL, obstacle{state: Failed, passes: true, cause: cause{errno: syscall.EADDRNOTAVAIL}, failure: &transport.Failure{
			Code: "no-address", Message: `this machine has no address "192.0.2.1" to listen on now`,
		}}},
		{"a socket in no directory", Spec{Kind: Local, Listen: unix("/no/such/s")}, syscall.ENOENT, obstacle{state: Failed, cause: cause{errno: syscall.ENOENT}, failure: &transport.Failure{
			Code: "listen", Message: `listening on "/no/such/s": no such file or directory`,
		}}},
	} {
		row.want.failure.Cause = row.err
		t.Run(row.name, func(t *testing.T) {
			got := explain(t.Context(), row.spec, Options{}, cause{errno: row.err}, &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", row.err)})
			if diff := cmp.Diff(row.want, *got, cmp.AllowUnexported(obstacle{}, cause{}, squatter{}), cmpopts.IgnoreFields(transport.Failure{}, "At")); diff != "" {
				t.Errorf("the obstacle (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHoldersAreNamed(t *testing.T) {
	for _, row := range []struct {
		holder holder
		want   string
	}{
		{holder{pid: os.Getpid(), name: "x"}, "another tunnel of ours"},
		{holder{pid: 1, name: "jupyter"}, `"jupyter" (pid 1)`},
		{holder{user: "bob"}, "another user's process (bob)"},
		{holder{}, "another program"},
	} {
		if got := row.holder.String(); got != row.want {
			t.Errorf("%+v is called %s, want %s", row.holder, got, row.want)
		}
	}
}

func FuzzParseSocket(f *testing.F) {
	f.Add("   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1 0000000000000000 100 0 0 10 0")
	f.Fuzz(func(t *testing.T, line string) {
		if s, ok := parseSocket(line); ok && (s.port < 0 || s.port > 65535 || s.inode == "") {
			t.Errorf("%q is read as %+v", line, s)
		}
	})
}
