package transport

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

// bench is a set of links whose dials are decided by a test, in the false
// time of testing/synctest.
type bench struct {
	*testing.T
	*watch
	links  *Links
	signer ssh.Signer
	chains map[string]Chain

	mu    sync.Mutex // guards what follows
	dials []dialled
	next  map[string]func(context.Context, dialCall) error // nil for success
	ends  map[string]*pipe                                 // the server's end of the latest connection
}

type dialled struct {
	host string
	at   time.Duration // since the test began
}

// onBench runs a test in its own time. The hosts are "a" and, behind the
// bastion "b", "c", "d" and "hasty", whose ConnectTimeout is 10 seconds.
func onBench(t *testing.T, asker Asker, test func(*bench)) {
	t.Helper()
	cfg := load(t, "User u\nHost c d hasty\n ProxyJump b\nHost hasty\n ConnectTimeout 10\n")
	chains := map[string]Chain{}
	for _, name := range []string{"a", "b", "c", "d", "hasty"} {
		chains[name] = plan(t, cfg, name)
	}
	signer := sshtest.WriteKey(t, filepath.Join(t.TempDir(), "key"))
	synctest.Test(t, func(t *testing.T) {
		b := &bench{
			T: t, watch: newWatch(), signer: signer, chains: chains,
			next: map[string]func(context.Context, dialCall) error{}, ends: map[string]*pipe{},
		}
		options := b.options()
		options.Asker = asker
		b.links = NewLinks(options)
		began := time.Now()
		goOn := func(ctx context.Context, c dialCall) (*Conn, error) {
			host := c.host().Name
			b.mu.Lock()
			b.dials = append(b.dials, dialled{host, time.Since(began)})
			next := b.next[host]
			b.mu.Unlock()
			c.step("tcp")
			if next != nil {
				if err := next(ctx, c); err != nil {
					return nil, err
				}
			}
			conn, end := memoryConn(b.T, b.signer)
			b.mu.Lock()
			b.ends[host] = end
			b.mu.Unlock()
			return conn, nil
		}
		b.links.connect = func(ctx context.Context, c dialCall) (*Conn, error) { return c.throughJumps(ctx, goOn) }
		test(b)
		b.links.Close()
		synctest.Wait()
	})
}

func (b *bench) get(host string) *Link { return b.links.Get(b.chains[host], nil) }

// fails has dials of host fail, nil for success again.
func (b *bench) fails(host string, code string) {
	b.plan(host, func(context.Context, dialCall) error {
		return &Failure{Code: code, Message: "as planned"}
	})
}

func (b *bench) plan(host string, next func(context.Context, dialCall) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next[host] = next
}

// breaks ends the connection to host from its side.
func (b *bench) breaks(host string) {
	b.mu.Lock()
	end := b.ends[host]
	b.mu.Unlock()
	end.Close()
	synctest.Wait()
}

// count is how often host was dialled.
func (b *bench) count(host string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, d := range b.dials {
		if d.host == host {
			n++
		}
	}
	return n
}

// up waits for a connection and holds the link.
func (b *bench) up(l *Link) (c *Conn, release func()) {
	b.Helper()
	release = l.Hold()
	c, err := l.Conn(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return c, release
}

func (b *bench) wantStates(l *Link, want ...State) {
	b.Helper()
	synctest.Wait()
	if diff := cmp.Diff(want, b.states(l)); diff != "" {
		b.Errorf("states of %s: %s", l.name(), diff)
	}
}

func code(err error) string {
	var f *Failure
	if errors.As(err, &f) {
		return f.Code
	}
	return fmt.Sprint(err)
}

func TestAllWhoWaitShareOneDial(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		l := b.get("a")
		conns := make([]*Conn, 5)
		var wg sync.WaitGroup
		for i := range conns {
			wg.Go(func() { conns[i], _ = l.Conn(b.Context()) })
		}
		wg.Wait()
		for _, c := range conns {
			if c == nil || c != conns[0] {
				b.Errorf("connections %v", conns)
			}
		}
		if b.count("a") != 1 {
			b.Errorf("%d dials", b.count("a"))
		}
		b.wantStates(l, Connecting, Up)
	})
}

