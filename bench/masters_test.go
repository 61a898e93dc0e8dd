//go:build linux

package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"testing"
	"time"
)

// BenchmarkMasterClient is the time of "echo x" over the connection of a real
// master, by ssh and by us. Give it -benchtime 25x: the figures are medians.
func BenchmarkMasterClient(b *testing.B) {
	c := newChain(b, 1, 0)
	socket := c.master(b)
	c.compare(b, c.command("ssh", "-S", socket), c.command(program(b), "ssh", "-S", socket))
}

// BenchmarkMasterCommands has ssh run a hundred times "true", one after the
// other, over a connection of a real master and over one of the background
// process. Give it -benchtime 15x.
func BenchmarkMasterCommands(b *testing.B) {
	c := newChain(b, 1, 0)
	c.compareMasters(b, func(socket string) {
		for range 100 {
			c.over(b, socket, "true", func(io.Writer, io.Reader) error { return nil })
		}
	})
}

// BenchmarkMasterThroughput sends through a session of ssh's over both. Give it
// -benchtime 7x.
func BenchmarkMasterThroughput(b *testing.B) {
	for _, way := range []struct {
		name, command string
		pass          func(io.Writer, io.Reader) error
	}{
		{"up", "cat >/dev/null", func(in io.Writer, _ io.Reader) error { return give(in, amount(0)) }},
		{"down", fmt.Sprintf("head -c %d /dev/zero", amount(0)), func(_ io.Writer, out io.Reader) error { return take(out, amount(0)) }},
	} {
		b.Run(way.name, func(b *testing.B) {
			c := newChain(b, 1, 0)
			c.compareMasters(b, func(socket string) { c.over(b, socket, way.command, way.pass) })
		})
	}
}

// over has ssh run a command over whoever listens on a socket.
func (c *chain) over(b *testing.B, socket, command string, pass func(in io.Writer, out io.Reader) error) {
	b.Helper()
	cmd := c.start("ssh", "-F", c.config, "-o", "ProxyCommand=false", "-S", socket, c.last, command)
	in, err := cmd.StdinPipe()
	must(b, "making a pipe", err)
	out, err := cmd.StdoutPipe()
	must(b, "making a pipe", err)
	must(b, "starting ssh", cmd.Start())
	must(b, "passing data", pass(in, out))
	must(b, "ending the input", in.Close())
	if err := cmd.Wait(); err != nil {
		b.Fatalf("%q: %v: %s", cmd.Args, err, cmd.Stderr)
	}
}

// shared is the socket on which the background process shares its connection
// to the end of the chain.
func (c *chain) shared(b *testing.B) (socket string) {
	b.Helper()
	c.background(b)
	var served struct{ Path string }
	must(b, "reading where it listens", json.Unmarshal(c.run(b, "-F", c.config, "env", c.last, "--json"), &served))
	return served.Path
}

// compareMasters does something over a real master and over ours in turn.
func (c *chain) compareMasters(b *testing.B, do func(socket string)) {
	b.Helper()
	sockets := [2]string{c.master(b), c.shared(b)}
	var costs [2][]cost
	for _, socket := range sockets {
		do(socket) // warm
	}
	for b.Loop() {
		for i, socket := range sockets {
			begin := time.Now()
			do(socket)
			costs[i] = append(costs[i], cost{whole: time.Since(begin)})
		}
	}
	whole := func(of []cost) float64 {
		return milliseconds(median(of, func(k cost) time.Duration { return k.whole }))
	}
	b.ReportMetric(whole(costs[0])/whole(costs[1]), "rate-of-ssh")
	b.ReportMetric(whole(costs[1]), "ms")
	b.ReportMetric(whole(costs[0]), "ssh-ms")
	b.ReportMetric(0, "ns/op") // of both together: it says nothing
}
