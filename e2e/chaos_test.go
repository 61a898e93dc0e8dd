//go:build linux

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// chaosVariable says for how long TestChaos goes on, as "10m", instead of once
// through all that may happen; seedVariable has it do again what it did.
const (
	chaosVariable = "SALLYPORT_CHAOS"
	seedVariable  = "SALLYPORT_CHAOS_SEED"
)

// chaos is what befalls a client, by chance.
type chaos struct {
	*stayer
	random  *rand.Rand
	killed  []span // when there was no background process to listen
	another string // that one
}

// span is a time in Unix milliseconds.
type span struct{ from, to int64 }

// TestChaos breaks all that can break in an order made by chance, while
// clients exchange checked messages and connect anew: no byte may be wrong, no
// port may refuse unless its process was killed, and in the end all is up and
// nothing more is in use than before.
func TestChaos(t *testing.T) {
	t.Parallel()
	length, clients, seed := time.Duration(0), 10, uint64(6)
	if text := os.Getenv(chaosVariable); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatalf("%s: %v", chaosVariable, err)
		}
		clients, seed = 50, uint64(time.Now().UnixNano())
	}
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", seedVariable, err)
		}
	}
	t.Logf("%s=%d", seedVariable, seed)

	c := &chaos{stayer: newStayer(t, 2), random: rand.New(rand.NewPCG(seed, 0))}
	c.prepare()
	c.talk(clients, 50*time.Millisecond).heard()
	goroutines := c.goroutines()
	before := c.descriptors()
	talking := c.talk(clients, 50*time.Millisecond)
	end := time.Now().Add(length)
	for c.befall(); time.Now().Before(end); c.befall() {
	}
	back := c.exchanges()
	t.Logf("up %v after the last of it", back)
	if length > 0 && back > 2*time.Second { // which a short run on a busy machine need not keep
		t.Errorf("it took %v until all tunnels were up", back)
	}
	all := talking.heard()
	t.Logf("%d messages came back, %d connections were cut, %d refused by a port whose process was dead", all.Exchanges, all.Broken, len(all.Refused))
	if len(all.Wrong) > 0 || all.Exchanges == 0 {
		t.Errorf("%d messages; wrong: %q", all.Exchanges, all.Wrong)
	}
	for _, at := range all.Refused {
		if !slices.ContainsFunc(c.killed, func(s span) bool { return s.from <= at && at <= s.to }) {
			t.Errorf("a port refused at %v, while the process lived", time.UnixMilli(at))
		}
	}
	c.eventually(fmt.Sprintf("no more than %d descriptors are open", before), func() bool { return c.descriptors() <= before })
	now := c.goroutines()
	t.Logf("%d goroutines, before %d", now, goroutines)
	if now > goroutines {
		t.Errorf("%d goroutines, before there were %d", now, goroutines)
	}
}

// prepare gives the client the other of its addresses, to be used later.
func (c *chaos) prepare() {
	c.another = strings.Replace(c.addr, "10.99.", "10.98.", 1)
	c.on(c.lab.bastion, fmt.Sprintf("ip route add %s/32 dev to-%s src %s", c.another, c.name, bastionAddr))
}

