package transport

import (
	"context"
	"errors"
	"iter"
	"slices"

	"sallyport/config"
)

// Finding is what one check of Diagnose has to say. Its texts are printable.
type Finding struct {
	Check   string  `json:"check"`         // a stable name: "key-file", "hostkey"
	Hop     string  `json:"hop,omitempty"` // alias; "" for this machine
	Outcome Outcome `json:"outcome"`       //
	What    string  `json:"what"`          // one sentence
	Why     string  `json:"why,omitempty"` // why it matters
	Fix     string  `json:"fix,omitempty"` // with an exact command or file:line
	Ours    bool    `json:"ours"`          // Repair does it

	repair func(context.Context) error
}

// Outcome says whether a check has found something.
type Outcome string

const (
	Healthy Outcome = "ok"
	Noted   Outcome = "note" // worth knowing, and no fault
	Wrong   Outcome = "wrong"
)

// Repair does what Fix says, where it is Ours. It works until Diagnose ends: a
// repair on the far side needs the connection.
func (f Finding) Repair(ctx context.Context) error {
	if f.repair == nil {
		return errors.New("this has to be done by hand")
	}
	return f.repair(ctx)
}

// outcomes are the marks of findings in a text.
var outcomes = map[Outcome]string{Healthy: "✓", Noted: "·", Wrong: "✗"}

// String is a finding in lines of text, without a newline at the end.
func (f Finding) String() string {
	text := outcomes[f.Outcome] + " "
	if f.Hop != "" {
		text += f.Hop + ": "
	}
	text += f.What
	if f.Outcome == Wrong {
		text += " [" + f.Check + "]"
	}
	for _, more := range []struct{ name, text string }{{"why", f.Why}, {"fix", f.Fix}} {
		if more.text != "" {
			text += "\n    " + more.name + ": " + more.text
		}
	}
	return text
}

// Patient is what Diagnose looks at.
type Patient struct {
	Config *config.Config
	Host   string      // "" for this machine alone: nothing is dialled
	Keys   []string    // without a Host: the key files to look at
	Env    Env         // of the caller
	Asker  Asker       // nil for nobody: then nothing is asked (BatchMode)
	Trace  func(Trace) // the steps of the dial, as they happen; nil for nobody

	// Refused is told that the server has refused a login, or this side the
	// server's key, also where its reason is told and not itself: who looks again
	// and again must not try that again. nil for nobody.
	Refused func()

	// Stay keeps the connection, and so the repairs of its far side, after the
	// last finding until it returns; nil lets go at once.
	Stay func(context.Context)

	// Save writes a change of the configuration that a repair makes; nil for
	// nobody who may.
	Save func(context.Context, *config.Change) error
}

// check is a row of the doctor's table.
type check struct {
	name   string
	after  []string // checks whose finding is the reason for what this one would find
	run    func(*exam, check)
	advice string // why it matters
}

// checks are all there are, in the order in which they run: first what keeps a
// login from working, then the dial, then what a login or a help desk shows.
// Rows without a run are told by the row of their hop, see stages.
func checks() []check {
	return []check{
		{name: "config-mode", run: (*exam).configMode, advice: "ssh refuses a configuration that others can write to or that is theirs, for every host"},
		{name: "config", after: []string{"config-mode"}, run: (*exam).configErrors, advice: "nothing is dialled by a configuration that is not understood"},
		{name: "way", after: []string{"config-mode", "config"}, run: (*exam).way, advice: "nothing is dialled while the way is not understood"},
		{name: "clock", run: (*exam).clock, advice: "certificates, tickets and one-time codes are good for a time only"},
		{name: "key-missing", run: (*exam).keyMissing, advice: "the key is passed over and the next way to log in is tried"},
		{name: "key-file", run: (*exam).keyFiles, advice: "a key that is not fit is passed over, and the server never sees it"},
		{name: "key-unused", run: (*exam).keyUnused, advice: "without IdentityFile only id_rsa, id_ed25519 and their like are looked for"},
		{name: "agent", run: (*exam).agent, advice: "the keys that only the agent has cannot be offered"},

		{name: "dial", run: (*exam).dialHops},

		{name: "session", run: (*exam).session, advice: "no command can be run there, so neither scp nor rsync nor git works"},
		{name: "far-home", run: (*exam).farHome, advice: "nothing can be written there: no key can be installed, and editors and jobs fail in odd ways"},
		{name: "far-disk", after: []string{"far-home"}, run: (*exam).farDisk, advice: "nothing can be written there: logins, editors and jobs fail in odd ways"},
		{name: "far-shell", run: (*exam).farShell, advice: "whatever a start-up file prints lands in the data of scp, rsync, sftp and git, and breaks them"},
		{name: "far-modes", run: (*exam).farModes, advice: "sshd takes no key from a file that others can write to (StrictModes), or that it cannot read"},
		{name: "far-keys", after: []string{"far-home", "far-disk", "far-modes"}, run: (*exam).farKeys, advice: "the server asks for a password because it does not know the key"},
		{name: "far-log", run: (*exam).farLog},
		{name: "far-clock", run: (*exam).farClock, advice: "one-time codes and tickets are refused when clocks differ"},
		{name: "forwarding", run: (*exam).forwarding, advice: "the forwards of the configuration open here and lead nowhere"},

		{name: "home", run: (*exam).homeMode, advice: "who can write to the home can put other keys and another configuration there"},
		{name: "ssh-dir", run: (*exam).sshDir, advice: "who can write to it decides which keys and servers are trusted"},
		{name: "controlpath", run: (*exam).controlPath, advice: "ssh gives up when it cannot make its control socket"},
		{name: "disk", run: (*exam).disk, advice: "host keys cannot be noted and configuration cannot be saved"},
		{name: "config-lint", after: []string{"config-mode", "config"}, run: (*exam).configWarnings},
	}
}

