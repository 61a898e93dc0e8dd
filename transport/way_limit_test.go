package transport

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// never is a step of a dial that waits for what does not come.
func never(ctx context.Context, c dialCall) error {
	<-ctx.Done()
	return c.explain(context.Cause(ctx))
}

func TestAHostsConnectTimeoutCountsForItsJumps(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		b.plan("b", never)
		l := b.get("hasty")
		defer l.Hold()()
		began := time.Now()
		_, err := l.Conn(b.Context())
		var f *Failure
		want := `connecting to "hasty" via "b": not reached within 10s: the jump "b" (u@b:22) has got no further than "tcp"`
		if !errors.As(err, &f) || f.Code != CodeTimeout || !f.Silent || f.Hop != "hasty" || f.Message != want {
			b.Errorf("Conn: %+v", err)
		}
		if took := time.Since(began); took != 10*time.Second {
			b.Errorf("after %v", took)
		}
	})
}

func TestAHostsConnectTimeoutGoesOnAfterItsJumps(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		b.plan("b", func(context.Context, dialCall) error { time.Sleep(6 * time.Second); return nil })
		b.plan("hasty", never)
		l := b.get("hasty")
		defer l.Hold()()
		began := time.Now()
		if _, err := l.Conn(b.Context()); code(err) != CodeTimeout {
			b.Errorf("Conn: %v", err)
		}
		if took := time.Since(began); took != 10*time.Second {
			b.Errorf("after %v", took)
		}
	})
}

// TestAJumpThatHasTheSameLimitDoesNotSpeakFirst, for to ssh it is the host that
// gives up.
func TestAJumpThatHasTheSameLimitDoesNotSpeakFirst(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		b.plan("b", func(context.Context, dialCall) error {
			time.Sleep(10 * time.Second)
			return &Failure{Code: CodeTimeout, Message: "as planned"}
		})
		l := b.get("hasty")
		defer l.Hold()()
		_, err := l.Conn(b.Context())
		if f := (*Failure)(nil); !errors.As(err, &f) || f.Hop != "hasty" {
			b.Errorf("Conn: %+v", err)
		}
	})
}

// slow is a person who takes her time.
type slow time.Duration

func (s slow) Ask(context.Context, Question) (Answer, error) {
	time.Sleep(time.Duration(s))
	return Answer{}, nil
}

func TestAConnectTimeoutStandsWhileAPersonLogsInAtAJump(t *testing.T) {
	for _, login := range []struct {
		name string
		act  func(context.Context, dialCall) error
	}{
		{"a question", func(ctx context.Context, c dialCall) error { _, err := c.ask(ctx, Question{}); return err }},
		{"a question, and the server waits for a telephone", func(ctx context.Context, c dialCall) error {
			_, err := c.ask(ctx, Question{})
			time.Sleep(time.Hour)
			return err
		}},
		{"a security key", func(ctx context.Context, c dialCall) error {
			c.step("publickey" + TouchStep)
			time.Sleep(time.Hour)
			return nil
		}},
	} {
		t.Run(login.name, func(t *testing.T) {
			onBench(t, slow(time.Hour), func(b *bench) {
				b.plan("b", func(ctx context.Context, c dialCall) error {
					time.Sleep(4 * time.Second)
					return login.act(ctx, c)
				})
				var up time.Time
				b.plan("hasty", func(ctx context.Context, c dialCall) error { up = time.Now(); return never(ctx, c) })
				l := b.get("hasty")
				defer l.Hold()()
				_, err := l.Conn(b.Context())
				if up.IsZero() {
					b.Fatalf("given up while somebody logged in: %v", err)
				}
				if left := time.Since(up); left != 6*time.Second {
					b.Errorf("%v were left after 4s", left)
				}
			})
		})
	}
}

func TestAConnectTimeoutStandsWhileALostJumpWaitsForTheNetwork(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		l := b.get("hasty")
		_, release := b.up(l)
		defer release()
		b.fails("b", CodeUnreachable)
		b.breaks("b")
		b.breaks("hasty")
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := l.Status(); s.State != Waiting || s.Failure != nil && s.Failure.Code == CodeTimeout {
			b.Errorf("the host is %+v", s)
		}
		b.plan("b", nil)
		if _, err := l.Conn(b.Context()); err != nil {
			b.Error(err)
		}
	})
}

// TestALimitThatHasEndedCutsNothingShort has the host speak in time, and take
// long for the rest.
func TestALimitThatHasEndedCutsNothingShort(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		b.plan("hasty", func(ctx context.Context, c dialCall) error {
			time.Sleep(9 * time.Second)
			c.endWay()
			time.Sleep(time.Hour)
			return ctx.Err()
		})
		l := b.get("hasty")
		defer l.Hold()()
		if _, err := l.Conn(b.Context()); err != nil {
			b.Error(err)
		}
	})
}