func TestAHeldLinkComesBackAtOnceAfterABreak(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		l := b.get("a")
		first, release := b.up(l)
		defer release()
		began := time.Now()
		b.breaks("a")
		<-first.Done()
		second, err := l.Conn(b.Context())
		if err != nil || second == first || time.Since(began) != 0 {
			b.Errorf("Conn after %v: same %v, error %v", time.Since(began), second == first, err)
		}
		b.wantStates(l, Connecting, Up, Waiting, Connecting, Up)
	})
}

func TestALinkThatNobodyHoldsIsForgottenAfterABreak(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		l := b.get("a")
		_, release := b.up(l)
		release()
		b.breaks("a")
		b.wantStates(l, Connecting, Up, Down)
		if !b.isGone(l) {
			b.Error("the link isn't gone")
		}
		if _, err := l.Conn(b.Context()); err != nil || b.links.Find(l.id) != l {
			b.Errorf("it does not come back: %v", err)
		}
	})
}

func TestTheFirstDialFailsAsSSHDoes(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		l := b.get("a")
		defer l.Hold()()
		b.fails("a", CodeUnreachable)
		if _, err := l.Conn(b.Context()); code(err) != CodeUnreachable {
			b.Errorf("Conn: %v", err)
		}
		time.Sleep(time.Hour)
		b.wantStates(l, Connecting, Failed)
		if b.count("a") != 1 {
			b.Errorf("%d dials", b.count("a"))
		}

		b.plan("a", nil)
		if _, err := l.Conn(b.Context()); err != nil {
			b.Errorf("the next Conn: %v", err)
		}
	})
}

func TestALinkThatIsKeptIsTriedUntilTheHostIsThere(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		l := b.get("a")
		defer l.Keep()()
		b.fails("a", CodeUnreachable)
		ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
		defer cancel()
		if _, err := l.Conn(ctx); !errors.Is(err, context.DeadlineExceeded) {
			b.Errorf("Conn: %v", err)
		}
		for i, d := range b.dials[1:] {
			if pause := d.at - b.dials[i].at; pause > longestWait {
				b.Errorf("a pause of %v", pause)
			}
		}
		if n := len(b.dials); n < 12 || n > 40 {
			b.Errorf("%d dials in a minute", n)
		}
		b.plan("a", nil)
		if _, err := l.Conn(b.Context()); err != nil {
			b.Error(err)
		}
	})
}

func TestConnDoesNotWaitOutAPause(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		l := b.get("a")
		_, release := b.up(l)
		defer release()
		b.fails("a", CodeTimeout)
		b.breaks("a")
		for l.Status().State != Waiting || b.count("a") < 7 {
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
		}
		b.plan("a", nil)
		began := time.Now()
		if _, err := l.Conn(b.Context()); err != nil || time.Since(began) != 0 {
			b.Errorf("Conn after %v: %v", time.Since(began), err)
		}
	})
}

func TestARefusalIsNeverRetriedByItself(t *testing.T) {
	for _, refusal := range []string{CodeAuth, "hostkey-changed", CodeConfig, CodeCancelled, CodeAlgorithms, CodeProhibited} {
		t.Run(refusal, func(t *testing.T) {
			onBench(t, nil, func(b *bench) {
				l := b.get("a")
				_, release := b.up(l)
				defer release()
				defer l.Keep()()
				b.fails("a", refusal)
				b.breaks("a")
				time.Sleep(time.Hour)
				if _, err := l.Conn(b.Context()); code(err) != refusal {
					b.Errorf("Conn: %v", err)
				}
				if b.count("a") != 2 {
					b.Errorf("%d dials", b.count("a"))
				}
				b.wantStates(l, Connecting, Up, Waiting, Connecting, Failed)

				b.plan("a", nil)
				l.Open()
				if _, err := l.Conn(b.Context()); err != nil {
					b.Errorf("after Open: %v", err)
				}
			})
		})
	}
}