// descriptors are those that the background process has.
func (c *chaos) descriptors() int {
	c.t.Helper()
	out, err := c.machine.sh(fmt.Sprintf("ls /proc/%d/fd | wc -l", c.pidOf()))
	if err != nil {
		c.t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(out))
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

// goroutines counts those of the background process at rest, which ends by it
// (runtime: SIGQUIT), and starts the next one.
func (c *chaos) goroutines() int {
	c.t.Helper()
	c.eventually("no connection is open", func() bool {
		return strings.Count(c.must("sallyport", "tunnel", "ls", "--json"), `"open": 0,`) == len(c.ports)
	})
	out, err := c.machine.sh(fmt.Sprintf("pid=%d; log=/root/.local/state/sallyport/daemon.log; before=$(grep -c '^goroutine ' $log || true); kill -QUIT $pid; while [ -e /proc/$pid ]; do sleep 0.02; done; echo $(( $(grep -c '^goroutine ' $log) - before ))", c.pidOf()))
	if err != nil {
		c.t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(out))
	if err != nil || n == 0 {
		c.t.Fatalf("%q goroutines: %v", out, err)
	}
	c.must(c.asleep("sallyport", "daemon", "restart")...)
	c.exchanges()
	return n
}

// pidOf is the background process's number, without a start of the program. The
// brackets keep the shell that looks from finding itself.
func (c *chaos) pidOf() int {
	c.t.Helper()
	out, err := c.machine.sh("pgrep -nf '[s]allyport daemon run'")
	if err != nil {
		c.t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(out))
	if err != nil {
		c.t.Fatal(err)
	}
	return pid
}

// befall has each thing happen once, in an order made by chance, and puts right
// what would not come right by itself.
func (c *chaos) befall() {
	misfortunes := []struct {
		name  string
		comes func()
	}{
		{"the network goes", func() { c.cut(); c.while(3 * time.Second); c.restore() }},
		{"packets are lost", func() { c.swallow(); c.while(3 * time.Second); c.restore() }},
		{"the bastion's sessions are killed", func() { c.killSessions(c.bastion) }},
		{"inner's sessions are killed", func() { c.killSessions(c.inner) }},
		{"the bastion's sshd restarts", func() { c.stopServer(c.bastion); c.while(time.Second); c.startServer(c.bastion) }},
		{"inner's sshd restarts", func() { c.stopServer(c.inner); c.while(time.Second); c.startServer(c.inner) }},
		{"the process is stopped for a while", c.suspend},
		{"the process is killed", c.kill},
		{"the address changes", c.move},
		{"the process is replaced", func() { c.must(c.asleep("sallyport", "daemon", "restart")...) }},
		{"the bastion hangs", func() { c.hang(c.bastion); c.while(6 * time.Second) }},
		{"inner hangs", func() { c.hang(c.inner); c.while(6 * time.Second) }},
		{"the clock jumps", c.sleeps},
		{"the computer sleeps, and wakes with another address", c.sleep},
	}
	for _, i := range c.random.Perm(len(misfortunes)) {
		c.t.Log(misfortunes[i].name)
		misfortunes[i].comes()
		c.while(2 * time.Second)
	}
}

// while lets a part of most pass, by chance.
func (c *chaos) while(most time.Duration) {
	c.lasts(time.Duration(c.random.Int64N(int64(most))))
}

func (c *chaos) suspend() {
	pid := c.pidOf()
	c.on(c.machine, fmt.Sprintf("kill -STOP %d", pid))
	c.while(2 * time.Second)
	c.on(c.machine, fmt.Sprintf("kill -CONT %d", pid))
}

// sleep is a laptop that is shut and opened elsewhere: nothing of it runs and
// nobody reaches it meanwhile, who held its connections has given them up, and
// an hour has passed.
func (c *chaos) sleep() {
	pid := c.pidOf()
	c.on(c.machine, fmt.Sprintf("kill -STOP %d", pid))
	c.cut()
	c.killSessions(c.bastion)
	c.while(time.Second)
	c.sleeps()
	c.on(c.machine, fmt.Sprintf("kill -CONT %d", pid))
	c.while(time.Second)
	c.restore()
	c.move()
}

// kill ends the process without a word; what a service manager does then, the
// test does.
func (c *chaos) kill() {
	began := time.Now()
	c.on(c.machine, fmt.Sprintf("kill -KILL %d", c.pidOf()))
	c.must(c.asleep("sallyport", "daemon", "restart")...)
	c.exchanges()
	c.killed = append(c.killed, span{began.UnixMilli(), time.Now().UnixMilli()})
}

// move takes the client's address away and gives it the other one.
func (c *chaos) move() {
	from, to := c.addr, c.another
	c.on(c.machine, fmt.Sprintf("ip addr add %s/32 dev lo; ip route replace %s/32 dev to-bastion src %[1]s; ip addr del %[3]s/32 dev lo", to, bastionAddr, from))
	c.addr, c.another = to, from
}
