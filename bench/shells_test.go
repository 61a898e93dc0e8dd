//go:build linux

package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"sallyport/internal/sshtest"
)

// on runs a program on a terminal of its own.
func (c *chain) on(b *testing.B, argv ...string) *terminal {
	b.Helper()
	cmd := c.start(argv...)
	cmd.Stderr = nil // the terminal
	cmd.Env = append(cmd.Env, "TERM=xterm-256color")
	var tty *os.File
	c.client.within(b, func() {
		var err error
		tty, err = pty.StartWithSize(cmd, &pty.Winsize{Rows: 34, Cols: 120})
		must(b, "starting the program", err)
	})
	s := &terminal{b, cmd, tty, make([]byte, 0, 256<<10)}
	b.Cleanup(s.kill)
	return s
}

// shells are one of ssh's and one of ours, in which the same runs.
func (c *chain) shells(b *testing.B, command string) [2]*terminal {
	b.Helper()
	c.background(b)
	both := [2]*terminal{
		c.on(b, "ssh", "-F", c.config, "-tt", c.last, command),
		c.on(b, program(b), "-F", c.config, "-tt", c.last, command),
	}
	for _, s := range both {
		s.shows("ready")
		s.settle(300 * time.Millisecond)
	}
	return both
}

// kill ends the program, which has no time to say good-bye.
func (s *terminal) kill() {
	if s.cmd.ProcessState == nil {
		s.cmd.Process.Kill()
		s.cmd.Wait() // it was killed
		s.tty.Close()
	}
}

// fd is the terminal's descriptor. It waits, and whoever uses it keeps to one
// thread, as no goroutine shall be woken where time is taken.
func (s *terminal) fd() int { return int(s.tty.Fd()) }

// BenchmarkKeystroke is the time from a key to its echo, which the far side's
// terminal sends, against ssh in turn. Give it -benchtime 3000x: the figures
// are the median and the 99th of a hundred.
func BenchmarkKeystroke(b *testing.B) {
	for _, rtt := range []time.Duration{0, 20 * time.Millisecond} {
		b.Run(rtt.String(), func(b *testing.B) {
			c := newChain(b, 1, rtt)
			both := c.shells(b, "stty -icanon; echo ready; exec cat >/dev/null")
			var echoes [2][]time.Duration
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for b.Loop() {
				for i, s := range both {
					time.Sleep(3 * time.Millisecond) // nobody types faster, and all processes rest
					echoes[i] = append(echoes[i], s.echo())
				}
			}
			for i := range echoes {
				slices.Sort(echoes[i])
			}
			for _, percent := range []int{50, 99} {
				at := len(echoes[0]) * percent / 100
				theirs, ours := echoes[0][at], echoes[1][at]
				b.ReportMetric(float64(ours)/float64(theirs), fmt.Sprintf("p%d-of-ssh", percent))
				b.ReportMetric(milliseconds(ours)*1000, fmt.Sprintf("p%d-µs", percent))
				b.ReportMetric(milliseconds(theirs)*1000, fmt.Sprintf("ssh-p%d-µs", percent))
			}
			b.ReportMetric(0, "ns/op") // of both together: it says nothing
		})
	}
}

// echo types a key and waits for it.
func (s *terminal) echo() time.Duration {
	var key [1]byte
	key[0] = 'k'
	fd := s.fd()
	began := time.Now()
	if _, err := unix.Write(fd, key[:]); err != nil {
		s.t.Fatal(err)
	}
	key[0] = 0
	if _, err := unix.Read(fd, key[:]); err != nil || key[0] != 'k' {
		s.t.Fatalf("the echo is %q: %v", key, err)
	}
	return time.Since(began)
}

// page is how much a program writes to its terminal, in bytes.
const page = 200 << 20

// text is a file of lines as programs write them, page bytes long.
func text(b *testing.B) (path string) {
	b.Helper()
	var all bytes.Buffer
	for i := 0; all.Len() < 1<<20; i++ {
		fmt.Fprintf(&all, "%6d  /usr/share/doc/package-%d/changelog.Debian.gz %s\n", i, i*7%1000, strings.Repeat("word ", i%11))
	}
	path = filepath.Join(b.TempDir(), "text")
	f, err := os.Create(path)
	must(b, "making a file", err)
	defer f.Close()
	for range page >> 20 {
		_, err := f.Write(all.Bytes()[:1<<20])
		must(b, "writing a file", err)
	}
	return path
}

// bell is in no text.
const bell = '\a'