func TestAServerThatHangsUpAtOnceIsNotStormed(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		l := b.get("a")
		_, release := b.up(l)
		defer release()
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			if l.Status().State == Up {
				b.breaks("a")
			}
		}
		if n := b.count("a"); n > 40 {
			b.Errorf("%d logins in a minute", n)
		}
	})
}

func TestALinkWithoutUsersIsClosedWhenIdle(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		l := b.get("a")
		c, release := b.up(l)
		time.Sleep(2 * idleLimit)
		if l.Status().State != Up {
			b.Error("it was closed under its user")
		}
		release()
		release()
		time.Sleep(idleLimit - time.Second)
		if l.Status().State != Up {
			b.Error("it was closed too early")
		}
		time.Sleep(2 * time.Second)
		<-c.Done()
		b.wantStates(l, Connecting, Up, Down)
		if !b.isGone(l) {
			b.Error("the link isn't gone")
		}
	})
}

func TestADialThatNobodyWaitsForIsCancelled(t *testing.T) {
	hang := func(ctx context.Context, _ dialCall) error { <-ctx.Done(); return context.Cause(ctx) }
	onBench(t, nil, func(b *bench) {
		l := b.get("a")
		b.plan("a", hang)
		ctx, cancel := context.WithTimeout(b.Context(), time.Second)
		defer cancel()
		if _, err := l.Conn(ctx); !errors.Is(err, context.DeadlineExceeded) {
			b.Errorf("Conn: %v", err)
		}
		b.wantStates(l, Connecting, Down)
	})
	onBench(t, nil, func(b *bench) {
		l := b.get("a")
		b.plan("a", hang)
		l.Open()
		l.Hold()()
		time.Sleep(time.Hour)
		b.wantStates(l, Connecting)
	})
}

func TestCloseEndsADialAndItsWaiters(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		l := b.get("a")
		b.plan("a", func(ctx context.Context, _ dialCall) error { <-ctx.Done(); return context.Cause(ctx) })
		got := make(chan error)
		go func() { _, err := l.Conn(b.Context()); got <- err }()
		synctest.Wait()
		l.Close()
		if err := <-got; code(err) != CodeCancelled {
			b.Errorf("Conn: %v", err)
		}
		b.wantStates(l, Connecting, Down)
	})
}

// askerFunc is a person made of a func.
type askerFunc func(context.Context, Question) (Answer, error)

func (f askerFunc) Ask(ctx context.Context, q Question) (Answer, error) { return f(ctx, q) }

func TestAQuestionKeepsTheLinkAskingAndNamesItsHop(t *testing.T) {
	questions := make(chan Question, 1)
	answers := make(chan Answer)
	asker := askerFunc(func(ctx context.Context, q Question) (Answer, error) {
		questions <- q
		select {
		case a := <-answers:
			return a, nil
		case <-ctx.Done():
			return Answer{}, context.Cause(ctx)
		}
	})
	onBench(t, nil, func(b *bench) {
		answers = make(chan Answer)
		questions = make(chan Question, 1)
		b.links.options.Asker = asker
		l := b.get("c")
		b.plan("c", func(ctx context.Context, c dialCall) error {
			a, err := c.ask(ctx, Question{Kind: AskPassword, Title: "password?"})
			if err == nil && string(a.Texts[0]) != "secret" {
				err = errors.New("wrong")
			}
			return err
		})
		l.Open()
		got := <-questions
		want := Question{
			Link: l.id, Kind: AskPassword, Host: "c", Address: "u@c:22", Login: "u@c", Hop: 2, Hops: 2, Goal: "c", Title: "password?",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			b.Error(diff)
		}
		time.Sleep(24 * time.Hour)
		b.wantStates(l, Connecting, Asking)
		answers <- Answer{Texts: [][]byte{[]byte("secret")}}
		b.wantStates(l, Connecting, Asking, Connecting, Up)
	})
}

