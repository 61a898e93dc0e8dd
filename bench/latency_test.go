//go:build linux

package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"sallyport/internal/sshtest"
)

var roundTrips = []time.Duration{0, 20 * time.Millisecond, 100 * time.Millisecond}

// BenchmarkLatencyCold is the time from the start of the program to the first
// byte of "echo x", by logins through one to three hosts, against ssh in turn.
// Give it -benchtime 15x: the figures are medians.
func BenchmarkLatencyCold(b *testing.B) {
	for _, rtt := range roundTrips {
		for hops := 1; hops <= 3; hops++ {
			b.Run(fmt.Sprintf("%v/hops=%d", rtt, hops), func(b *testing.B) {
				c := newChain(b, hops, rtt)
				c.compare(b, c.command("ssh"), c.command(program(b), "ssh"))
			})
		}
	}
}

// BenchmarkLatencyOpen is the same on a connection that is open already: that
// of a ControlMaster, and that of the background process.
func BenchmarkLatencyOpen(b *testing.B) {
	for _, rtt := range roundTrips {
		b.Run(rtt.String(), func(b *testing.B) {
			c := newChain(b, 1, rtt)
			socket := c.master(b)
			c.background(b)
			c.compare(b, c.command("ssh", "-S", socket), c.command(program(b), "ssh"))
		})
	}
}

// chain is a client and the way from it to the last of some servers.
type chain struct {
	client *place // nil: where the test is
	server *place // of the last
	far    *sshtest.Server
	dir    string // the client's home
	config string
	last   string // alias
}

// newChain starts the servers: on the loopback device if there is no round
// trip, else each in a network of its own.
func newChain(b *testing.B, hops int, roundTrip time.Duration) *chain {
	b.Helper()
	sshtest.Program(b, "ssh")
	must(b, "becoming the parent of orphans", unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
	places := make([]*place, hops+1)
	if roundTrip > 0 {
		if os.Geteuid() != 0 {
			sshtest.Missing(b, "root, who may make delayed networks,")
		}
		sshtest.Program(b, "ip")
		places = newNetwork(b, hops+1, roundTrip).places
	}
	dir, err := os.MkdirTemp("", "latency") // that of the test is too long for a socket
	must(b, "making a home", err)
	b.Cleanup(func() { os.RemoveAll(dir) })
	c := &chain{client: places[0], server: places[hops], dir: dir, config: filepath.Join(dir, "config")}
	var config, known strings.Builder
	for i, p := range places[1:] {
		jump := c.last
		c.last = fmt.Sprintf("h%d", i+1)
		s, address := serve(b, p)
		c.far = s
		fmt.Fprintf(&config, "Host %s\nHostKeyAlias %[1]s\nHostName %s\nPort %d\nIdentityFile %s\n", c.last, address, s.Port, s.Path("id"))
		if jump != "" {
			fmt.Fprintf(&config, "ProxyJump %s\n", jump)
		}
		fmt.Fprintf(&known, "%s %s", c.last, ssh.MarshalAuthorizedKey(s.HostKey))
	}
	fmt.Fprintf(&config, "Host *\nIdentitiesOnly yes\nBatchMode yes\nLogLevel ERROR\n"+
		"GlobalKnownHostsFile none\nUserKnownHostsFile %s\n", filepath.Join(dir, "known_hosts"))
	must(b, "writing the configuration", os.WriteFile(c.config, []byte(config.String()), 0o600))
	must(b, "writing known_hosts", os.WriteFile(filepath.Join(dir, "known_hosts"), []byte(known.String()), 0o600))
	return c
}

// serve starts a server at a place and tells its address.
func serve(b *testing.B, p *place) (s *sshtest.Server, address string) {
	b.Helper()
	address = "127.0.0.1"
	if p == nil {
		return sshtest.StartServer(b, "MaxSessions 200"), address
	}
	s = sshtest.NewServer(b)
	address = p.address
	config, err := os.ReadFile(s.Path("sshd_config"))
	must(b, "reading the server's configuration", err)
	s.Write(b, "sshd_config", fmt.Sprintf("ListenAddress %s:%d\n%s", address, s.Port, config))
	p.within(b, func() { s.Run(b) })
	return s, address
}

// command makes commands that run "echo x" at the end of the chain.
func (c *chain) command(argv ...string) func() *exec.Cmd {
	argv = append(slices.Clone(argv), "-F", c.config, c.last, "echo x")
	return func() *exec.Cmd { return c.start(argv...) }
}

func (c *chain) start(argv ...string) *exec.Cmd {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.dir, "XDG_RUNTIME_DIR=" + c.dir, "XDG_STATE_HOME=" + c.dir, "TERM=xterm", "LANG=C.UTF-8"}
	cmd.Stderr = new(bytes.Buffer)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // for orphans
	return cmd
}

