package tunnels

import (
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sallyport/internal/sshtest"
	"sallyport/transport"
)

func TestListenersAreThoseOfSSH(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	for _, row := range []struct {
		name    string
		host    string
		gateway bool
	}{
		{"no host is loopback", "", false},
		{"no host with GatewayPorts is everywhere", "", true},
		{"localhost is loopback, with GatewayPorts too", "localhost", true},
		{"a star is everywhere", "*", false},
		{"an IPv4 address is itself", "127.0.0.1", false},
		{"another loopback address is itself", "127.0.0.2", false},
		{"an IPv6 address is itself", "::1", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			spec := Spec{Kind: Local, Listen: tcp(row.host, sshtest.FreePort(t)), Connect: tcp("127.0.0.1", 1), Gateway: row.gateway}
			want := sshListens(t, s, spec)
			listeners, obstacle := listen(t.Context(), spec, nil)
			if obstacle != nil {
				t.Fatal(obstacle.failure)
			}
			defer closeAll(listeners)
			if diff := cmp.Diff(want, listening(spec.Listen.Port)); diff != "" {
				t.Errorf("ssh -L listens on -, we on +:\n%s", diff)
			}
		})
	}
}

// sshListens are the addresses on which the real ssh listens for spec.
func sshListens(t *testing.T, s *sshtest.Server, spec Spec) []string {
	t.Helper()
	gateway := map[bool]string{true: "yes", false: "no"}[spec.Gateway]
	cmd := s.SSH(t, "-N", "-oGatewayPorts="+gateway, "-L", spec.argument(), sshtest.Alias)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	sshtest.Eventually(t, "ssh has logged in", func() bool {
		// It binds all addresses in one go, before any session is asked for.
		return len(listening(spec.Listen.Port)) > 0
	})
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
	return all
}

func TestObstaclesAreExplained(t *testing.T) {
	web := Spec{Kind: Local, Listen: tcp("", 80), Connect: tcp("targaryen", 8080)}
	for _, row := range []struct {
		name string
		spec Spec
		err  error
		want obstacle
	}{
		{"a privileged port", web, syscall.EACCES, obstacle{state: Failed, errno: syscall.EACCES, failure: &transport.Failure{
			Code:    "privileged",
			Message: fmt.Sprintf("port 80 is privileged: only root may listen on ports below %d", firstUnprivileged()),
			Hint:    "choose a higher port, such as 8080:targaryen:8080",
		}}},
		{"an address of another machine", Spec{Kind: Local, Listen: tcp("192.0.2.1", 8080)}, syscall.EADDRNOTAVAIL, obstacle{state: Failed, passes: true, errno: syscall.EADDRNOTAVAIL, failure: &transport.Failure{
			Code: "no-address", Message: `this machine has no address "192.0.2.1" to listen on now`,
		}}},
		{"a socket in no directory", Spec{Kind: Local, Listen: unix("/no/such/s")}, syscall.ENOENT, obstacle{state: Failed, errno: syscall.ENOENT, failure: &transport.Failure{
			Code: "listen", Message: `listening on "/no/such/s": no such file or directory`,
		}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := explain(t.Context(), row.spec, &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", row.err)})
			if diff := cmp.Diff(row.want, *got, cmp.AllowUnexported(obstacle{}), cmpopts.IgnoreFields(transport.Failure{}, "At")); diff != "" {
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
