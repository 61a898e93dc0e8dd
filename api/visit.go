package api

import (
	"context"
	"errors"
	"iter"
	"os"
	"sync"

	"sallyport/transport"
)

// Visit is one run of the doctor. It remembers what was found and each step of
// the dial, for a report.
type Visit struct {
	patient transport.Patient
	version string

	mu    sync.Mutex // guards what follows
	log   []string   // the debug lines of the dial
	found []transport.Finding
}

// NewVisit is a visit by the program of this version.
func NewVisit(p transport.Patient, version string) *Visit {
	v := &Visit{patient: p, version: version}
	listener := p.Trace
	v.patient.Trace = func(t transport.Trace) {
		v.mu.Lock()
		v.log = append(v.log, debugLine(t))
		v.mu.Unlock()
		if listener != nil {
			listener(t)
		}
	}
	return v
}

// Findings are those of transport.Diagnose.
func (v *Visit) Findings(ctx context.Context) iter.Seq[transport.Finding] {
	return func(yield func(transport.Finding) bool) {
		for f := range transport.Diagnose(ctx, v.patient) {
			v.mu.Lock()
			v.found = append(v.found, f)
			v.mu.Unlock()
			if !yield(f) {
				return
			}
		}
	}
}

// VisitNews is what happens during a visit. One field is set.
type VisitNews struct {
	Finding *transport.Finding
	Step    string // of the dial, as ssh -v tells it; printable
	Over    bool   // all has been told
}

// Attend tells f of all that happens. What was found can be mended until ctx
// ends, which ends the visit. f is called from several goroutines.
func (v *Visit) Attend(ctx context.Context, f func(VisitNews)) {
	trace := v.patient.Trace
	v.patient.Trace = func(t transport.Trace) {
		trace(t)
		if t.Level <= 1 {
			f(VisitNews{Step: t.Message})
		}
	}
	v.patient.Stay = func(ctx context.Context) {
		f(VisitNews{Over: true})
		<-ctx.Done()
	}
	for found := range v.Findings(ctx) {
		f(VisitNews{Finding: &found})
	}
}

// Mend does what the fix of a finding says.
func (v *Visit) Mend(ctx context.Context, f transport.Finding) error { return f.Repair(ctx) }

// Interview is an Asker that asks by a function; false is no answer.
type Interview func(context.Context, Question) (Answer, bool)

// Ask implements transport.Asker.
func (i Interview) Ask(ctx context.Context, q Question) (Answer, error) {
	answer, ok := i(ctx, q)
	switch {
	case ctx.Err() != nil:
		answer.Wipe()
		return Answer{}, context.Cause(ctx)
	case ok:
		return answer, nil
	}
	return Declined(q)
}

// Declined is what follows from a question that nobody wants to answer.
func Declined(q Question) (Answer, error) {
	if q.Kind == AskHostKey {
		return Answer{Choice: Refuse}, nil
	}
	return Answer{}, transport.ErrCancelled
}

// WriteReport writes a report into a file that must not be there yet.
func WriteReport(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(name)) // a half of it helps nobody
	}
	return nil
}
