//go:build linux

package bench

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sallyport/internal/sshtest"
)

// BenchmarkTunnelMemory compares the background process that holds 100 tunnels
// to 20 hosts with an "ssh -N" for each of them, at rest after each has carried
// a byte.
func BenchmarkTunnelMemory(b *testing.B) {
	const hosts, tunnels = 20, 5
	c, server := newHosts(b, hosts)
	far := c.newSink(b, false, 1)
	b.Cleanup(func() { c.run(b, "daemon", "stop") })
	var ours, theirs []*carrier
	each := func(f func(host string)) {
		for i := range hosts * tunnels {
			f(hostAlias(i % hosts))
		}
	}
	each(func(host string) { ours = append(ours, c.carrier(b, host, far)) })
	use(b, c, far, ours)
	logins := server.Logins()
	each(func(host string) { theirs = append(theirs, c.carrierOfSSH(b, host, far, "-N")) })
	use(b, c, far, theirs)
	for b.Loop() {
		time.Sleep(15 * time.Second) // until all are at rest; nothing is timed
	}
	our, their := pss(b, ours), pss(b, theirs)
	b.ReportMetric(float64(our)/float64(their), "pss-of-ssh")
	b.ReportMetric(float64(our)/1024, "MiB")
	b.ReportMetric(float64(their)/1024, "ssh-MiB")
	b.ReportMetric(float64(logins), "logins")
	b.ReportMetric(0, "ns/op")
}

// use sends through each.
func use(b *testing.B, c *chain, far *sink, all []*carrier) {
	for _, at := range all {
		at.listens(b, c)
		at.transfer(b, c, far, 1)
	}
}

func hostAlias(i int) string { return fmt.Sprintf("h%d", i+1) }

// newHosts is a client of some hosts, each of which is an address of one server.
func newHosts(b *testing.B, n int) (*chain, *sshtest.Server) {
	b.Helper()
	sshtest.Program(b, "ssh")
	dir, err := os.MkdirTemp("", "tunnels") // that of the test is too long for a socket
	must(b, "making a home", err)
	b.Cleanup(func() { os.RemoveAll(dir) })
	s := sshtest.NewServer(b)
	sshd, err := os.ReadFile(s.Path("sshd_config"))
	must(b, "reading the server's configuration", err)
	var config strings.Builder
	for i := range n {
		fmt.Fprintf(&config, "Host %s\nHostName 127.0.0.%d\n", hostAlias(i), i+1)
	}
	fmt.Fprintf(&config, "Host *\nHostKeyAlias [127.0.0.1]:%d\nPort %[1]d\nIdentityFile %s\nIdentitiesOnly yes\nBatchMode yes\nLogLevel ERROR\n"+
		"GlobalKnownHostsFile none\nUserKnownHostsFile %s\n", s.Port, s.Path("id"), s.Path("known_hosts"))
	s.Write(b, "sshd_config", strings.Replace(string(sshd), "ListenAddress 127.0.0.1:", "ListenAddress 0.0.0.0:", 1))
	s.Run(b)
	c := &chain{dir: dir, config: filepath.Join(dir, "config")}
	must(b, "writing the configuration", os.WriteFile(c.config, []byte(config.String()), 0o600))
	return c, s
}

// pss is the memory of the processes, each once, with their part of what they
// share with others (proc_pid_smaps(5)), in KiB.
func pss(b *testing.B, of []*carrier) (sum int) {
	b.Helper()
	counted := map[int]bool{}
	for _, at := range of {
		if counted[at.pid] {
			continue
		}
		counted[at.pid] = true
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", at.pid))
		must(b, "reading the memory of a process", err)
		_, rest, _ := strings.Cut(string(text), "\nPss:")
		kib, err := strconv.Atoi(strings.Fields(rest)[0])
		must(b, "reading the memory of a process", err)
		sum += kib
	}
	return sum
}

// outage is how long a server or the network is away.
const outage = time.Minute

