//go:build linux

package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/internal/sshtest"
)

// BenchmarkThroughput sends through a local forward of one host, in turn
// through "ssh -N -L" and through the background process. Give it
// -benchtime 7x: the figures are medians.
func BenchmarkThroughput(b *testing.B) {
	for _, rtt := range roundTrips {
		for _, streams := range []int{1, 8} {
			for _, way := range []string{"up", "down"} {
				b.Run(fmt.Sprintf("%v/streams=%d/%s", rtt, streams, way), func(b *testing.B) {
					c := newChain(b, 1, rtt)
					far := c.newSink(b, way == "down", amount(rtt)/int64(streams))
					compareCarriers(b, c.carriers(b, far), func(at *carrier) { at.transfer(b, c, far, streams) })
				})
			}
		}
	}
}

// BenchmarkSmallConnections opens connections one after the other, each for one
// byte there and back: until the answer is there, and until the far side has closed.
func BenchmarkSmallConnections(b *testing.B) {
	for _, until := range []struct {
		name string
		read func(io.Reader) error
	}{
		{"answer", func(r io.Reader) error { _, err := r.Read(make([]byte, 1)); return err }},
		{"end", func(r io.Reader) error { _, err := io.Copy(io.Discard, r); return err }},
	} {
		b.Run(until.name, func(b *testing.B) {
			c := newChain(b, 1, 0)
			far := c.newSink(b, false, 1)
			compareCarriers(b, c.carriers(b, far), func(at *carrier) {
				for range 200 {
					conn, err := at.dial(b, c)
					must(b, "connecting", err)
					must(b, "asking", give(conn, far.amount))
					must(b, "reading the answer", until.read(conn))
					conn.Close()
				}
			})
		})
	}
}

// amount is how much is sent at once over a link, in bytes.
func amount(roundTrip time.Duration) int64 {
	if roundTrip > 0 {
		return 64 << 20
	}
	return 512 << 20
}

// sink is a server beside the last host that takes or gives an amount on each
// connection, and closes it.
type sink struct {
	port   int
	gives  bool
	amount int64
}

func (c *chain) newSink(b *testing.B, gives bool, amount int64) *sink {
	b.Helper()
	var l net.Listener
	c.server.within(b, func() {
		var err error
		l, err = net.Listen("tcp", "127.0.0.1:0")
		must(b, "listening", err)
	})
	b.Cleanup(func() { l.Close() })
	s := &sink{port: l.Addr().(*net.TCPAddr).Port, gives: gives, amount: amount}
	go func() { // ends with l
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	return s
}

func (s *sink) serve(conn net.Conn) {
	defer conn.Close()
	if s.gives {
		give(conn, s.amount)
		return
	}
	take(conn, s.amount)
	conn.Write([]byte{0}) // it has all
}

// carrier is a process that holds a forward to a sink.
type carrier struct {
	pid  int
	port int

	costs []cost // cpu: of the process
}

// carriers are ssh's and ours to the end of the chain, in that order.
func (c *chain) carriers(b *testing.B, far *sink) [2]*carrier {
	b.Helper()
	theirs := c.carrierOfSSH(b, c.last, far, "-N")
	c.background(b)
	both := [2]*carrier{theirs, c.carrier(b, c.last, far)}
	for _, at := range both {
		at.listens(b, c)
	}
	return both
}

// carrierOfSSH is an ssh to a host.
func (c *chain) carrierOfSSH(b *testing.B, host string, far *sink, options ...string) *carrier {
	b.Helper()
	at := &carrier{port: sshtest.FreePort(b)}
	cmd := c.start(append([]string{"ssh", "-F", c.config, "-L", at.forward(far), host}, options...)...)
	c.client.within(b, func() { must(b, "starting ssh", cmd.Start()) })
	b.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait() // it was killed
	})
	at.pid = cmd.Process.Pid
	return at
}

// carrier is the background process, with a forward of a host.
func (c *chain) carrier(b *testing.B, host string, far *sink) *carrier {
	b.Helper()
	at := &carrier{port: sshtest.FreePort(b)}
	c.run(b, "-F", c.config, "tunnel", "add", host, "-L", at.forward(far))
	var status struct{ PID int }
	must(b, "reading the state", json.Unmarshal(c.run(b, "daemon", "status", "--json"), &status))
	at.pid = status.PID
	return at
}

func (at *carrier) forward(far *sink) string {
	return fmt.Sprintf("127.0.0.1:%d:127.0.0.1:%d", at.port, far.port)
}

func (at *carrier) listens(b *testing.B, c *chain) {
	b.Helper()
	sshtest.Eventually(b, "the forward listens", func() bool {
		conn, err := at.dial(b, c)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

func (at *carrier) dial(b *testing.B, c *chain) (conn net.Conn, err error) {
	c.client.within(b, func() { conn, err = net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", at.port)) })
	return conn, err
}

// transfer sends the amount in each of some streams at once.
func (at *carrier) transfer(b *testing.B, c *chain, far *sink, streams int) {
	var all sync.WaitGroup
	for range streams {
		conn, err := at.dial(b, c)
		must(b, "connecting", err)
		all.Go(func() {
			defer conn.Close()
			if far.gives {
				err = take(conn, far.amount)
			} else if err = give(conn, far.amount); err == nil {
				_, err = conn.Read(make([]byte, 1))
			}
			if err != nil {
				b.Error(err)
			}
		})
	}
	all.Wait()
}

func compareCarriers(b *testing.B, both [2]*carrier, do func(*carrier)) {
	for _, at := range both {
		do(at) // warm
	}
	for b.Loop() {
		for _, at := range both {
			before, begin := used(b, at.pid), time.Now()
			do(at)
			at.costs = append(at.costs, cost{whole: time.Since(begin), cpu: used(b, at.pid) - before})
		}
	}
	whole := func(at *carrier) float64 {
		return milliseconds(median(at.costs, func(k cost) time.Duration { return k.whole }))
	}
	cpu := func(at *carrier) float64 {
		return milliseconds(median(at.costs, func(k cost) time.Duration { return k.cpu }))
	}
	theirs, ours := both[0], both[1]
	b.ReportMetric(whole(theirs)/whole(ours), "rate-of-ssh")
	b.ReportMetric(cpu(ours)/cpu(theirs), "cpu-of-ssh")
	b.ReportMetric(whole(ours), "ms")
	b.ReportMetric(whole(theirs), "ssh-ms")
	b.ReportMetric(cpu(ours), "cpu-ms")
	b.ReportMetric(cpu(theirs), "ssh-cpu-ms")
	b.ReportMetric(0, "ns/op") // of both together: it says nothing
}

// used is the processor time of a process, without its children (proc(5),
// fields 14 and 15 of stat, in ticks of 10 ms).
func used(b *testing.B, pid int) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	must(b, "reading the processor time", err)
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, err := strconv.Atoi(fields[11])
	must(b, "reading the processor time", err)
	system, err := strconv.Atoi(fields[12])
	must(b, "reading the processor time", err)
	return time.Duration(user+system) * 10 * time.Millisecond
}
