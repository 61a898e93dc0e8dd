package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"sallyport/api"
	"sallyport/config"
	"sallyport/transport"
)

// leastPause is the shortest time between two looks at a host: each is a login.
const leastPause = time.Second

// watchEvent is a change of what is wrong with a host, or the end of the watch.
type watchEvent struct {
	Time    time.Time          `json:"time"`
	Event   string             `json:"event"` // "well", "broke", "over", "stopped" or "end"
	Finding *transport.Finding `json:"finding,omitempty"`
	Lasted  float64            `json:"lasted_seconds,omitempty"` // of a fault that is over
	Summary *watchSummary      `json:"summary,omitempty"`        // at the end
}

// watchSummary is what was seen in all.
type watchSummary struct {
	Tries   int     `json:"tries"`
	Well    int     `json:"well"` // tries that have found no fault
	Breaks  int     `json:"breaks"`
	Longest float64 `json:"longest_seconds"` // the longest break, to the try that found it over
}

// Kinds of watchEvent.
const (
	watchWell    = "well"
	watchBroke   = "broke"
	watchOver    = "over"
	watchStopped = "stopped"
	watchEnd     = "end"
)

// watch looks at one host again and again, and tells of changes only. It is used
// by one goroutine.
type watch struct {
	*app
	host   string
	json   bool
	began  time.Time
	faults []fault // in the order in which they came
	well   bool    // the last try found nothing
	sum    watchSummary

	refused bool // a login or a host key was, in the last try
}

// fault is something wrong that has not been seen to be over.
type fault struct {
	transport.Finding
	since time.Time
}

// watchHost keeps an eye on a host until ctx ends. Nobody is asked, and a login
// that was refused is not tried again.
func (a *app) watchHost(ctx context.Context, host string, pause time.Duration, asJSON bool) error {
	w := &watch{app: a, host: host, json: asJSON, began: time.Now()}
	for ctx.Err() == nil {
		findings, err := w.look(ctx)
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			break // half a look says nothing
		}
		if err := w.compare(time.Now(), findings); err != nil {
			return err
		}
		if w.refused {
			return w.end(watchStopped)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
	return w.end(watchEnd)
}

// end tells what was seen in all.
func (w *watch) end(how string) error {
	now := time.Now()
	if err := w.tell(watchEvent{Event: how, Time: now, Summary: w.summary(now)}); err != nil {
		return err
	}
	if !w.well {
		return status(found)
	}
	return nil
}

// look is one visit of the doctor, with nobody to ask.
func (w *watch) look(ctx context.Context) (findings []transport.Finding, err error) {
	p, err := w.patient(ctx, w.host)
	if err != nil {
		return nil, err
	}
	p.Refused = func() { w.refused = true }
	return slices.Collect(transport.Diagnose(ctx, p)), nil
}

// compare tells what has broken and what is over since the try before.
func (w *watch) compare(now time.Time, found []transport.Finding) error {
	w.sum.Tries++
	first := w.sum.Tries == 1
	var events []watchEvent
	w.faults = slices.DeleteFunc(w.faults, func(f fault) bool {
		if !f.over(found) {
			return false
		}
		lasted := now.Sub(f.since)
		w.lasted(lasted)
		events = append(events, watchEvent{Event: watchOver, Finding: &f.Finding, Lasted: lasted.Seconds()})
		return true
	})
	for _, f := range found {
		if f.Outcome == transport.Wrong && !slices.ContainsFunc(w.faults, func(was fault) bool { return was.same(f) }) {
			w.faults = append(w.faults, fault{f, now})
			w.sum.Breaks++
			events = append(events, watchEvent{Event: watchBroke, Finding: &f})
		}
	}
	if w.well = len(w.faults) == 0; w.well {
		w.sum.Well++
		if first {
			events = append(events, watchEvent{Event: watchWell})
		}
	}
	for _, e := range events {
		e.Time = now
		if err := w.tell(e); err != nil {
			return err
		}
	}
	return nil
}

func (w *watch) lasted(d time.Duration) { w.sum.Longest = max(w.sum.Longest, d.Seconds()) }

// same tells that it is the same thing that is wrong, whatever numbers are in
// its words: a time, a port, how much is left.
func (f fault) same(other transport.Finding) bool {
	return f.Check == other.Check && f.Hop == other.Hop && withoutDigits(f.What) == withoutDigits(other.What)
}

func withoutDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return -1
		}
		return r
	}, s)
}

// over tells that a try shows a fault to be over: it is found no more by one
// that came as far as its check. What lies behind a break was not looked at.
func (f fault) over(found []transport.Finding) bool {
	if slices.ContainsFunc(found, f.same) {
		return false
	}
	return f.Hop == "" || slices.ContainsFunc(found, func(now transport.Finding) bool {
		return now.Check == "session" || now.Hop == f.Hop && now.Check == f.Check
	})
}

// summary counts what has not ended yet, too.
func (w *watch) summary(now time.Time) *watchSummary {
	for _, f := range w.faults {
		w.lasted(now.Sub(f.since))
	}
	return &w.sum
}

func (w *watch) tell(e watchEvent) error {
	if w.json {
		return printJSONLine(w.Out, e)
	}
	_, err := fmt.Fprintf(w.Out, "%s %s\n", e.Time.Format(time.DateTime), w.words(e))
	return err
}

func (w *watch) words(e watchEvent) string {
	host := config.Printable(w.host)
	switch e.Event {
	case watchWell:
		return "✓ " + host + ": nothing is wrong"
	case watchBroke:
		return fmt.Sprintf("✗ %s: %s [%s]", place(e.Finding, host), e.Finding.What, e.Finding.Check)
	case watchOver:
		return fmt.Sprintf("✓ %s: over after %s: %s [%s]", place(e.Finding, host), rounded(e.Lasted), e.Finding.What, e.Finding.Check)
	case watchStopped:
		return fmt.Sprintf("· %s: what was refused is not tried again by itself: that locks accounts. %s", host, w.counts(e))
	}
	return "· " + host + ": " + w.counts(e)
}

// place is the hop of a finding, or this machine.
func place(f *transport.Finding, host string) string {
	if f.Hop == "" {
		return "this machine, for " + host
	}
	return f.Hop
}

func (w *watch) counts(e watchEvent) string {
	text := fmt.Sprintf("%d of %d tries in %s found nothing wrong", e.Summary.Well, e.Summary.Tries, rounded(e.Time.Sub(w.began).Seconds()))
	if e.Summary.Breaks > 0 {
		text += fmt.Sprintf("; faults: %d, the longest for %s", e.Summary.Breaks, rounded(e.Summary.Longest))
	}
	return text
}

func rounded(seconds float64) time.Duration {
	return time.Duration(seconds * float64(time.Second)).Round(time.Second)
}

// pauseOf reads the time between two looks.
func pauseOf(every string) (time.Duration, error) {
	pause, ok := config.ParseTime(every)
	if !ok || pause < leastPause {
		return 0, badUsage("--every wants a time of a second or more such as 30 or 5m, and %q is not", api.Printable(every))
	}
	return pause, nil
}
