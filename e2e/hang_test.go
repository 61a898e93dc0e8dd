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
	s.eventually("both hosts have been asked for the first time, and are not again", func() bool {
		return !strings.Contains(s.snapshot("0", socket).Out, `"latency":0,`)
	})
	before := s.bastion.logins(t)
	s.hang(s.bastion)
	s.sleeps()
	s.eventually("there is another connection to the bastion", func() bool { return s.bastion.logins(t) > before })
	s.exchanges()
}

// TestAServerThatHangsIsSaidAndComesBack has clients notice that the bastion
// answers nothing: by a new login where only its sessions hang, and where all of
// it does, as on a machine that is out of memory, when it goes on.
func TestAServerThatHangsIsSaidAndComesBack(t *testing.T) {
	t.Parallel()
	const why = `the connection to "gate" is dead: no answer for 3s`
	for _, row := range []struct {
		name string
		all  bool
	}{{"its sessions", false}, {"all of it", true}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := newStayer(t, 1)
			hung := sessionsOf(s.bastion)
			if row.all {
				hung = fmt.Sprintf("$(cat /run/sshd-%d.pid) %s", s.bastion.port, hung)
			}
			s.on(s.bastion.m, fmt.Sprintf("pids=$(echo %s); echo $pids > /run/hung-%d; kill -STOP $pids", hung, s.bastion.port))
			clients := s.talk(4, 0)
			s.eventually("the log of the tunnel says why", func() bool {
				return strings.Contains(s.must("sallyport", "tunnel", "log", "gate"), "waiting  "+why)
			})
			if row.all {
				if list := s.run("sallyport", "tunnel", "ls"); !strings.Contains(list.Out, "waiting") || !strings.Contains(list.Out, why) {
					t.Errorf("the list does not say it:\n%s", list.Out)
				}
				s.on(s.bastion.m, fmt.Sprintf("kill -CONT $(cat /run/hung-%d)", s.bastion.port))
			}
			s.exchanges()
			heard := clients.heard()
			if heard.Exchanges == 0 || len(heard.Refused) > 0 || len(heard.Wrong) > 0 {
				t.Errorf("the clients have met %+v", heard)
			}
			if list := s.must("sallyport", "tunnel", "ls"); strings.Contains(list, why) {
				t.Errorf("the list still says it:\n%s", list)
			}
		})
	}
}
