//go:build unix

package transport

import (
	"context"
	"io"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

// spareConn is a connection that keeps a spare session, to a server with
// lines of sshd_config.
func spareConn(t *testing.T, lines ...string) *Conn {
	t.Helper()
	n := newNetwork(t)
	n.sshdWith(t, "h", lines...)
	options := newWatch().options()
	options.Spare = true
	links := NewLinks(options)
	t.Cleanup(links.Close)
	_, conn := connected(t, links, plan(t, n.load(t), "h"))
	return conn
}

// waiting is the spare session once it is there.
func (s *spare) waiting(t *testing.T) (idle *idleSession) {
	t.Helper()
	sshtest.Eventually(t, "a spare session waits", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		idle = s.idle
		return idle != nil
	})
	return idle
}

// says runs a command on a session channel and returns its output.
func (c *SessionChannel) says(t *testing.T, command string) string {
	t.Helper()
	go ssh.DiscardRequests(c.Requests)
	defer c.Close()
	if ok, err := c.SendRequest("exec", true, ssh.Marshal(struct{ Command string }{command})); !ok || err != nil {
		t.Fatalf("exec: %v, %v", ok, err)
	}
	out, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func session(t *testing.T, c *Conn) *SessionChannel {
	t.Helper()
	s, err := c.OpenSession(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheSpareSessionIsTakenAndReplaced(t *testing.T) {
	t.Parallel()
	c := spareConn(t)
	if got := session(t, c).says(t, "echo first"); got != "first\n" {
		t.Errorf("the first session says %q", got)
	}
	spare := c.spare.waiting(t)
	second := session(t, c)
	if second != spare.SessionChannel {
		t.Error("the second session is not the spare one")
	}
	if got := second.says(t, "echo second"); got != "second\n" {
		t.Errorf("the second session says %q", got)
	}
	if c.spare.waiting(t) == spare {
		t.Error("the spare session was not replaced")
	}
}

func TestAServerThatRefusesASpareSessionIsLeftAlone(t *testing.T) {
	t.Parallel()
	c := spareConn(t, "MaxSessions 1")
	first := session(t, c)
	sshtest.Eventually(t, "the spare session was refused", func() bool {
		c.spare.mu.Lock()
		defer c.spare.mu.Unlock()
		return c.spare.off
	})
	if got := first.says(t, "echo first"); got != "first\n" {
		t.Errorf("the first session says %q", got)
	}
	var second *SessionChannel
	sshtest.Eventually(t, "the place of the first session was free", func() bool {
		var err error
		second, err = c.OpenSession(soon(t))
		return err == nil
	})
	if got := second.says(t, "echo second"); got != "second\n" {
		t.Errorf("the second session says %q", got)
	}
}

func TestASpareSessionAnswersTheServersKeepalives(t *testing.T) {
	t.Parallel()
	c := spareConn(t, "ClientAliveInterval 1", "ClientAliveCountMax 1")
	session(t, c).says(t, "true")
	c.spare.waiting(t)
	asked, heard := 0, c.wire.lastHeard()
	sshtest.Eventually(t, "the server asked three times", func() bool {
		if now := c.wire.lastHeard(); now.Sub(heard) > 500*time.Millisecond { // a question, not the rest of a session
			asked, heard = asked+1, now
		}
		return asked == 3
	})
	if got := session(t, c).says(t, "echo alive"); got != "alive\n" {
		t.Errorf("the spare session says %q", got)
	}
}

func TestASpareSessionThatTheServerHasClosedIsNotTaken(t *testing.T) {
	t.Parallel()
	c := spareConn(t)
	session(t, c).says(t, "true")
	idle := c.spare.waiting(t)
	if err := idle.Close(); err != nil { // the server confirms: as if it had been the first
		t.Fatal(err)
	}
	sshtest.Eventually(t, "the end of the spare session was noticed", func() bool { return len(idle.open) == 1 })
	if got := session(t, c).says(t, "echo fresh"); got != "fresh\n" {
		t.Errorf("the session says %q", got)
	}
}

func TestNoSpareSessionIsOpenedUnasked(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.sshd(t, "h")
	links := NewLinks(newWatch().options())
	defer links.Close()
	_, c := connected(t, links, plan(t, n.load(t), "h"))
	session(t, c).says(t, "true")
	c.replenish()
	if c.spare.busy || c.spare.idle != nil {
		t.Error("a spare session was opened")
	}
	if err := c.Ping(context.Background()); err != nil {
		t.Error(err)
	}
}
