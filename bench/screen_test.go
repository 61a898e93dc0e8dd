//go:build linux

package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"sallyport/internal/sshtest"
)

// terminal is the program on a terminal of its own. Its output is read by who
// waits for it, into one buffer: whatever the benchmark does meanwhile counts
// as the program's time.
type terminal struct {
	t   testing.TB
	cmd *exec.Cmd
	tty *os.File
	buf []byte
}

// open starts the screen on a configuration, in a home where nothing runs.
func open(t testing.TB, config, home string) *terminal {
	t.Helper()
	cmd := exec.Command(program(t), "-F", config)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + home, "XDG_STATE_HOME=" + home, "TERM=xterm-256color", "LANG=C.UTF-8"}
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 34, Cols: 120})
	if err != nil {
		t.Fatal(err)
	}
	return &terminal{t, cmd, tty, make([]byte, 0, 256<<10)}
}

// shows waits until the program has written a text since the last call.
func (s *terminal) shows(text string) {
	s.t.Helper()
	for s.buf = s.buf[:0]; !bytes.Contains(s.buf, []byte(text)); {
		if err := s.read(time.Minute); err != nil {
			s.t.Fatalf("the program does not show %q: %v: %q", text, err, s.buf)
		}
	}
}

// read takes what comes next. The terminal's descriptor waits (pty.Setsize has
// made it so), and knows no deadline.
func (s *terminal) read(patience time.Duration) error {
	if len(s.buf) == cap(s.buf) {
		return errors.New("too much was written")
	}
	ready := []unix.PollFd{{Fd: int32(s.tty.Fd()), Events: unix.POLLIN}}
	for end := time.Now().Add(patience); ; {
		n, err := unix.Poll(ready, int(time.Until(end).Milliseconds()))
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return err
		case n == 0:
			return os.ErrDeadlineExceeded
		}
		break
	}
	n, err := s.tty.Read(s.buf[len(s.buf):cap(s.buf)])
	s.buf = s.buf[:len(s.buf)+n]
	return err
}

// settle throws away what comes until nothing has come for a while, or the
// program has ended.
func (s *terminal) settle(quiet time.Duration) {
	for s.read(quiet) == nil {
		s.buf = s.buf[:0]
	}
	s.buf = s.buf[:0]
}

func (s *terminal) press(keys string) {
	s.t.Helper()
	if _, err := s.tty.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

func (s *terminal) close() {
	s.press("\x03")
	s.settle(time.Second)
	s.cmd.Wait() // how it ends is not measured
	s.tty.Close()
}

// spent is the processor time of the program, and its page faults without
// reading, so far: field 10 of proc(5)'s stat.
func (s *terminal) spent() (cpu time.Duration, faults int) {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	if faults, err = strconv.Atoi(strings.Fields(rest)[7]); err != nil {
		s.t.Fatal(err)
	}
	return schedule(s.t, s.cmd.Process.Pid), faults
}

// schedule is the processor time of all threads of a process so far, to the
// nanosecond: schedstat's first field.
func schedule(t testing.TB, pid int) (cpu time.Duration) {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d", pid)
	threads, err := filepath.Glob(dir + "/task/*/schedstat")
	if err != nil || len(threads) == 0 {
		t.Fatalf("%s has no threads: %v", dir, err)
	}
	for _, path := range threads {
		var ran time.Duration
		text, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended meanwhile
		}
		if _, err := fmt.Sscan(string(text), &ran); err != nil {
			t.Fatal(err)
		}
		cpu += ran
	}
	return cpu
}

var sizes = []int{10, 10_000, 50_000}

// BenchmarkFirstFrame is the time from the start of the program until the list
// is on the screen, and what it has cost by then. The configuration names each
// host twice. Give it -benchtime 15x: the figures are medians; processor time
// and page faults say more than the time while the machine is busy.
func BenchmarkFirstFrame(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			config := sshtest.Inventory(b, n/2)
			program(b)
			var costs []cost
			var faults []int
			for b.Loop() {
				home := b.TempDir()
				began := time.Now()
				s := open(b, config, home)
				s.shows("node00000")
				first := time.Since(began)
				cpu, touched := s.spent()
				costs, faults = append(costs, cost{first: first, cpu: cpu}), append(faults, touched)
				s.close()
			}
			b.ReportMetric(milliseconds(median(costs, func(c cost) time.Duration { return c.first })), "ms")
			b.ReportMetric(milliseconds(median(costs, func(c cost) time.Duration { return c.cpu })), "cpu-ms")
			slices.Sort(faults)
			b.ReportMetric(float64(faults[len(faults)/2]), "faults")
			b.ReportMetric(0, "ns/op") // the mean says less
		})
	}
}

// BenchmarkSearchKey is the time from a key to the first of what it changes on
// the screen: the first key of a search, when no host is known yet but by
// name, and a later one. A letter is typed and taken back before the first, or
// the answer of the search before would still be there.
func BenchmarkSearchKey(b *testing.B) {
	for _, row := range []struct{ name, before, key string }{
		{"first key", "/z\x7f", "4"},
		{"third key", "/no", "4"},
	} {
		b.Run(row.name, func(b *testing.B) {
			s := open(b, sshtest.Inventory(b, 25_000), b.TempDir())
			defer s.close()
			s.shows("node00000")
			var costs []cost
			for b.Loop() {
				s.press(row.before)
				s.settle(300 * time.Millisecond)
				began := time.Now()
				s.press(row.key)
				s.shows("4")
				costs = append(costs, cost{first: time.Since(began)})
				s.press("\x1b")
				s.settle(300 * time.Millisecond)
			}
			b.ReportMetric(milliseconds(median(costs, func(c cost) time.Duration { return c.first })), "ms")
			b.ReportMetric(0, "ns/op") // the mean says less
		})
	}
}

// BenchmarkIdle is the processor time that the screen takes while nothing
// happens, a second.
func BenchmarkIdle(b *testing.B) {
	s := open(b, sshtest.Inventory(b, 25_000), b.TempDir())
	defer s.close()
	s.shows("node00000")
	s.settle(3 * time.Second)
	b.ResetTimer()
	const watched = 10 * time.Second
	for b.Loop() {
		before, _ := s.spent()
		s.settle(watched) // it returns early only if something is drawn: that would be no idleness
		after, _ := s.spent()
		b.ReportMetric(milliseconds(after-before)/watched.Seconds(), "cpu-ms/s")
	}
}