// BenchmarkTunnelBack is the time from the end of a break until a client that
// tries over and over has had a byte there and back. Give it -benchtime 3x.
func BenchmarkTunnelBack(b *testing.B) {
	for _, row := range []struct {
		name   string
		rtt    time.Duration
		breaks func(*testing.B, *chain)
	}{
		{"session-killed", 0, func(b *testing.B, c *chain) { c.far.KillSessions() }},
		{"server-restarted", 0, func(b *testing.B, c *chain) {
			c.far.Stop()
			time.Sleep(outage)
			c.server.within(b, func() { c.far.Start(b) })
		}},
		{"line-cut", 2 * time.Millisecond, func(b *testing.B, c *chain) {
			c.client.within(b, func() { ip(b, "link set "+device+" down") })
			time.Sleep(outage)
			c.client.within(b, func() { ip(b, "link set "+device+" up") })
		}},
	} {
		b.Run(row.name, func(b *testing.B) {
			c := newChain(b, 1, row.rtt)
			far := c.newSink(b, false, 1)
			c.background(b)
			at := c.carrier(b, c.last, far)
			at.listens(b, c)
			at.transfer(b, c, far, 1)
			var costs []cost
			for b.Loop() {
				row.breaks(b, c)
				began := time.Now()
				at.insists(b, c)
				costs = append(costs, cost{whole: time.Since(began)})
				time.Sleep(3 * time.Second) // until the link knows its latency, as one does that is used
			}
			b.ReportMetric(milliseconds(median(costs, func(k cost) time.Duration { return k.whole })), "ms")
			b.ReportMetric(milliseconds(worst(costs)), "worst-ms")
			b.ReportMetric(0, "ns/op") // with the outage: it says nothing
		})
	}
}

func worst(of []cost) time.Duration {
	return slices.MaxFunc(of, func(a, z cost) int { return cmp.Compare(a.whole, z.whole) }).whole
}

// insists has a byte go there and back by as many connections as that takes.
func (at *carrier) insists(b *testing.B, c *chain) {
	b.Helper()
	sshtest.Eventually(b, "a byte has gone there and back", func() bool {
		conn, err := at.dial(b, c)
		if err != nil {
			return false
		}
		defer conn.Close()
		if _, err := conn.Write([]byte{1}); err != nil {
			return false
		}
		_, err = io.ReadFull(conn, make([]byte, 1))
		return err == nil
	})
}

// BenchmarkTunnelHung is the time from the moment at which a server hangs
// (SIGSTOP), with default settings, until that is noticed where no client
// connects, and until a client that connects then is served over a new
// connection. Give it -benchtime 5x.
func BenchmarkTunnelHung(b *testing.B) {
	for _, client := range []bool{false, true} {
		b.Run(fmt.Sprintf("client=%v", client), func(b *testing.B) {
			c := newChain(b, 1, 0)
			far := c.newSink(b, false, 1)
			c.background(b)
			at := c.carrier(b, c.last, far)
			at.listens(b, c)
			var costs []cost
			for b.Loop() {
				at.transfer(b, c, far, 1)
				logins := c.far.Logins()
				time.Sleep(3 * time.Second) // until it was asked for the first time
				c.far.Freeze(b)
				began := time.Now()
				if client {
					at.insists(b, c)
				} else {
					sshtest.Eventually(b, "there is another connection", func() bool { return c.far.Logins() > logins })
				}
				costs = append(costs, cost{whole: time.Since(began)})
				c.far.KillSessions()
			}
			b.ReportMetric(median(costs, func(k cost) time.Duration { return k.whole }).Seconds(), "s")
			b.ReportMetric(worst(costs).Seconds(), "worst-s")
			b.ReportMetric(0, "ns/op") // with pauses: it says nothing
		})
	}
}

// endless is an amount that no benchmark sends to its end.
const endless = 1 << 50

