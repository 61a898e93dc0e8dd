//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// stayer is a client with tunnels to an echo server on the bastion and to one
// on inner behind it, over servers and accounts that no other test uses.
type stayer struct {
	*client
	bastion, inner *sshd
	user           string   // on the bastion
	ports          []string // of the tunnels
	slept          int64    // for how many seconds the client has, see sleeps
}

// newStayer starts one with so many tunnels to the bastion, besides the one to
// inner; lines of configuration are for both hosts.
func newStayer(t *testing.T, tunnels int, lines ...string) *stayer {
	t.Helper()
	l := newLab(t)
	s := &stayer{bastion: l.server(t, l.bastion), inner: l.server(t, l.inner), user: l.account(t, l.bastion, "")}
	if err := l.bastion.authorize(s.user, l.public); err != nil {
		t.Fatal(err)
	}
	echo := 2000 + int(ports.Add(1))
	playOn(t, l.bastion, "echo", echo)
	playOn(t, l.inner, "echo", echo)
	config := fmt.Sprintf("Host deep\n    HostName %s\n    Port %d\n    User dany\n    ProxyJump gate\n    LocalForward 7000 localhost:%d\n", innerAddr, s.inner.port, echo) +
		fmt.Sprintf("Host gate\n    HostName %s\n    Port %d\n    User %s\n", bastionAddr, s.bastion.port, s.user)
	s.ports = []string{"7000"}
	for i := range tunnels {
		port := strconv.Itoa(7001 + i)
		config += fmt.Sprintf("    LocalForward %s localhost:%d\n", port, echo)
		s.ports = append(s.ports, port)
	}
	s.client = newClient(t, strings.Join(lines, "\n")+"\n"+config)
	s.file("/root/.ssh/known_hosts", s.bastion.known("ed25519")+s.inner.known("ed25519"))
	for _, host := range []string{"gate", "deep"} {
		s.must(s.asleep("sallyport", "tunnel", "up", host)...)
	}
	s.exchanges()
	return s
}

// exchanges waits until a message has gone both ways through each tunnel.
func (s *stayer) exchanges() time.Duration {
	s.t.Helper()
	out, err := s.machine.sh(actAs(s.t, "exchange", s.ports...))
	if err != nil {
		s.t.Fatal(err)
	}
	ms, err := strconv.Atoi(strings.TrimSpace(out))
	if err != nil {
		s.t.Fatal(err)
	}
	return time.Duration(ms) * time.Millisecond
}

// on runs a script on a machine of the lab.
func (s *stayer) on(m *machine, script string) {
	s.t.Helper()
	if _, err := m.sh(script); err != nil {
		s.t.Fatal(err)
	}
}

// cut takes the client's network away, and restore gives it back as it was.
func (s *stayer) cut() { s.on(s.machine, "ip link set to-bastion down") }
func (s *stayer) restore() {
	s.on(s.machine, fmt.Sprintf("ip link set to-bastion up; ip route replace %s/32 dev to-bastion src %s", bastionAddr, s.addr))
	s.on(s.lab.bastion, fmt.Sprintf("ip route replace %s/32 dev to-%s src %s", s.addr, s.name, bastionAddr))
}

// swallow has packets to the client vanish on their way, which nobody at
// either end is told of.
func (s *stayer) swallow() { s.on(s.lab.bastion, "ip route replace blackhole "+s.addr+"/32") }

// sessionsOf is a shell's list of the processes of a server's connections:
// each has one that is privileged and, but for a moment, one that speaks.
func sessionsOf(of *sshd) string {
	return fmt.Sprintf("$(for p in $(pgrep -P $(cat /run/sshd-%d.pid)); do echo $p; pgrep -P $p || true; done)", of.port)
}

// killSessions ends the connections that a server has.
func (s *stayer) killSessions(of *sshd) {
	s.on(of.m, "for p in "+sessionsOf(of)+"; do kill -KILL $p || true; done")
}

// hang has the connections that a server has answer nothing more, for ever.
func (s *stayer) hang(of *sshd) {
	s.on(of.m, "for p in "+sessionsOf(of)+"; do kill -STOP $p || true; done")
}

func (s *stayer) stopServer(of *sshd) {
	s.on(of.m, fmt.Sprintf("pid=$(cat /run/sshd-%[1]d.pid); sessions=%[2]s; kill $pid; for p in $sessions; do kill -KILL $p || true; done; while [ -e /proc/$pid ]; do sleep 0.02; done; rm -f /run/sshd-%[1]d.pid", of.port, sessionsOf(of)))
}

