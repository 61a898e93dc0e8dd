//go:build linux

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// actAs is the shell command with which a machine plays one of the roles.
func actAs(t *testing.T, role string, args ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("env %s=%s %s %s", roleVariable, role, self, strings.Join(args, " "))
}

// play starts one of the small servers on a machine and returns what it prints
// once it is ready.
func playOn(t *testing.T, m *machine, role string, port int, args ...string) (log func() string) {
	t.Helper()
	return playAt(t, m, role, fmt.Sprintf("0.0.0.0:%d", port), args...)
}

// playAt is playOn for an address, or the path of a socket.
func playAt(t *testing.T, m *machine, role, address string, args ...string) (log func() string) {
	t.Helper()
	name := role + "-" + strings.NewReplacer("0.0.0.0:", "", "/", "").Replace(address)
	command := "exec " + actAs(t, role, append([]string{address}, args...)...)
	t.Cleanup(background(t, m, name, command))
	log = func() string {
		b, err := os.ReadFile(m.path("/run/" + name + ".log"))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if _, err := m.sh("until grep -qx ready /run/" + name + ".log; do sleep 0.02; done"); err != nil {
		t.Fatalf("%v\n%s", err, log())
	}
	return log
}

func TestHalfCloseThroughATunnel(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	replies, speaks := 2000+int(ports.Add(1)), 2000+int(ports.Add(1))
	playOn(t, l.inner, "reply-at-eof", replies)
	heard := playOn(t, l.inner, "speak-then-hear", speaks)
	config := chainConfig + fmt.Sprintf("    LocalForward 7001 localhost:%d\n    LocalForward 7002 localhost:%d\n", replies, speaks)

	rows := []struct {
		name string
		// via prepares the way and gives the addresses of the two servers and
		// the machine from which to call them.
		via func(t *testing.T) (from *machine, replies, speaks string)
	}{
		{"direct", func(t *testing.T) (*machine, string, string) {
			return l.bastion, fmt.Sprintf("%s:%d", innerAddr, replies), fmt.Sprintf("%s:%d", innerAddr, speaks)
		}},
		{"ssh", func(t *testing.T) (*machine, string, string) {
			c := newClient(t, config)
			t.Cleanup(background(t, c.machine, "ssh", "exec ssh -N inner"))
			c.eventually("ssh listens", func() bool { return c.listens("7001") && c.listens("7002") })
			return c.machine, "localhost:7001", "localhost:7002"
		}},
		{"sallyport", func(t *testing.T) (*machine, string, string) {
			c := newClient(t, config)
			c.must("sallyport", "tunnel", "up", "inner")
			c.eventually("sallyport listens", func() bool { return c.listens("7001") && c.listens("7002") })
			return c.machine, "localhost:7001", "localhost:7002"
		}},
	}
	for i, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			from, replies, speaks := row.via(t)
			for _, size := range []int{0, 1, 70_000, 3_000_000} {
				sent := pattern(size)
				want := "reply " + digest(append([]byte(digest(sent)+"\n"), sent...)) + "\n"
				if got, err := from.sh(actAs(t, "half-close", replies, fmt.Sprint(size))); err != nil || got != want {
					t.Errorf("%d bytes sent, then the writing side shut: got %q, %v\nwant %q", size, got, err, want)
				}
			}
			// A size of its own, so that the server's log tells the rows apart.
			size := 300_000 + i
			want := "reply " + digest(pattern(100_000)) + "\n"
			if got, err := from.sh(actAs(t, "hear-then-speak", speaks, fmt.Sprint(size))); err != nil || got != want {
				t.Errorf("the server speaks and shuts its writing side: got %q, %v\nwant %q", got, err, want)
			}
			wantHeard := "heard " + digest(pattern(size)) + "\n"
			until(t, "the server has heard "+wantHeard, func() bool { return strings.Contains(heard(), wantHeard) })
		})
	}
}
