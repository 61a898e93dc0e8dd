package transport

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestAHungPeerIsFoundOutByWhoOpensAChannel(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		c, far := memoryConn(b.T, b.signer)
		go c.keepAlive(ourPulse, func(time.Duration) {})
		time.Sleep(firstPulse + time.Second)
		far.freeze()
		began := time.Now()
		if _, err := c.Dial(b.Context(), "tcp", "x:80"); code(err) != CodeTimeout {
			b.Errorf("Dial: %v", err)
		}
		if took := time.Since(began); took != doubtAfter+doubtLimit {
			b.Errorf("it took %v", took)
		}
		c.release()
	})
}

func TestAServerMayTakeItsTimeForTheFirstAnswer(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		c, far := memoryConn(b.T, b.signer)
		far.freeze()
		go c.keepAlive(ourPulse, func(time.Duration) { b.Error("a latency was measured") })
		ctx, cancel := context.WithTimeout(b.Context(), 25*time.Second)
		defer cancel()
		if _, err := c.Dial(ctx, "tcp", "x:80"); !errors.Is(err, context.DeadlineExceeded) {
			b.Errorf("Dial: %v", err)
		}
		if c.Err() != nil {
			b.Errorf("Err: %v", c.Err())
		}
		c.release()
		<-c.Done()
	})
}

func TestADoubtThatIsAnsweredPasses(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		c, _ := memoryConn(b.T, b.signer)
		var answers atomic.Int64
		go c.keepAlive(ourPulse, func(time.Duration) { answers.Add(1) })
		time.Sleep(firstPulse + time.Second)
		c.doubt()
		synctest.Wait()
		if got := answers.Load(); got != 2 {
			b.Errorf("%d answers", got)
		}
		time.Sleep(10 * time.Second)
		if c.Err() != nil {
			b.Errorf("Err: %v", c.Err())
		}
		c.release()
		<-c.Done()
	})
}

// TestAConnectionWhoseAddressHasGoneIsGivenUpSooner is doubted twice, as with
// an address that goes after another has come: the second time counts.
func TestAConnectionWhoseAddressHasGoneIsGivenUpSooner(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		c, far := memoryConn(b.T, b.signer)
		go c.keepAlive(ourPulse, func(time.Duration) {})
		time.Sleep(firstPulse + time.Second)
		far.freeze()
		began := time.Now()
		c.doubt()
		synctest.Wait()
		time.Sleep(100 * time.Millisecond)
		c.wire.Conn.(*pipe).near = net.IPv4(192, 0, 2, 1) // of nobody (RFC 5737)
		c.doubt()
		<-c.Done()
		if took := time.Since(began); took != 100*time.Millisecond+strandedLimit {
			b.Errorf("it took %v: %v", took, c.Err())
		}
		c.release()
	})
}

// TestADialFromAnAddressThatHasGoneIsMadeAnew has one wait for the server's first
// words.
func TestADialFromAnAddressThatHasGoneIsMadeAnew(t *testing.T) {
	for _, row := range []struct {
		name string
		from net.IP
		step string
		want int
	}{
		{"the address has gone", net.IPv4(192, 0, 2, 1), stepExchange, 2},
		{"it is still there", net.IPv4(127, 0, 0, 1), stepExchange, 1},
		{"it logs in", net.IPv4(192, 0, 2, 1), "password", 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			onBench(t, nil, func(b *bench) {
				l := b.get("a")
				defer l.Keep()()
				b.plan("a", func(ctx context.Context, call dialCall) error {
					var below net.Conn = &pipe{near: row.from}
					call.attempt.below.Store(&below)
					call.step(row.step)
					<-ctx.Done()
					return context.Cause(ctx)
				})
				go l.Conn(b.Context())
				time.Sleep(time.Second)
				b.links.Wake()
				synctest.Wait()
				if n := b.count("a"); n != row.want {
					t.Errorf("%d dials, want %d", n, row.want)
				}
			})
		})
	}
}

