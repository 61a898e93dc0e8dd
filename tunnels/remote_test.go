package tunnels

import (
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sallyport/internal/sshtest"
	"sallyport/transport"
)

// TestTheFarSideListensWhereSSHHasIt compares what the server makes of the
// requests of ssh -R and of a tunnel.
func TestTheFarSideListensWhereSSHHasIt(t *testing.T) {
	t.Parallel()
	for gateway, hosts := range map[string][]string{
		"no":              {"", "*", "127.0.0.2"},
		"clientspecified": {"", "*", "localhost", "127.0.0.1", "127.0.0.2", "::1", "0.0.0.0"},
	} {
		s := sshtest.StartServer(t, "GatewayPorts "+gateway)
		for _, host := range hosts {
			t.Run(fmt.Sprintf("GatewayPorts %s, asked for %q", gateway, host), func(t *testing.T) {
				t.Parallel()
				spec := Spec{Kind: Remote, Listen: tcp(host, sshtest.FreePort(t)), Connect: tcp("127.0.0.1", 1)}
				want := sshListens(t, s, spec)
				sshtest.Eventually(t, "the server has closed the port", func() bool { return len(listening(spec.Listen.Port)) == 0 })
				tunnel := open(t, s, spec)
				tunnel.ready(t)
				if diff := cmp.Diff(want, listening(spec.Listen.Port)); diff != "" || len(want) == 0 {
					t.Errorf("for ssh the server listens on -, for us on +:\n%s", diff)
				}
				tunnel.Close()
				sshtest.Eventually(t, "the server has closed the port again", func() bool { return len(listening(spec.Listen.Port)) == 0 })
			})
		}
	}
}

// TestTheAddressAskedForIsThatOfSSH holds what channel_rfwd_bind_host of
// channels.c sends: a server other than sshd may know no star.
func TestTheAddressAskedForIsThatOfSSH(t *testing.T) {
	for at, want := range map[Address]string{
		tcp("", 8080):       "localhost:8080",
		tcp("*", 8080):      ":8080",
		tcp("h", 0):         "h:0",
		tcp("::1", 1):       "[::1]:1",
		unix("/run/x:sock"): "/run/x:sock",
	} {
		if got := at.requested(); got != want {
			t.Errorf("%q is asked for as %q, want %q", at, got, want)
		}
	}
}

func TestAPortThatTheFarSideChoosesIsTold(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	tunnel := open(t, s, Spec{Kind: Remote, Listen: tcp("", 0), Connect: serving(t, echo)})
	other := open(t, s, Spec{Kind: Remote, Listen: tcp("", 0), Connect: serving(t, func(c conn) { io.WriteString(c, "other") })})
	tunnel.ready(t)
	other.ready(t)
	port := tunnel.Status().Allocated
	if got := hello(t, port); got != "hello" {
		t.Errorf("through the chosen port %d comes %q", port, got)
	}
	if got := hello(t, other.Status().Allocated); got != "other" {
		t.Errorf("through the port of the other tunnel comes %q", got)
	}
	s.KillSessions()
	tunnel.again(t)
	if got := hello(t, tunnel.Status().Allocated); got != "hello" {
		t.Errorf("after a break, through port %d comes %q", tunnel.Status().Allocated, got)
	}
	tunnel.Close()
	if last := tunnel.Status(); last.Allocated != 0 {
		t.Errorf("a closed tunnel still has the port %d", last.Allocated)
	}
}

// hello says hello to an echo behind a port.
func hello(t *testing.T, port int) string {
	t.Helper()
	c := dialEnd(t, tcp("", port))
	io.WriteString(c, "hello")
	c.CloseWrite()
	return all(c)
}

// again waits until the tunnel has left the state up and come back to it.
func (o *opened) again(t *testing.T) {
	t.Helper()
	sshtest.Eventually(t, "the tunnel was down and is up again", func() bool {
		ups := 0
		for i, s := range o.history() {
			if s.State == Up && (i == 0 || o.history()[i-1].State != Up) {
				ups++
			}
		}
		return ups > 1 && o.Status().State == Up
	})
}

// TestRemoteForwardsComeBack kills the server's process, which has the port,
// again and again.
func TestRemoteForwardsComeBack(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t, "StreamLocalBindUnlink yes") // else the killed one's socket is in the way, as with ssh
	for _, f := range forms {
		if f.kind != Remote || f.connect == "unix" {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			to := f.target(t)
			spec := f.spec(t, to.Address)
			tunnel := open(t, s, spec)
			for range 2 {
				tunnel.ready(t)
				c := f.dial(t, spec, to.Address)
				io.WriteString(c, "hello")
				c.CloseWrite()
				if got := all(c); got != "hello" {
					t.Errorf("the echo of hello is %q", got)
				}
				since := tunnel.Status().Since
				s.KillSessions()
				sshtest.Eventually(t, "it is up anew", func() bool { now := tunnel.Status(); return now.State == Up && now.Since.After(since) })
			}
		})
	}
}