// BenchmarkTunnelEcho is the time from a key to its echo beside a tunnel of the
// same host that is full: through an ssh with a forward, and through the
// background process. Give it -benchtime 15x: each has 100 keys a time.
func BenchmarkTunnelEcho(b *testing.B) {
	for _, rtt := range []time.Duration{0, 20 * time.Millisecond} {
		for _, way := range []string{"up", "down"} {
			b.Run(fmt.Sprintf("%v/%s", rtt, way), func(b *testing.B) {
				c := newChain(b, 1, rtt)
				far := c.newSink(b, way == "down", endless)
				theirs := c.typistOfSSH(b, far)
				c.background(b)
				at := c.carrier(b, c.last, far)
				at.listens(b, c)
				ours := c.typist(b, at, c.start(program(b), "ssh", "-F", c.config, "-tt", c.last, echoes))
				for b.Loop() {
					for _, t := range []*typist{theirs, ours} {
						t.type100(b, c, far)
					}
				}
				for _, q := range []struct {
					name string
					part float64
				}{{"p99", 0.99}, {"p50", 0.5}} {
					b.ReportMetric(float64(ours.quantile(q.part))/float64(theirs.quantile(q.part)), q.name+"-of-ssh")
					b.ReportMetric(milliseconds(ours.quantile(q.part)), q.name+"-ms")
					b.ReportMetric(milliseconds(theirs.quantile(q.part)), q.name+"-ssh-ms")
				}
				b.ReportMetric(0, "ns/op") // of both together: it says nothing
			})
		}
	}
}

// echoes has the far side send each key back as it comes.
const echoes = "stty raw -echo; echo ready; exec cat"

// typist is somebody in a shell beside a tunnel.
type typist struct {
	*carrier // of the tunnel
	keys     io.Writer
	screen   io.Reader
	waits    []time.Duration // for the echo of each key
}

// typistOfSSH has one ssh carry both.
func (c *chain) typistOfSSH(b *testing.B, far *sink) *typist {
	at := &carrier{port: sshtest.FreePort(b)}
	t := c.typist(b, at, c.start("ssh", "-F", c.config, "-tt", "-L", at.forward(far), c.last, echoes))
	at.listens(b, c)
	return t
}

func (c *chain) typist(b *testing.B, at *carrier, cmd *exec.Cmd) *typist {
	b.Helper()
	keys, err := cmd.StdinPipe()
	must(b, "making a pipe", err)
	screen, err := cmd.StdoutPipe()
	must(b, "making a pipe", err)
	c.client.within(b, func() { must(b, "starting a shell", cmd.Start()) })
	b.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait() // it was killed
	})
	for line, one := "", make([]byte, 1); !strings.HasSuffix(line, "ready\n"); line += string(one) {
		if _, err := io.ReadFull(screen, one); err != nil {
			b.Fatalf("the shell says %q: %v: %s", line, err, cmd.Stderr)
		}
	}
	return &typist{carrier: at, keys: keys, screen: screen}
}

// type100 types while as much as possible goes through the tunnel.
func (t *typist) type100(b *testing.B, c *chain, far *sink) {
	b.Helper()
	full, err := t.dial(b, c)
	must(b, "connecting", err)
	stream := make(chan struct{})
	go func() { // ends with full
		defer close(stream)
		if far.gives {
			_ = take(full, endless) // it ends before that
			return
		}
		_ = give(full, endless)
	}()
	time.Sleep(200 * time.Millisecond) // until all windows are full
	for i := range 100 {
		key := []byte{'a' + byte(i%26)}
		began := time.Now()
		_, err := t.keys.Write(key)
		must(b, "typing", err)
		_, err = io.ReadFull(t.screen, key)
		must(b, "reading the echo", err)
		t.waits = append(t.waits, time.Since(began))
		time.Sleep(5 * time.Millisecond)
	}
	full.(*net.TCPConn).SetLinger(0) // else what is under way would be in the other's way
	full.Close()
	<-stream
}

func (t *typist) quantile(part float64) time.Duration {
	slices.Sort(t.waits)
	return t.waits[int(part*float64(len(t.waits)))]
}
