//go:build linux

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// logins is how often somebody has logged in at a server.
func (s *sshd) logins(t *testing.T) int {
	t.Helper()
	log, err := os.ReadFile(s.m.path(s.log))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(log), "Accepted publickey")
}

// TestTheEndOfASleepIsNoticed has nothing else notice that the bastion hangs:
// no client connects, and it is asked once in an hour whether it lives.
func TestTheEndOfASleepIsNoticed(t *testing.T) {
	t.Parallel()
	s := newStayer(t, 1, "ServerAliveInterval 3600")
	before := s.bastion.logins(t)
	s.hang(s.bastion)
	s.sleeps()
	s.eventually("there is another connection to the bastion", func() bool { return s.bastion.logins(t) > before })
	s.exchanges()
}

// TestAServerThatHangsIsSaidAndComesBack stops all of sshd, so that a new login
// is of no help, as a machine does that is out of memory.
func TestAServerThatHangsIsSaidAndComesBack(t *testing.T) {
	t.Parallel()
	s := newStayer(t, 1)
	all := fmt.Sprintf("$(cat /run/sshd-%d.pid) %s", s.bastion.port, sessionsOf(s.bastion))
	s.on(s.bastion.m, "kill -STOP "+all)
	clients := s.talk(4, 0)
	for i := range 12 {
		s.lasts(1e9)
		t.Logf("%d %v %v\n", i, s.run("sallyport", "tunnel", "ls"), s.run("sallyport", "tunnel", "log", "gate"))
	}
	s.on(s.bastion.m, "kill -CONT "+all)
	s.exchanges()
		t.Logf("%v %v\n", s.run("sallyport", "tunnel", "ls"), s.run("sallyport", "tunnel", "log", "gate"))
	got := clients.heard()
	t.Logf("%+v", got)
}