// master starts a ControlMaster to the end of the chain.
func (c *chain) master(b *testing.B) (socket string) {
	b.Helper()
	socket = filepath.Join(c.dir, "master")
	cmd := c.start("ssh", "-F", c.config, "-M", "-N", "-S", socket, c.last)
	c.client.within(b, func() { must(b, "starting a master", cmd.Start()) })
	b.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait() // it was killed
	})
	sshtest.Eventually(b, "the master listens", func() bool {
		_, err := os.Stat(socket)
		return err == nil
	})
	return socket
}

// background starts the background process and has it hold a connection to the
// end of the chain.
func (c *chain) background(b *testing.B) {
	b.Helper()
	c.run(b, "-F", c.config, c.last, "true")
	b.Cleanup(func() { c.run(b, "daemon", "stop") })
}

// run has the program do something, and tells what it prints.
func (c *chain) run(b *testing.B, args ...string) []byte {
	b.Helper()
	cmd := c.start(append([]string{program(b)}, args...)...)
	var out bytes.Buffer
	cmd.Stdout = &out
	c.client.within(b, func() { must(b, "starting the program", cmd.Start()) })
	if err := cmd.Wait(); err != nil {
		b.Fatalf("%q: %v: %s", args, err, cmd.Stderr)
	}
	return out.Bytes()
}

// cost is what one run took.
type cost struct {
	first time.Duration // to the first byte
	whole time.Duration // to the end
	cpu   time.Duration // of the process and of all that it started
}

// measure runs a command that prints "x".
func (c *chain) measure(b *testing.B, cmd *exec.Cmd) cost {
	b.Helper()
	out, err := cmd.StdoutPipe()
	must(b, "making a pipe", err)
	var begin time.Time
	c.client.within(b, func() {
		begin = time.Now()
		must(b, "starting the command", cmd.Start())
	})
	first := make([]byte, 1)
	_, err = io.ReadFull(out, first)
	k := cost{first: time.Since(begin)}
	rest, readErr := io.ReadAll(out)
	err = errors.Join(err, readErr, cmd.Wait())
	if text := string(first) + string(rest); err != nil || text != "x\n" {
		b.Fatalf("%q: %v: %q: %s", cmd.Args, err, text, cmd.Stderr)
	}
	k.whole = time.Since(begin)
	k.cpu = processor(cmd.ProcessState.SysUsage().(*syscall.Rusage)) + orphans(b, cmd.Process.Pid)
	return k
}

// orphans is the processor time of those that a process left running, whose
// group is its own: the ssh of a jump ends after the one that started it.
func orphans(b *testing.B, group int) (used time.Duration) {
	b.Helper()
	for {
		var one syscall.Rusage
		switch _, err := syscall.Wait4(-group, nil, 0, &one); err {
		case nil:
			used += processor(&one)
		case syscall.EINTR:
		case syscall.ECHILD:
			return used
		default:
			b.Fatalf("waiting for what a command has left: %v", err)
		}
	}
}

func processor(used *syscall.Rusage) time.Duration {
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// compare runs the two in turn, so that what else the machine does meets both.
func (c *chain) compare(b *testing.B, theirs, ours func() *exec.Cmd) {
	b.Helper()
	c.measure(b, theirs()) // warm the caches
	c.measure(b, ours())
	var a, z []cost
	for b.Loop() {
		a = append(a, c.measure(b, theirs()))
		z = append(z, c.measure(b, ours()))
	}
	report := func(what string, of func(cost) time.Duration) {
		b.ReportMetric(float64(median(z, of))/float64(median(a, of)), what+"-of-ssh")
	}
	report("x", func(k cost) time.Duration { return k.first })
	report("whole", func(k cost) time.Duration { return k.whole })
	report("cpu", func(k cost) time.Duration { return k.cpu })
	b.ReportMetric(milliseconds(median(z, func(k cost) time.Duration { return k.first })), "ms")
	b.ReportMetric(milliseconds(median(a, func(k cost) time.Duration { return k.first })), "ssh-ms")
	b.ReportMetric(milliseconds(median(z, func(k cost) time.Duration { return k.cpu })), "cpu-ms")
	b.ReportMetric(0, "ns/op") // of both together: it says nothing
}

func median(of []cost, what func(cost) time.Duration) time.Duration {
	var all []time.Duration
	for _, k := range of {
		all = append(all, what(k))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }
