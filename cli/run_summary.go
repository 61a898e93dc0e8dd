package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

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
	for _, c := range gathered(wrong) {
		fmt.Fprintf(w, "  %s: %s\n", strings.Join(c.hosts, ", "), c.reason)
		for _, hint := range c.hints {
			fmt.Fprintf(w, "    hint: %s\n", hint)
		}
	}
	if unasked != nil {
		explain(w, unasked)
	}
	return status(worst)
}

// complaint is what went wrong in the same way on some hosts.
type complaint struct {
	hosts  []string // printable
	reason string
	hints  []string
}

// gathered has one complaint for all that have the same, in the order of the first
// host of each.
func gathered(wrong []hostOutcome) (all []complaint) {
	for _, o := range wrong {
		c := complaint{reason: o.reason()}
		if o.Error != nil {
			c.hints = o.Error.Hints
		}
		i := slices.IndexFunc(all, func(before complaint) bool {
			return before.reason == c.reason && slices.Equal(before.hints, c.hints)
		})
		if i < 0 {
			i, all = len(all), append(all, c)
		}
		all[i].hosts = append(all[i].hosts, api.Printable(o.Host))
	}
	return all
}

// reason is what went wrong, in words, behind the name of the host.
func (o hostOutcome) reason() string {
	switch {
	case o.Error != nil:
		said := strings.TrimPrefix(o.Error.Message, fmt.Sprintf("connecting to %q: ", o.Host))
		return strings.Replace(said, fmt.Sprintf("the login to %q ", o.Host), "the login ", 1)
	case o.Signal != "":
		return "ended by signal " + api.Printable(o.Signal)
	}
	return fmt.Sprintf("exit status %d", o.Status)
}