func (s *stayer) startServer(of *sshd) {
	s.on(of.m, fmt.Sprintf("/usr/sbin/sshd -f /root/sshd-%[1]d/config -E %[2]s; until [ -s /run/sshd-%[1]d.pid ]; do sleep 0.02; done", of.port, of.log))
}

// lasts lets some time pass, or the test end.
func (s *stayer) lasts(d time.Duration) {
	select {
	case <-time.After(d):
	case <-s.t.Context().Done():
	}
}

// outage is how long the network is away in TestTunnelsComeBack. Links notice by
// themselves what lasts a minute, and TCP is sending again after less.
func outage() time.Duration {
	if os.Getenv(chaosVariable) != "" {
		return time.Minute
	}
	return time.Second
}

// TestTunnelsComeBack breaks the way in each manner and logs how long the way
// back took from the moment at which it was possible.
func TestTunnelsComeBack(t *testing.T) {
	t.Parallel()
	s := newStayer(t, 1)
	pid := s.daemonPID()
	for _, row := range []struct {
		name   string
		breaks func()
	}{
		{"the session was killed", func() { s.killSessions(s.bastion) }},
		{"the server was restarted", func() { s.stopServer(s.bastion); s.lasts(outage()); s.startServer(s.bastion) }},
		{"the network was away, and who held the session went", func() { s.cut(); s.killSessions(s.bastion); s.lasts(outage()); s.restore() }},
		{"the network was away", func() { s.cut(); s.lasts(outage()); s.restore() }},
		{"packets were lost for a while", func() { s.swallow(); s.lasts(outage()); s.restore() }},
		{"the far side hangs", func() { s.hang(s.bastion) }},
	} {
		row.breaks()
		t.Logf("%s: back after %v", row.name, s.exchanges())
	}
	s.killSessions(s.bastion)
	if now := s.daemonPID(); now != pid {
		t.Errorf("the background process %d became %d", pid, now)
	}
}

// talkers are clients that run beside a test.
type talkers struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *strings.Builder
}

// talk starts clients, see runTalk.
func (s *stayer) talk(clients int, pause time.Duration) *talkers {
	s.t.Helper()
	argv := append([]string{"talk", strconv.Itoa(clients), pause.String()}, s.ports...)
	cmd := s.inside(s.t.Context(), nil, "/bin/sh", "-euc", "exec "+actAs(s.t, argv[0], argv[1:]...))
	out := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = out, out
	stdin, err := cmd.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	return &talkers{s.t, cmd, stdin, out}
}

// heard ends the clients and tells what they went through.
func (k *talkers) heard() talk {
	k.t.Helper()
	k.stdin.Close()
	if err := k.cmd.Wait(); err != nil {
		k.t.Fatalf("the clients: %v\n%s", err, k.out)
	}
	var all talk
	_, report, _ := strings.Cut(k.out.String(), "ready\n")
	if err := json.Unmarshal([]byte(report), &all); err != nil {
		k.t.Fatalf("%v in %q", err, k.out)
	}
	return all
}

// TestAnUpgradeRefusesNobody replaces the background process under 20 tunnels
// while clients connect a hundred times a second.
func TestAnUpgradeRefusesNobody(t *testing.T) {
	t.Parallel()
	s := newStayer(t, 19)
	clients := s.talk(len(s.ports), 150*time.Millisecond)
	before := s.daemonPID()
	for range 2 {
		began := time.Now()
		s.must("sallyport", "daemon", "restart")
		t.Logf("replaced after %v", time.Since(began))
		now := s.daemonPID()
		if now == before {
			t.Error("it was not replaced")
		}
		before = now
		s.exchanges()
	}
	all := clients.heard()
	t.Logf("%d messages came back", all.Exchanges)
	if len(all.Refused) > 0 || all.Broken > 0 || len(all.Wrong) > 0 || all.Exchanges < 100 {
		t.Errorf("%d refusals, %d connections cut, %d messages; wrong: %q", len(all.Refused), all.Broken, all.Exchanges, all.Wrong)
	}
	s.eventually("the old processes have ended", func() bool { return strings.Count(s.processes("sallyport"), "\n") == 0 })
}