func TestHostsBehindABastionShareItsLink(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		c, d := b.get("c"), b.get("d")
		_, release := b.up(c)
		defer release()
		_, release = b.up(d)
		defer release()
		bastion := b.links.Find(c.Chain()[0])
		if diff := cmp.Diff([]string{bastion.id, d.id}, d.Chain()); diff != "" {
			b.Error(diff)
		}
		if got := bastion.Status(); got.State != Up || got.Users != 2 || got.Host != "b" {
			b.Errorf("the bastion: %+v", got)
		}
		if c.Status().Via != bastion.id {
			b.Errorf("c: %+v", c.Status())
		}
		if n := b.count("b"); n != 1 {
			b.Errorf("%d logins on the bastion", n)
		}
	})
}

func TestAHostBehindABrokenBastionComesBackWithIt(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		l := b.get("c")
		_, release := b.up(l)
		defer release()
		bastion := b.links.Find(l.Chain()[0])
		b.fails("b", CodeUnreachable)
		b.breaks("b")
		b.breaks("c")
		time.Sleep(time.Minute)
		for _, waiting := range []*Link{l, bastion} {
			if s := waiting.Status().State; s != Waiting && s != Connecting {
				b.Errorf("%s is %s", waiting.name(), s)
			}
		}
		b.plan("b", nil)
		if _, err := l.Conn(b.Context()); err != nil {
			b.Error(err)
		}
		b.wantStates(l, Connecting, Up, Waiting, Connecting, Up)
	})
}

func TestABastionOfAKeptHostIsKept(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		l := b.get("c")
		b.fails("b", CodeUnreachable)
		release := l.Keep()
		ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
		defer cancel()
		if _, err := l.Conn(ctx); !errors.Is(err, context.DeadlineExceeded) {
			b.Errorf("Conn: %v", err)
		}
		bastion := b.links.Find(l.Chain()[0])
		if states := b.states(bastion); slices.Contains(states, Failed) {
			b.Errorf("the bastion was %v", states)
		}
		release()
		synctest.Wait()
		for _, l := range []*Link{l, bastion} {
			if l.Status().State != Down || !b.isGone(l) {
				b.Errorf("without users: %+v", l.Status())
			}
		}
	})
}

func TestARefusalOfTheBastionIsThatOfTheHostsBehindIt(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		l := b.get("c")
		b.fails("b", CodeAuth)
		defer l.Keep()()
		for range 2 {
			if _, err := l.Conn(b.Context()); code(err) != CodeAuth {
				b.Errorf("Conn: %v", err)
			}
		}
		if n := b.count("b"); n != 1 {
			b.Errorf("%d dials of the bastion", n)
		}
		b.plan("b", nil)
		l.Open()
		if _, err := l.Conn(b.Context()); err != nil {
			b.Errorf("after Open: %v", err)
		}
	})
}

func TestOnlyFailuresFromBeforeAreForgiven(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		l := b.get("c")
		b.fails("b", CodeAuth)
		refused := func(when string, dials int) {
			if _, err := l.Conn(b.Context()); code(err) != CodeAuth {
				b.Errorf("%s: Conn: %v", when, err)
			}
			if n := b.count("b"); n != dials {
				b.Errorf("%s: %d dials of the bastion, want %d", when, n, dials)
			}
		}
		began := time.Now()
		refused("at first", 1)
		l.Forgive(began)
		refused("what failed since is not forgiven", 1)
		time.Sleep(time.Second)
		l.Forgive(time.Now())
		refused("what failed before is", 2)
	})
}