func TestABrokenLinkCutsWhoWasForwarded(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	cut := make(chan error, 1)
	to := serving(t, func(c conn) { io.WriteString(c, "half of it"); _, err := io.ReadAll(c); cut <- err })
	tunnel := open(t, s, Spec{Kind: Remote, Listen: tcp("", sshtest.FreePort(t)), Connect: to})
	tunnel.ready(t)
	c := dialEnd(t, tunnel.spec.Listen)
	io.ReadFull(c, make([]byte, len("half of it")))
	s.KillSessions()
	if err := <-cut; err == nil {
		t.Error("the target took the break for an end")
	}
	sshtest.Eventually(t, "the cut is told", func() bool { e := tunnel.Status().LastError; return e != nil && e.Code == "broken" })
}

func TestRefusalsOfTheFarSideAreExplained(t *testing.T) {
	t.Parallel()
	port := sshtest.FreePort(t)
	path := filepath.Join(shortDir(t), "s")
	for _, row := range []struct {
		name   string
		server string
		listen Address
		want   transport.Failure
	}{
		{"a port that is not permitted", "PermitListen 1", tcp("", port), transport.Failure{
			Message: fmt.Sprintf(`"targaryen" does not listen on port %d: it is in use there, or AllowTcpForwarding or PermitListen forbids it`, port),
			Hint:    fmt.Sprintf("ssh targaryen ss -ltn 'sport = :%d'", port),
		}},
		{"any port, where none is permitted", "AllowTcpForwarding no", tcp("", 0), transport.Failure{
			Message: `"targaryen" listens on no port for us`,
			Hint:    "AllowTcpForwarding or PermitListen of the server forbids it: ask its administrator",
		}},
		{"a privileged port", "PermitListen 1", tcp("", 80), transport.Failure{
			Message: `"targaryen" does not listen on port 80: it is in use there, or AllowTcpForwarding or PermitListen forbids it; below 1024 only root may listen`,
			Hint:    "ssh targaryen ss -ltn 'sport = :80'",
		}},
		{"a socket that is not permitted", "AllowStreamLocalForwarding no", unix(path), transport.Failure{
			Message: fmt.Sprintf(`"targaryen" does not listen on %q: the path is taken there, or AllowStreamLocalForwarding forbids it`, path),
			Hint:    "ssh targaryen ls -l " + path,
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := sshtest.StartServer(t, row.server)
			tunnel := open(t, s, Spec{Kind: Remote, Listen: row.listen, Connect: tcp("127.0.0.1", 1)})
			err := tunnel.Ready(t.Context())
			row.want.Code, row.want.Hop = transport.CodeProhibited, "targaryen"
			got := tunnel.Status()
			if diff := cmp.Diff(&row.want, got.Failure, cmpopts.IgnoreFields(transport.Failure{}, "At")); diff != "" || err != error(got.Failure) || got.State != Failed {
				t.Errorf("Ready says %v, the state is %s; the failure (-want +got):\n%s", err, got.State, diff)
			}
		})
	}
}

// TestARemotePortIsTakenWhenItIsFree is the server that has not noticed yet
// that an earlier connection, which had the port, is dead.
func TestARemotePortIsTakenWhenItIsFree(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	spec := Spec{Kind: Remote, Listen: tcp("", sshtest.FreePort(t)), Connect: serving(t, echo)}
	taken, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", spec.Listen.Port))
	if err != nil {
		t.Fatal(err)
	}
	six, _ := net.Listen("tcp", fmt.Sprintf("[::1]:%d", spec.Listen.Port))
	tunnel := open(t, s, spec)
	tunnel.wait(t, Failed)
	taken.Close()
	if six != nil {
		six.Close()
	}
	tunnel.wait(t, Up)
	if got := hello(t, spec.Listen.Port); got != "hello" {
		t.Errorf("through the port comes %q", got)
	}
}

func TestReadyWaitsForTheLinkOnlyWhereItMust(t *testing.T) {
	t.Parallel()
	s := sshtest.NewServer(t) // does not run
	near := open(t, s, local(t, tcp("127.0.0.1", 1)))
	near.ready(t)
	far := open(t, s, Spec{Kind: Remote, Listen: tcp("", sshtest.FreePort(t)), Connect: tcp("127.0.0.1", 1)})
	ctx, cancel := context.WithCancelCause(t.Context())
	ready := make(chan error, 1)
	go func() { ready <- far.Ready(ctx) }()
	sshtest.Eventually(t, "the link has failed to reach the server", func() bool { return far.link.Status().Failure != nil })
	select {
	case err := <-ready:
		t.Errorf("before there was a server, Ready said %v", err)
	default:
	}
	gone := fmt.Errorf("nobody waits any more")
	cancel(gone)
	if err := <-ready; err != gone {
		t.Errorf("after its context ended, Ready says %v", err)
	}
	s.Start(t)
	defer s.Stop()
	far.ready(t)
	far.Close()
	if err := far.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "was closed") {
		t.Errorf("of a closed tunnel Ready says %v", err)
	}
}