// offlineNow has dials of host fail as without a network, and the links follow
// the network by what the test says.
func (b *bench) offlineNow(host string) {
	b.links.options.Watch = true
	b.plan(host, func(context.Context, dialCall) error {
		return &Failure{Code: CodeUnreachable, Message: "as planned", Cause: syscall.ENETUNREACH}
	})
}

func TestWithoutANetworkALinkWaitsForIt(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		l := b.get("a")
		defer l.Keep()()
		b.offlineNow("a")
		go l.Conn(b.Context())
		time.Sleep(time.Hour + offlineWait/2)
		synctest.Wait()
		if n := b.count("a"); n > 65 {
			b.Errorf("%d dials in an hour without a network", n)
		}
		if s := l.Status(); s.State != Waiting || s.Step != "waiting for the network" {
			b.Errorf("it is %s, %q", s.State, s.Step)
		}

		b.plan("a", nil)
		b.links.Wake()
		synctest.Wait()
		if s := l.Status(); s.State != Up {
			b.Errorf("with the network it is %s", s.State)
		}
	})
}

func TestAClientTriesTheNetworkAtOnce(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		l := b.get("c") // behind the bastion b
		defer l.Keep()()
		b.offlineNow("b")
		go l.Conn(b.Context())
		time.Sleep(10*time.Minute + offlineWait/2) // between two tries
		synctest.Wait()
		b.plan("b", nil)
		began := time.Now()
		if _, err := l.Conn(b.Context()); err != nil || time.Since(began) != 0 {
			b.Errorf("Conn after %v: %v", time.Since(began), err)
		}
	})
}

func TestManyClientsDoNotStormAHostThatIsAway(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		l := b.get("a")
		_, release := b.up(l)
		defer release()
		b.fails("a", CodeUnreachable)
		b.breaks("a")
		ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
		defer cancel()
		for ctx.Err() == nil {
			go l.Conn(ctx)
			time.Sleep(10 * time.Millisecond)
		}
		if n := b.count("a"); n < 20 || n > 60 {
			b.Errorf("%d dials in 10 seconds", n)
		}
	})
}

func TestADialThatWaitsForAnAddressBeginsAnewWithTheNetwork(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		l := b.get("a")
		defer l.Keep()()
		b.plan("a", func(ctx context.Context, _ dialCall) error { <-ctx.Done(); return context.Cause(ctx) })
		got := make(chan error)
		go func() { _, err := l.Conn(b.Context()); got <- err }()
		time.Sleep(time.Second)
		b.plan("a", nil)
		b.links.Wake()
		if err := <-got; err != nil || b.count("a") != 2 {
			b.Errorf("Conn: %v after %d dials", err, b.count("a"))
		}
	})
}

func TestTheEndOfASleepIsNoticed(t *testing.T) {
	for _, row := range []struct {
		name  string
		jumps func(ctx context.Context, told <-chan struct{}, jumped func()) error
	}{
		{"by a clock that jumps", func(ctx context.Context, told <-chan struct{}, jumped func()) error {
			for {
				select {
				case <-told:
					jumped()
				case <-ctx.Done():
					return nil
				}
			}
		}},
		{"where nobody tells of that", func(context.Context, <-chan struct{}, func()) error { return errors.ErrUnsupported }},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				var slept, woke atomic.Int64
				told := make(chan struct{}, 1)
				go followSleep(ctx, func() time.Duration { return time.Duration(slept.Load()) },
					func(ctx context.Context, jumped func()) error { return row.jumps(ctx, told, jumped) }, func() { woke.Add(1) })
				for _, row := range []struct {
					sleep time.Duration
					want  int64
				}{{0, 0}, {time.Hour, 1}, {0, 1}, {10 * time.Millisecond, 1}, {2 * time.Second, 2}} {
					slept.Add(int64(row.sleep))
					select {
					case told <- struct{}{}:
					default: // nobody listens
					}
					time.Sleep(sleepLook)
					synctest.Wait()
					if got := woke.Load(); got != row.want {
						t.Errorf("after a sleep of %v it woke %d times, want %d", row.sleep, got, row.want)
					}
				}
				cancel()
			})
		})
	}
}