// exam is one run of the doctor. It is used by one goroutine.
type exam struct {
	Patient
	ctx     context.Context
	yield   func(Finding) bool
	stopped bool            // nobody wants more findings
	found   map[string]bool // the checks that have found something
	row     check           // that runs

	chain    Chain
	planned  error            // why there is no chain
	linter   []config.Finding // for this host
	unfit    []string         // the key files with which something is wrong
	links    *Links
	progress *progress
	conn     *Conn // to the host, once it is there
	far      *farSide
}

// Diagnose finds out what is wrong with the way to a host, hop by hop, by the
// dial that a link makes; and what is wrong on this machine. Findings come as
// they are made. A check whose cause is known already is not told.
//
// It changes nothing by itself; Finding.Repair does. What is found on this
// machine is told before the dial begins, so that it can be repaired first.
func Diagnose(ctx context.Context, p Patient) iter.Seq[Finding] {
	return func(yield func(Finding) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		e := &exam{Patient: p, ctx: ctx, yield: yield, found: map[string]bool{}, progress: newProgress(p.Trace)}
		e.links = NewLinks(Options{Asker: p.Asker, Notify: e.progress.see, Trace: e.progress.trace})
		defer e.links.Close()
		e.plan()
		for _, row := range checks() {
			if e.stopped || ctx.Err() != nil {
				return
			}
			if !e.explained(row) {
				e.row = row
				row.run(e, row)
			}
		}
		if p.Stay != nil && !e.stopped {
			p.Stay(ctx)
		}
	}
}

// plan finds the way as for a login of its own: a live master would hide what
// is wrong.
func (e *exam) plan() {
	if e.Host == "" {
		return
	}
	m := config.Match{Execute: true, Options: []string{"ControlPath=none"}}
	if e.Asker == nil {
		m.Options = append(m.Options, "BatchMode=yes")
	}
	e.chain, e.planned = Plan(e.Config, e.Host, m)
}

// explained tells whether the reason for what a check would find is known.
func (e *exam) explained(row check) bool {
	return slices.ContainsFunc(row.after, func(name string) bool { return e.found[name] })
}

// tell passes a finding of the row on.
func (e *exam) tell(f Finding) {
	if e.stopped {
		return
	}
	if f.Check == "" {
		f.Check = e.row.name
	}
	if f.Outcome == Wrong {
		e.found[f.Check] = true
		if f.Why == "" {
			f.Why = e.row.advice
		}
	}
	f.Ours = f.repair != nil
	f.Hop = config.Printable(f.Hop)
	f.What, f.Why, f.Fix = sayable(f.What), sayable(f.Why), sayable(f.Fix)
	e.stopped = !e.yield(f)
}

func (e *exam) ok(what string)   { e.tell(Finding{Outcome: Healthy, What: what}) }
func (e *exam) note(what string) { e.tell(Finding{Outcome: Noted, What: what}) }

// wrong tells of a fault; repair is nil where the fix is not ours to do.
func (e *exam) wrong(what, fix string, repair func(context.Context) error) {
	e.tell(Finding{Outcome: Wrong, What: what, Fix: fix, repair: repair})
}

// goal is the host itself, nil where there is none to look at.
func (e *exam) goal() *config.Host {
	if len(e.chain) == 0 {
		return nil
	}
	return e.chain[len(e.chain)-1].Host
}