func TestReadyFailsWithTheLogin(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	s.Write(t, "authorized_keys", "")
	tunnel := open(t, s, Spec{Kind: Remote, Listen: tcp("", sshtest.FreePort(t)), Connect: tcp("127.0.0.1", 1)})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := tunnel.Ready(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("after a refused login Ready says %v", err)
	}
	if got := tunnel.Status(); got.State != Failed || got.Failure.Code != transport.CodeAuth {
		t.Errorf("the status is %+v", got)
	}
}

// TestATargetWithoutAHostIsThatOfSSH asks for "-R port::port", which nobody
// understands here, and "-L port::port", which the server does not.
func TestATargetWithoutAHostIsThatOfSSH(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	to := newTarget(t, "tcp", "127.0.0.1:0")
	for _, kind := range []Kind{Local, Remote} {
		t.Run(string(kind), func(t *testing.T) {
			theirs := Spec{Kind: kind, Listen: tcp("", sshtest.FreePort(t)), Connect: tcp("", to.Port)}
			sshForwards(t, s, theirs)
			ours := theirs
			ours.Listen.Port = sshtest.FreePort(t)
			open(t, s, ours).ready(t)
			got, ssh := hello(t, ours.Listen.Port), hello(t, theirs.Listen.Port)
			if got == "hello" || ssh == "hello" {
				t.Errorf("through ours comes %q, through ssh's %q", got, ssh)
			}
		})
	}
}

// TestPermitRemoteOpenIsThatOfSSH asks a remote SOCKS proxy for a target that
// the configuration permits or not.
func TestPermitRemoteOpenIsThatOfSSH(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	to := newTarget(t, "tcp", "127.0.0.1:0")
	for _, row := range []struct {
		permit string
		want   string
	}{
		{"any", "hello"},
		{"none", ""},
		{"localhost:PORT", ""},
		{"127.0.0.1:PORT", "hello"},
		{"127.0.0.1:*", "hello"},
		{"*:PORT", "hello"},
		{"*:1", ""},
		{"localhost:1 127.0.0.1:PORT", "hello"},
	} {
		t.Run(row.permit, func(t *testing.T) {
			t.Parallel()
			option := "PermitRemoteOpen " + strings.ReplaceAll(row.permit, "PORT", fmt.Sprint(to.Port))
			theirs := Spec{Kind: Remote, Listen: tcp("", sshtest.FreePort(t))}
			sshForwards(t, s, theirs, "-o"+option)
			ours := openWith(t, s, Spec{Kind: Remote, Listen: tcp("", sshtest.FreePort(t))}, options(t, option))
			ours.ready(t)
			asked := conversation{says: socksTo(to.Address), hears: noLogin}
			if row.want != "" {
				asked.to, asked.hears = to.Address, noLogin+granted5
			}
			want := asked.hears + row.want
			ssh, got := asked.hold(t, theirs.Listen), asked.hold(t, ours.spec.Listen)
			if got != ssh || got != want {
				t.Errorf("we answer %q, ssh %q; want %q", got, ssh, want)
			}
			if row.want == "" {
				sshtest.Eventually(t, "it is told", func() bool {
					e := ours.Status().LastError
					return e != nil && strings.Contains(e.Message, "PermitRemoteOpen does not permit")
				})
			}
		})
	}
}

// TestALinkThatIsClosedStaysClosed has a person close the connection under a
// remote forward, which must not dial it again by itself.
func TestALinkThatIsClosedStaysClosed(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	tunnel := open(t, s, Spec{Kind: Remote, Listen: tcp("", sshtest.FreePort(t)), Connect: serving(t, echo)})
	tunnel.ready(t)
	asked, _ := tunnel.link.counts()
	tunnel.link.Close()
	tunnel.wait(t, Waiting)
	if after, _ := tunnel.link.counts(); after != asked || s.Logins() != 1 {
		t.Errorf("the tunnel asked %d times for the closed link, the server saw %d logins", after-asked, s.Logins())
	}
	tunnel.link.Open()
	tunnel.wait(t, Up)
	if got := hello(t, tunnel.spec.Listen.Port); got != "hello" {
		t.Errorf("through the port comes %q", got)
	}
}
