package cli

import (
	"fmt"
	"io"

	"sallyport/api"
)

// ending is how a command ended on a host.
type ending string

const (
	exited      ending = "exit"
	failed      ending = "failed" // there is no exit status
	timedOut    ending = "timeout"
	interrupted ending = "interrupted"
)

// The codes of hosts on which the command was ended by us.
const (
	codeInterrupted = "interrupted"
	codeTimeLimit   = "time-limit"
)

// hostOutcome is how it ended on one host.
type hostOutcome struct {
	Host    string     `json:"host"`
	End     ending     `json:"end"`
	Status  int        `json:"status"` // 255 where there is none
	Signal  string     `json:"signal,omitempty"`
	Error   *api.Error `json:"error,omitempty"`
	Seconds float64    `json:"seconds"`
}

// hostOutcomeOf is the outcome of a session that ended so, or of one that err kept
// from it.
func hostOutcomeOf(host string, exit api.Exit, err error) hostOutcome {
	if err == nil && exit.Failure != nil {
		err = exit.Failure
	}
	if err == nil {
		return hostOutcome{Host: host, End: exited, Status: exit.Status, Signal: exit.Signal}
	}
	o := hostOutcome{Host: host, End: failed, Status: ours, Error: api.AsError(err)}
	switch o.Error.Code {
	case codeInterrupted:
		o.End = interrupted
	case codeTimeLimit:
		o.End = timedOut
	}
	return o
}

// The exit statuses are those of pssh(1).
const (
	someUnfinished = 3
	someFailed     = 4
	someExited     = 5
)

// severity is our exit status if this is the worst outcome, 0 for success.
func (o hostOutcome) severity() int {
	switch {
	case o.End == timedOut || o.End == interrupted:
		return someUnfinished
	case o.End == failed:
		return someFailed
	case o.Status != 0:
		return someExited
	}
	return 0
}

// summary lists what went wrong where, and is our exit status. unasked is why
// something could not be asked.
func summary(w io.Writer, all []hostOutcome, unasked error) error {
	var wrong []hostOutcome
	worst := 0
	for _, o := range all {
		if s := o.severity(); s != 0 {
			wrong = append(wrong, o)
			if worst == 0 || s < worst {
				worst = s
			}
		}
	}
	if worst == 0 {
		return nil
	}
	fmt.Fprintf(w, "sallyport: the command succeeded on %d of %d hosts, not on %d:\n", len(all)-len(wrong), len(all), len(wrong))
	for _, o := range wrong {
		fmt.Fprintf(w, "  %s: %s\n", api.Printable(o.Host), o.reason())
		if o.Error == nil {
			continue
		}
		for _, hint := range o.Error.Hints {
			fmt.Fprintf(w, "    hint: %s\n", hint)
		}
	}
	if unasked != nil {
		explain(w, unasked)
	}
	return status(worst)
}

// reason is what went wrong, in words.
func (o hostOutcome) reason() string {
	switch {
	case o.Error != nil:
		return o.Error.Message
	case o.Signal != "":
		return "ended by signal " + api.Printable(o.Signal)
	}
	return fmt.Sprintf("exit status %d", o.Status)
}
