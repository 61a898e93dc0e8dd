package cli

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sallyport/api"
)

// collect are lines that are kept.
func collect(into *[]string) *lines {
	return &lines{put: func(line string) error { *into = append(*into, line); return nil }}
}

func TestLinesAreWhole(t *testing.T) {
	long := strings.Repeat("x", longestLine)
	for _, test := range []struct {
		what   string
		writes []string
		want   []string
	}{
		{"nothing is no line", []string{""}, nil},
		{"a line in parts", []string{"a", "b", "c\nd", "\n"}, []string{"abc", "d"}},
		{"empty lines are lines", []string{"\n\na\n"}, []string{"", "", "a"}},
		{"the last may have no end", []string{"a\nb"}, []string{"a", "b"}},
		{"one of the most that is kept is whole", []string{long, "\nb\n"}, []string{long, "b"}},
		{"one that is too long is several", []string{long + long, "ab\nc\n"}, []string{long, long, "ab", "c"}},
	} {
		t.Run(test.what, func(t *testing.T) {
			var got []string
			l := collect(&got)
			for _, w := range test.writes {
				if n, err := l.Write([]byte(w)); n != len(w) || err != nil {
					t.Errorf("Write: %d, %v", n, err)
				}
			}
			if err := l.flush(); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// FuzzLines has the same lines come of a text however it is cut.
func FuzzLines(f *testing.F) {
	f.Add("a\nb\n\nc", 2)
	f.Add("\n", 1)
	f.Fuzz(func(t *testing.T, text string, at int) {
		if at < 0 || at > len(text) || len(text) > longestLine {
			return
		}
		var got []string
		l := collect(&got)
		l.Write([]byte(text[:at]))
		l.Write([]byte(text[at:]))
		l.flush()
		var want []string
		for line := range strings.Lines(text) {
			want = append(want, strings.TrimSuffix(line, "\n"))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

func TestAClockStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var expired atomic.Bool
		c := newClock(10*time.Second, func() { expired.Store(true) })
		after := func(d time.Duration, want bool, what string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if expired.Load() != want {
				t.Errorf("%s: expired is %v", what, !want)
			}
		}
		after(time.Hour, false, "before it goes")
		c.start()
		after(6*time.Second, false, "as it goes")
		c.stop()
		c.stop()
		after(time.Hour, false, "as it stands")
		c.start()
		c.start()
		after(3*time.Second, false, "as it goes again")
		after(time.Second, true, "at the end")

		never := newClock(0, func() { t.Error("no limit is never over") })
		never.start()
		time.Sleep(time.Hour)
		never.stop()
	})
}

// TestNobodysTimePassesWhileAPersonIsAsked has a question of one of two hosts.
func TestNobodysTimePassesWhileAPersonIsAsked(t *testing.T) {
	f := &fleet{}
	for _, link := range []string{"a", "b"} {
		u := &underway{links: []string{link}, clock: newClock(time.Hour, func() {})}
		f.enter(u)
		defer f.leave(u)
	}
	going := func() (n int) {
		f.wind()
		for _, u := range f.running {
			if !u.clock.since.IsZero() {
				n++
			}
		}
		return n
	}
	for _, step := range []struct {
		what  string
		links []string
		want  int
	}{
		{"nothing is asked", nil, 2},
		{"a host of ours is asked for", []string{"c", "b"}, 0},
		{"only others are", []string{"c"}, 2},
	} {
		f.now.Questions = nil
		for _, link := range step.links {
			f.now.Questions = append(f.now.Questions, api.Question{ID: link, Link: link})
		}
		if n := going(); n != step.want {
			t.Errorf("%s: %d clocks go, want %d", step.what, n, step.want)
		}
	}
}

func TestTheExitStatusIsThatOfTheWorst(t *testing.T) {
	fine := hostOutcomeOf("fine", api.Exit{}, nil)
	other := hostOutcomeOf("other", api.Exit{Status: 2}, nil)
	ended := hostOutcomeOf("ended", api.Exit{Status: 255, Signal: "KILL"}, nil)
	broke := hostOutcomeOf("broke", api.Exit{Status: 255, Failure: &api.Failure{Code: "closed", Message: "it closed", Hint: "do this"}}, nil)
	gone := hostOutcomeOf("gone\x1b", api.Exit{}, &api.Error{Code: "timeout", Message: "no answer"})
	cut := hostOutcomeOf("cut", api.Exit{}, errInterrupted)
	late := hostOutcomeOf("late", api.Exit{}, &api.Error{Code: codeTimeLimit, Message: "not finished after 2s"})
	refused := func(host string) hostOutcome {
		return hostOutcomeOf(host, api.Exit{}, &api.Error{Code: "unreachable", Message: `connecting to "` + host + `": connection refused`, Hints: []string{"look there"}})
	}
	for _, test := range []struct {
		what string
		all  []hostOutcome
		want int
		said string
	}{
		{"all fine", []hostOutcome{fine, fine}, 0, ""},
		{"another status", []hostOutcome{fine, other}, 5, "sallyport: the command succeeded on 1 of 2 hosts, not on 1:\n  other: exit status 2\n"},
		{"a signal", []hostOutcome{ended}, 5, "sallyport: the command succeeded on 0 of 1 hosts, not on 1:\n  ended: ended by signal KILL\n"},
		{"no connection", []hostOutcome{other, gone, broke}, 4, "sallyport: the command succeeded on 0 of 3 hosts, not on 3:\n" +
			"  other: exit status 2\n  gone\\x1b: no answer\n  broke: it closed\n    hint: do this\n"},
		{"an interrupt", []hostOutcome{gone, cut}, 3, "sallyport: the command succeeded on 0 of 2 hosts, not on 2:\n" +
			"  gone\\x1b: no answer\n  cut: not finished when it was interrupted\n"},
		{"the same on several hosts", []hostOutcome{refused("a"), other, refused("b"), refused("c")}, 4, "sallyport: the command succeeded on 0 of 4 hosts, not on 4:\n" +
			"  a, b, c: connection refused\n    hint: look there\n  other: exit status 2\n"},
		{"a time limit", []hostOutcome{late, other}, 3, "sallyport: the command succeeded on 0 of 2 hosts, not on 2:\n" +
			"  late: not finished after 2s\n  other: exit status 2\n"},
	} {
		t.Run(test.what, func(t *testing.T) {
			var said strings.Builder
			got := 0
			if err := summary(&said, test.all, nil); err != nil {
				errors.As(err, (*status)(&got))
			}
			if got != test.want || said.String() != test.said {
				t.Errorf("exit status %d, want %d\n%s", got, test.want, cmp.Diff(test.said, said.String()))
			}
		})
	}
}