// BenchmarkOutput has a program write to a terminal that somebody looks at, by
// ssh and by us, to one of ours at which nobody does, and to one without any
// connection, than which nothing can be faster. Give it -benchtime 7x: the
// figures are medians.
func BenchmarkOutput(b *testing.B) {
	c := newChain(b, 1, 0)
	path := text(b)
	command := `stty -echo; echo ready; while read line; do cat ` + path + `; printf '\a'; done`
	both := c.shells(b, command)
	bare := c.on(b, "sh", "-c", command)
	bare.shows("ready")
	alone := c.newAlone(b, path)
	var costs [4][]cost
	measure := func(i int, do func()) {
		began := time.Now()
		do()
		costs[i] = append(costs[i], cost{whole: time.Since(began)})
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for b.Loop() {
		for i, s := range []*terminal{both[0], both[1], bare} {
			measure(i, func() {
				s.press("\n")
				s.drain(bell)
			})
		}
		measure(3, alone.write)
	}
	whole := func(i int) float64 {
		return milliseconds(median(costs[i], func(k cost) time.Duration { return k.whole }))
	}
	b.ReportMetric(whole(0)/whole(1), "rate-of-ssh")
	b.ReportMetric(whole(0)/whole(2), "bare-rate-of-ssh")
	b.ReportMetric(whole(0)/whole(3), "alone-rate-of-ssh")
	b.ReportMetric(whole(1), "ms")
	b.ReportMetric(whole(2), "bare-ms")
	b.ReportMetric(whole(3), "alone-ms")
	b.ReportMetric(whole(0), "ssh-ms")
	b.ReportMetric(0, "ns/op") // of all together: it says nothing
}

// drain reads up to a byte, into one buffer, and looks at nothing else.
func (s *terminal) drain(last byte) {
	fd, buf := s.fd(), s.buf[:cap(s.buf)]
	for {
		n, err := unix.Read(fd, buf)
		if err != nil || n == 0 {
			s.t.Fatalf("the terminal ended: %v", err)
		}
		if bytes.IndexByte(buf[:n], last) >= 0 {
			return
		}
	}
}

// alone is a shell of ours at which nobody looks.
type alone struct {
	b        *testing.B
	go_, has *os.File
}

// newAlone leaves a shell that writes a file whenever it is told to. It has
// all been taken when the model of the terminal has answered what is asked
// behind it.
func (c *chain) newAlone(b *testing.B, path string) *alone {
	b.Helper()
	pipe := func(name string) (string, *os.File) {
		name = filepath.Join(c.dir, name)
		must(b, "making a pipe", unix.Mkfifo(name, 0o600))
		f, err := os.OpenFile(name, os.O_RDWR, 0) // so that it does not end
		must(b, "opening a pipe", err)
		b.Cleanup(func() { f.Close() })
		return name, f
	}
	to, tell := pipe("go")
	from, hear := pipe("has")
	s := c.on(b, program(b), "-F", c.config, "-tt", c.last, fmt.Sprintf(
		`stty -icanon -echo; exec 3<>%s 4<>%s; echo ready; while read go <&3; do cat %s; printf '\033[H\033[6n'; head -c 6 >/dev/null; echo >&4; done`, to, from, path))
	s.shows("ready")
	s.kill()
	c.left(b)
	return &alone{b, tell, hear}
}

func (a *alone) write() {
	_, err := a.go_.WriteString("\n")
	must(a.b, "telling the shell", err)
	_, err = a.has.Read(make([]byte, 1))
	must(a.b, "hearing of the shell", err)
}

// left waits until the latest shell has no viewer, and tells its name.
func (c *chain) left(b *testing.B) (name string) {
	b.Helper()
	sshtest.Eventually(b, "the shell is left", func() bool {
		var all []struct {
			Name    string
			Viewers []struct{}
		}
		must(b, "reading the sessions", json.Unmarshal(c.run(b, "sessions", "--json"), &all))
		last := all[len(all)-1]
		name = last.Name
		return len(last.Viewers) == 0
	})
	return name
}

// BenchmarkAttach is the time from the start of the program until the whole
// screen of a shell is painted that nobody has looked at, the lines above it
// first.
func BenchmarkAttach(b *testing.B) {
	for _, row := range []struct {
		name  string
		lines int
	}{{"a screen", 30}, {"10,000 lines", 12_000}} {
		b.Run(row.name, func(b *testing.B) {
			c := newChain(b, 1, 0)
			c.background(b)
			s := c.on(b, program(b), "-F", c.config, "-tt", c.last, fmt.Sprintf(`for i in $(seq %d); do printf '\033[32m%%d\033[m %%080d\n' $i $i; done; printf '\a^'; cat`, row.lines))
			s.drain(bell)
			s.kill()
			name := c.left(b)
			var costs []cost
			for b.Loop() {
				began := time.Now()
				s := c.on(b, program(b), "-F", c.config, "attach", name)
				s.drain('^') // in the last row
				costs = append(costs, cost{first: time.Since(began)})
				s.kill()
				c.left(b)
			}
			b.ReportMetric(milliseconds(median(costs, func(k cost) time.Duration { return k.first })), "ms")
			b.ReportMetric(0, "ns/op") // the mean says less
		})
	}
}

// BenchmarkIdleShells is what a hundred shells cost the background process
// that nobody looks at: memory beyond what it has with the connection alone,
// and processor time.
func BenchmarkIdleShells(b *testing.B) {
	const shells, watched = 100, 10 * time.Second
	for b.Loop() {
		c := newChain(b, 1, 0)
		c.background(b)
		var status struct{ PID int }
		must(b, "reading the state", json.Unmarshal(c.run(b, "daemon", "status", "--json"), &status))
		base := resident(b, status.PID)
		rests := func() float64 {
			before := schedule(b, status.PID)
			time.Sleep(watched)
			return milliseconds(schedule(b, status.PID)-before) / watched.Seconds()
		}
		b.ReportMetric(rests(), "base-cpu-ms/s")
		for range shells {
			s := c.on(b, program(b), "-F", c.config, c.last)
			s.shows("# ") // the prompt
			s.kill()
		}
		c.left(b)
		time.Sleep(watched)
		b.ReportMetric(rests(), "cpu-ms/s")
		b.ReportMetric(float64(resident(b, status.PID)-base)/(1<<20), "MiB")
		b.ReportMetric(float64(base)/(1<<20), "base-MiB")
		b.ReportMetric(0, "ns/op") // it says nothing
	}
}

// resident is the memory that a process has, in bytes (proc(5), VmRSS).
func resident(b *testing.B, pid int) int {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	must(b, "reading the memory", err)
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	var kib int
	_, err = fmt.Sscan(rest, &kib)
	must(b, "reading the memory", err)
	return kib << 10
}
