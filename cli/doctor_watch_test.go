//go:build linux

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/internal/sshtest"
	"sallyport/transport"
)

// overheard is what was printed so far.
type overheard struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *overheard) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *overheard) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// watching begins to watch a server; end gives what came of it.
func watching(t *testing.T, s *sshtest.Server, asJSON bool) (said *overheard, end func() error) {
	t.Helper()
	t.Setenv("SSH_AUTH_SOCK", "")
	said = &overheard{}
	a := &app{Stdio: Stdio{Out: said, Err: said}, configFile: s.Path("ssh_config")}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.watchHost(ctx, sshtest.Alias, 10*time.Millisecond, asJSON) }()
	return said, func() error { cancel(); return <-done }
}

func TestAHostIsWatchedThroughABreak(t *testing.T) {
	s := sshtest.StartServer(t)
	said, end := watching(t, s, false)
	waitFor := func(part string) {
		t.Helper()
		sshtest.Eventually(t, "it says "+part, func() bool { return strings.Contains(said.String(), part) })
	}
	waitFor("✓ targaryen: nothing is wrong\n")
	s.Stop()
	waitFor("connection refused [port]\n")
	s.Start(t)
	waitFor("✓ targaryen: over after ")
	if err := end(); err != nil {
		t.Errorf("it ends with %v", err)
	}
	// A connection that the server had taken when it ended is a fault of its own.
	faults, over := strings.Count(said.String(), "✗ "), strings.Count(said.String(), ": over after ")
	summary := fmt.Sprintf("found nothing wrong; faults: %d, the longest for ", faults)
	if lines := strings.Count(said.String(), "\n"); over != faults || lines != 2+2*faults || !strings.Contains(said.String(), summary) {
		t.Errorf("it says:\n%s", said)
	}
}

func TestARefusedLoginEndsTheWatch(t *testing.T) {
	s := sshtest.StartServer(t)
	s.Write(t, "authorized_keys", "")
	said, end := watching(t, s, true)
	sshtest.Eventually(t, "it stops", func() bool { return strings.Contains(said.String(), `"stopped"`) })
	var failed status
	if err := end(); !errors.As(err, &failed) || int(failed) != found {
		t.Errorf("it ends with %v", err)
	}
	var events []string
	for line := range strings.Lines(said.String()) {
		var e watchEvent
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		if events = append(events, e.Event); e.Finding != nil {
			events = append(events, e.Finding.Check)
		}
	}
	if !slices.Equal(events, []string{"broke", "login", "stopped"}) {
		t.Errorf("it says %q", events)
	}
	if n := strings.Count(s.Log(), "Connection from "); n != 1 {
		t.Errorf("it has tried %d times", n)
	}
}

// What lies behind a break was not looked at: it is over only once it was.
func TestAFaultIsOverWhenItIsSeenToBe(t *testing.T) {
	wrong := func(check, hop, what string) transport.Finding {
		return transport.Finding{Check: check, Hop: hop, Outcome: transport.Wrong, What: what}
	}
	well := func(check, hop string) transport.Finding {
		return transport.Finding{Check: check, Hop: hop, Outcome: transport.Healthy}
	}
	full, down := wrong("far-disk", "wall", "the disk is full: 12 KiB are left"), wrong("port", "gate", "refused")
	for _, row := range []struct {
		name  string
		tries [][]transport.Finding
		want  string
	}{
		{"what is well is told once", [][]transport.Finding{{well("session", "wall")}, {well("session", "wall")}}, "well"},
		{"a fault is told once, whatever its numbers", [][]transport.Finding{{full}, {wrong("far-disk", "wall", "the disk is full: 7 KiB are left")}}, "broke far-disk"},
		{"a break hides what lies behind it", [][]transport.Finding{{well("session", "wall"), full}, {down}, {well("session", "wall"), full}}, "broke far-disk, broke port, over port"},
		{"and does not end it", [][]transport.Finding{{well("session", "wall"), full}, {down}, {well("session", "wall")}}, "broke far-disk, broke port, over far-disk, over port"},
		{"another fault of the same check is another", [][]transport.Finding{{down}, {wrong("port", "gate", "no route")}}, "broke port, over port, broke port"},
		{"a fault of this machine is over by itself", [][]transport.Finding{{wrong("disk", "", "full")}, {}}, "broke disk, over disk"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var out bytes.Buffer
			w := &watch{app: &app{Stdio: Stdio{Out: &out}}, host: "wall", json: true}
			for i, found := range row.tries {
				if err := w.compare(time.Unix(int64(i), 0), found); err != nil {
					t.Fatal(err)
				}
			}
			var got []string
			for line := range strings.Lines(out.String()) {
				var e watchEvent
				if err := json.Unmarshal([]byte(line), &e); err != nil {
					t.Fatal(err)
				}
				if e.Finding != nil {
					e.Event += " " + e.Finding.Check
				}
				got = append(got, e.Event)
			}
			if got := strings.Join(got, ", "); got != row.want {
				t.Errorf("it tells %q, and not %q", got, row.want)
			}
		})
	}
}