func TestASilentPeerIsFoundOut(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		c, far := memoryConn(b.T, b.signer)
		far.freeze()
		began := time.Now()
		c.keepAlive(pulse{5 * time.Second, 3}, func(time.Duration) { b.Error("a latency was measured") })
		<-c.Done()
		if took := time.Since(began); took != firstPulse+15*time.Second {
			b.Errorf("it took %v", took)
		}
		if code(c.Err()) != CodeTimeout {
			b.Errorf("Err: %v", c.Err())
		}
		c.release()
	})
}

func TestTheFirstQuestionKeepsOutOfTheWayOfLogins(t *testing.T) {
	for _, row := range []struct {
		name     string
		login    time.Duration // of a host behind the one behind
		interval time.Duration
		want     time.Duration // until the first answer
	}{
		{"nobody logs in", 0, 15 * time.Second, 2 * time.Second},
		{"a login is over soon", time.Second, 15 * time.Second, 2 * time.Second},
		{"a login is under way when it is time", 3 * time.Second, 15 * time.Second, 4 * time.Second},
		{"a login takes long", time.Minute, 15 * time.Second, 14 * time.Second},
		{"a login takes long, and answers are wanted often", time.Minute, 3 * time.Second, 2 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			onBench(t, nil, func(b *bench) {
				c, _ := memoryConn(b.T, b.signer)
				over := (&Conn{via: c}).carry()
				time.AfterFunc(row.login, over)
				asked := make(chan time.Duration, 100)
				go c.keepAlive(pulse{row.interval, 3}, func(time.Duration) { asked <- time.Since(c.born) })
				if got := <-asked; got != row.want {
					b.Errorf("the first answer came after %v, want %v", got, row.want)
				}
				c.release()
				<-c.Done()
			})
		})
	}
}

func TestAPeerThatAnswersIsLeftAlone(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		c, _ := memoryConn(b.T, b.signer)
		beats := make(chan time.Duration, 1000)
		go c.keepAlive(pulse{5 * time.Second, 3}, func(d time.Duration) { beats <- d })
		time.Sleep(time.Minute)
		if n := len(beats); n < 11 || c.Err() != nil {
			b.Errorf("%d answers, error %v", n, c.Err())
		}
		c.release()
		<-c.Done()
	})
}

func TestChannelsHonourTheirContext(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		c, far := memoryConn(b.T, b.signer)
		_, err := c.Dial(b.Context(), "tcp", "x:80")
		var f *Failure
		if !errors.As(err, &f) || f.Code != CodeProhibited || f.Message != `"memory" does not permit connections to x:80: "nothing\x1b[2Jhere"` {
			b.Errorf("Dial: %+v", err)
		}
		far.freeze()
		ctx, cancel := context.WithTimeout(b.Context(), time.Second)
		defer cancel()
		if _, err := c.Dial(ctx, "tcp", "x:80"); !errors.Is(err, context.DeadlineExceeded) {
			b.Errorf("Dial: %v", err)
		}
		if _, err := c.NewSession(ctx); !errors.Is(err, context.DeadlineExceeded) {
			b.Errorf("NewSession: %v", err)
		}
		c.release()
		<-c.Done()
	})
}

func TestOpeningAChannelEndsWithTheConnection(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		c, far := memoryConn(b.T, b.signer)
		far.freeze()
		got := make(chan error)
		go func() { _, err := c.Dial(b.Context(), "tcp", "x:80"); got <- err }()
		synctest.Wait()
		dead := c.silent(time.Second)
		c.end(dead)
		if err := <-got; err != dead {
			b.Errorf("Dial: %v", err)
		}
		c.release()
	})
}

func TestPausesGrowToTheirCap(t *testing.T) {
	var got []time.Duration
	for tries := range 9 {
		got = append(got, backoff(tries, 0.5))
	}
	if got[0] != 0 || !slices.IsSorted(got) || backoff(1000, 0.999) > longestWait || backoff(1000, 0) < longestWait/2 {
		t.Errorf("pauses %v", got)
	}
}
