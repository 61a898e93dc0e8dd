//go:build unix

package transport

import (
	"errors"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
	"sallyport/keys"
)

// distantConn is a connection to a server with lines of sshd_config that may
// have lanes, and is told to be far away by nobody but the test.
func distantConn(t *testing.T, lines ...string) (*Link, *Conn, *watch, *sshtest.Server) {
	t.Helper()
	n := newNetwork(t)
	server := n.sshdWith(t, "h", lines...)
	n.config.WriteString("\tServerAliveInterval 0\n") // it would measure the distance
	seen := newWatch()
	options := seen.options()
	options.Lanes = true
	links := NewLinks(options)
	t.Cleanup(links.Close)
	link, conn := connected(t, links, plan(t, n.load(t), "h"))
	return link, conn, seen, server
}

// busyStreams begins streams that have passed so much that their window has
// bound them.
func busyStreams(c *Conn, n int) (all []*Stream) {
	for range n {
		s := c.Stream()
		s.Passed(muchBytes)
		all = append(all, s)
	}
	return all
}

func (w *watch) awaitFurther(t *testing.T, l *Link, want int) {
	t.Helper()
	sshtest.Eventually(t, "so many further connections are told", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.told) > 0 && w.told[len(w.told)-1].Further == want
	})
}

func TestStreamsOfADistantHostAreSpreadOverLanes(t *testing.T) {
	t.Parallel()
	link, conn, seen, server := distantConn(t)
	first := busyStreams(conn, lanesFrom)
	conn.lanes.measured(distant)
	seen.awaitFurther(t, link, lanesMost)
	if got := server.Logins(); got != 1+lanesMost {
		t.Errorf("%d logins, want %d", got, 1+lanesMost)
	}

	var spread []*Stream
	for range lanesMost {
		s := conn.Stream()
		if s.Conn == conn || slices.ContainsFunc(spread, func(o *Stream) bool { return o.Conn == s.Conn }) {
			t.Error("a stream is on a connection that has more than another")
		}
		if got := output(t, s.Conn, "echo over a lane"); got != "over a lane\n" {
			t.Errorf("a lane says %q", got)
		}
		spread = append(spread, s)
	}

	for _, s := range first {
		s.End()
	}
	idle := spread[0]
	idle.End()
	idle.lane.idle.Reset(0) // its time is over
	seen.awaitFurther(t, link, lanesMost-1)
	<-idle.Conn.Done() // it ends once it is not chosen any more
	if !errors.Is(idle.Conn.Err(), errLaneIdle) {
		t.Errorf("an idle lane has ended with %v", idle.Conn.Err())
	}
	if s := conn.Stream(); s.Conn != conn {
		t.Error("a stream is on a lane that has one, and none on the connection itself")
	}

	link.Close()
	for _, s := range spread[1:] {
		<-s.Conn.Done()
	}
}

func TestALaneThatBreaksIsReplacedAndHarmsNoOther(t *testing.T) {
	t.Parallel()
	link, conn, seen, server := distantConn(t)
	busyStreams(conn, lanesFrom)
	conn.lanes.measured(distant)
	seen.awaitFurther(t, link, lanesMost)
	broken := conn.Stream()
	_ = broken.Conn.wire.Close() // as a network that is gone
	<-broken.Conn.Done()
	broken.End()
	sshtest.Eventually(t, "nobody is given the broken lane", func() bool { return conn.lanes.count() == lanesMost-1 })
	busyStreams(conn, 1) // another is due
	sshtest.Eventually(t, "there is another login", func() bool { return server.Logins() == 2+lanesMost })
	if conn.Err() != nil {
		t.Errorf("the connection itself ended with %v", conn.Err())
	}
}

func TestNoLaneLeadsToAnotherMachine(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string][]string{
		"behind one address there are several": {"ForceCommand cat /proc/sys/kernel/random/uuid; echo net:[1]"},
		"it does not tell":                     {"ForceCommand echo hello"},
		"it has no sessions":                   {"MaxSessions 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, conn, _, _ := distantConn(t, lines...)
			busyStreams(conn, lanesFrom)
			conn.lanes.measured(distant)
			sshtest.Eventually(t, "it was given up", func() bool {
				conn.lanes.mu.Lock()
				defer conn.lanes.mu.Unlock()
				return conn.lanes.off
			})
			if n := conn.lanes.count(); n != 0 {
				t.Errorf("there are %d lanes", n)
			}
			if s := conn.Stream(); s.Conn != conn {
				t.Error("a stream is not on the connection itself")
			}
		})
	}
}

func TestLanesAreDueForBusyStreamsOverADistance(t *testing.T) {
	for _, row := range []struct {
		name    string
		latency time.Duration
		streams int
		passed  int64
		due     bool
	}{
		{"two streams with much to pass", distant, 2, muchBytes, true},
		{"a near host", distant - 1, 2, muchBytes, false},
		{"a host of which the distance is not known", 0, 2, muchBytes, false},
		{"a single stream, which stays where it is", distant, 1, muchBytes, false},
		{"streams that pass little", distant, 8, muchBytes - 1, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			var c Conn
			if row.latency > 0 {
				c.lanes.measured(row.latency)
				c.lanes.measured(time.Second) // behind much else
			}
			var all []*Stream
			for range row.streams {
				s := c.Stream()
				s.Passed(row.passed)
				s.Passed(row.passed) // which counts once
				all = append(all, s)
			}
			if got := c.lanes.due(); got != row.due {
				t.Errorf("due is %v, want %v", got, row.due)
			}
			for _, s := range all {
				s.End()
			}
			if c.lanes.due() {
				t.Error("lanes are due for streams that have ended")
			}
		})
	}
}

func TestOnlyALoginThatTookNothingOfAPersonIsRepeated(t *testing.T) {
	plain := &identity{key: &keys.Key{Public: sshtest.NewKey(t).PublicKey()}}
	token, err := ssh.ParsePublicKey(ssh.Marshal(struct {
		Type        string
		Key         []byte
		Application string
	}{ssh.KeyAlgoSKED25519, make([]byte, 32), "ssh:"}))
	if err != nil {
		t.Fatal(err)
	}
	touched := &identity{key: &keys.Key{Public: token}}
	once := claimOf(Question{Kind: AskPassphrase})
	for _, row := range []struct {
		name string
		auth *auth
		want bool
	}{
		{"none", &auth{}, true},
		{"a key", &auth{tried: []*trial{{method: "publickey", key: plain, signed: true, took: atOnce}}}, true},
		{"the second key", &auth{tried: []*trial{{method: "publickey", key: touched}, {method: "publickey", key: plain, signed: true}}}, true},
		{"a ticket", &auth{tried: []*trial{{method: "gssapi-with-mic"}}}, true},
		{"a key that somebody had to confirm", &auth{tried: []*trial{{method: "publickey", key: plain, signed: true, took: atOnce + 1}}}, false},
		{"a security key", &auth{tried: []*trial{{method: "publickey", key: touched, signed: true}}}, false},
		{"a password", &auth{tried: []*trial{{method: "password", kept: true}}}, false},
		{"a key and a telephone", &auth{tried: []*trial{{method: "publickey", key: plain, signed: true, partial: true}, {method: "keyboard-interactive"}}}, false},
		{"a passphrase", &auth{asks: map[claim]int{once: 1}}, false},
		{"a passphrase of another hop", &auth{recalled: map[claim]bool{once: true}}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := row.auth.effortless(); got != row.want {
				t.Errorf("effortless is %v, want %v", got, row.want)
			}
		})
	}
}
