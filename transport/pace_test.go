//go:build unix

package transport

import (
	"io"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

// TestAStreamWaitsForAnAnswerWhileSomebodyTypes lets as much pass as may be under
// way, and tells how long that takes.
func TestAStreamWaitsForAnAnswerWhileSomebodyTypes(t *testing.T) {
	signer := sshtest.WriteKey(t, filepath.Join(t.TempDir(), "key"))
	types := func(c *Conn) { c.typing() }
	over := make(chan struct{}) // the hop before is asked how it is when the connection has ended
	close(over)
	for _, row := range []struct {
		name   string
		before func(c *Conn)
		silent bool // the far side answers nothing
		passes int
		want   time.Duration
	}{
		{"nobody types", func(*Conn) {}, true, paceBegin, 0},
		{"nobody has typed lately", func(c *Conn) { c.typing(); time.Sleep(typesFor + 1) }, true, paceBegin, 0},
		{"what passes is less", types, true, paceBegin - 1, 0},
		{"the far side answers", types, false, paceBegin, 0},
		{"it answers nothing", types, true, paceBegin, paceLimit},
		{"somebody types at a hop before", func(c *Conn) { c.via = &Conn{client: c.client, wire: c.wire, done: over}; c.via.typing() }, true, paceBegin, paceLimit},
		{"behind a host that is typed at", func(c *Conn) { (&Conn{wire: c.wire, via: c}).typing() }, true, paceBegin, paceLimit},
		{"the connection ends", func(c *Conn) { c.typing(); c.end(io.EOF) }, true, paceBegin, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, server := memoryConn(t, signer)
				defer server.Close()
				defer c.release()
				synctest.Wait()
				if row.silent {
					server.freeze()
				}
				row.before(c)
				began := time.Now()
				c.Pace(row.passes)
				if took := time.Since(began); took != row.want {
					t.Errorf("it took %v, want %v", took, row.want)
				}
			})
		})
	}
}

// TestWhatIsUnderWayFollowsTheTimeOfTheAnswers gives a pace answers.
func TestWhatIsUnderWayFollowsTheTimeOfTheAnswers(t *testing.T) {
	for _, row := range []struct {
		name    string
		answers []time.Duration
		want    int64
	}{
		{"nothing is in their way", []time.Duration{time.Millisecond}, 2 * paceBegin},
		{"nothing is for long", []time.Duration{1, 1, 1, 1, 1, 1, 1, 1}, paceMost},
		{"they wait", []time.Duration{1, 5 * time.Millisecond}, paceBegin},
		{"they wait for long", []time.Duration{1, time.Second, time.Second, time.Second, time.Second}, paceLeast},
		{"they wait a little", []time.Duration{1, keyDelay}, 2 * paceBegin},
		{"they wait a little for a long way", []time.Duration{50 * time.Millisecond, 70 * time.Millisecond}, 2 * paceBegin},
	} {
		t.Run(row.name, func(t *testing.T) {
			var p pace
			for _, took := range row.answers {
				p.pass(paceMost, func() {})
				p.heard(took, true)
			}
			if p.room != row.want {
				t.Errorf("%d bytes may be under way, want %d", p.room, row.want)
			}
		})
	}
}

// TestAKeyIntoATerminalIsToldOf writes to sessions of a real server.
func TestAKeyIntoATerminalIsToldOf(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		terminal bool
		written  int
		want     bool
	}{
		{"a key", true, 1, true},
		{"no terminal", false, 1, false},
		{"what was not typed", true, keyLength + 1, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			n.sshdWith(t, "h")
			told := false
			options := newWatch().options()
			options.Typed = func() { told = true }
			links := NewLinks(options)
			t.Cleanup(links.Close)
			_, conn := connected(t, links, plan(t, n.load(t), "h"))
			s := session(t, conn)
			defer s.Close()
			go ssh.DiscardRequests(s.Requests)
			if row.terminal {
				asks(t, s, "pty-req", struct {
					Term                      string
					Cols, Rows, Width, Height uint32
					Modes                     string
				}{Term: "xterm", Cols: 80, Rows: 24})
			}
			asks(t, s, "exec", struct{ Command string }{"cat"})
			if _, err := s.Write(make([]byte, row.written)); err != nil {
				t.Fatal(err)
			}
			if told != row.want || conn.typedOn() != row.want {
				t.Errorf("told of: %v; noted: %v; want %v", told, conn.typedOn(), row.want)
			}
		})
	}
}

// asks has the far side do something on a session.
func asks(t *testing.T, s *SessionChannel, name string, payload any) {
	t.Helper()
	if ok, err := s.SendRequest(name, true, ssh.Marshal(payload)); !ok || err != nil {
		t.Fatalf("%s: %v, %v", name, ok, err)
	}
}
