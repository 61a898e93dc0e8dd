package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"sallyport/api"
	"sallyport/config"
	"sallyport/sessions"
)

// shellFlags are those that "sallyport HOST" shares with ssh.
type shellFlags struct {
	user, port string
	tty        int
	noTTY      bool
	agent      string       // api.SessionSpec's ForwardAgent
	x11        sessions.X11 // likewise
	log        api.SessionLog
	keep       string // the name of the shell that goes on on the host
	hold       bool   // a window that goes with us stays until a failure was read
}

func (f *shellFlags) register(flags *pflag.FlagSet) {
	flags.StringVarP(&f.user, "login", "l", "", "log in as `USER`")
	flags.StringVarP(&f.port, "port", "p", "", "connect to `PORT`")
	flags.CountVarP(&f.tty, "tty", "t", "ask for a terminal on the far side; twice, even without one here")
	flags.BoolVarP(&f.noTTY, "no-tty", "T", false, "ask for no terminal")
	flags.StringVar(&f.log.Path, "log", "", "write what the shell shows to a new `FILE`; an asciicast, if it ends in .cast")
	flags.StringVar((*string)(&f.log.Format), "log-format", "", "`raw` bytes, or asciicast, which asciinema plays")
	flags.StringVar(&f.keep, "keep", "", "a shell that goes on on the host when the connection is gone, in its tmux, screen, abduco or dtach; the same `NAME` comes back to it")
	flags.Lookup("keep").NoOptDefVal = api.UsualKeptName
	flags.BoolVar(&f.hold, "hold", false, "wait for Enter after a failure")
	_ = flags.MarkHidden("hold") // it exists
	set := func(name, letter, usage string, f func()) {
		flags.BoolFuncP(name, letter, usage, func(string) error { f(); return nil })
	}
	set("forward-agent", "A", "forward your ssh-agent", func() { f.agent = "yes" })
	set("no-forward-agent", "a", "do not forward your ssh-agent", func() { f.agent = "no" })
	set("forward-x11", "X", "forward your X display", func() { f.x11 = sessions.ConfiguredX11 })
	set("trusted-x11", "Y", "forward your X display, trusting the far side", func() { f.x11 = sessions.TrustedX11 })
	set("no-forward-x11", "x", "do not forward your X display", func() { f.x11 = sessions.NoX11 })
}

// request is the session's TTY as api.SessionRequest has it.
func (f shellFlags) request() string {
	switch {
	case f.noTTY:
		return "no"
	case f.tty > 1:
		return "force"
	case f.tty == 1:
		return "yes"
	}
	return ""
}

// logTo is where the output goes, nil for nowhere; the background process has
// another working directory.
func (f shellFlags) logTo() (*api.SessionLog, error) {
	if f.log.Path == "" {
		if f.log.Format != "" {
			return nil, badUsage("--log-format wants --log FILE")
		}
		return nil, nil
	}
	path, err := filepath.Abs(f.log.Path)
	if err != nil {
		return nil, err
	}
	return &api.SessionLog{Path: path, Format: f.log.Format}, nil
}

// shell runs a shell or a command on a host and ends with its exit status.
func (a *app) shell(ctx context.Context, dest, command string, f shellFlags) error {
	user, host := splitUser(dest)
	c, target, err := a.clientFor(host)
	if err != nil {
		return err
	}
	if target.User = f.user; target.User == "" {
		target.User = user
	}
	target.Port = f.port
	what := spec(command)
	what.ForwardAgent, what.ForwardX11 = f.agent, f.x11
	to, err := f.logTo()
	if err != nil {
		return err
	}
	request := api.SessionRequest{Target: target, Spec: what, TTY: f.request(), Keep: what.PTY, Viewer: viewer(), Log: to}
	if a.cmd.Flags().Changed("keep") {
		if err := a.keep(ctx, c, &request, f.keep); err != nil {
			return err
		}
	}
	t, err := c.StartSession(ctx, request)
	if err != nil {
		return err
	}
	defer t.Close()
	if err := a.ready(ctx, c, t); err != nil {
		return err
	}
	a.sayLogged(to)
	exit, err := a.viewHeld(ctx, c, target, t)
	err = a.finish(t, exit, err)
	a.sayKept(err, target, request.Spec.KeptAs)
	a.sayLost(t, exit, target, request.Spec)
	return err
}

// sayLogged is the mark of a shell that is written to a file: in the shell
// itself the terminal is the remote's alone.
func (a *app) sayLogged(to *api.SessionLog) {
	if to != nil && to.Failure == "" {
		fmt.Fprintf(a.Err, "sallyport: what this shell shows is written to %s\n", api.Printable(to.Path))
	}
}

// finish turns the way a session was left or has ended into our exit status.
func (a *app) finish(t *api.Terminal, exit api.Exit, err error) error {
	if errors.Is(err, api.ErrDetached) {
		name := api.Printable(t.Name())
		fmt.Fprintf(a.Err, "sallyport: the shell %q goes on\n  to come back: sallyport attach %s\n", name, name)
		return nil
	}
	if err != nil {
		return err
	}
	return ended(a.Err, exit)
}

// viewer is this terminal as others are told of it.
func viewer() api.SessionView { return api.SessionView{PID: os.Getpid(), TTY: ttyName()} }

// viewHeld gives this terminal to a session of the background process, as the
// host's configuration has it.
func (a *app) viewHeld(ctx context.Context, c *api.Client, target api.Target, t *api.Terminal) (api.Exit, error) {
	p, err := a.paths()
	if err != nil {
		return api.Exit{Status: ours}, err
	}
	h, _ := config.Load(p).Resolve(target.Host, config.Match{User: target.User, Port: target.Port}) // what is wrong was said when the session started
	if err := a.localCommand(ctx, h); err != nil {
		return api.Exit{Status: ours}, err
	}
	return a.viewShared(ctx, c, target, t, h)
}

// viewShared gives this terminal to a session of the background process.
func (a *app) viewShared(ctx context.Context, c *api.Client, target api.Target, t *api.Terminal, h *config.Host) (api.Exit, error) {
	v := shared(t, h)
	v.can.forwards = heldForwards{c, target, t.ID()}
	return a.attach(ctx, v, parseEscape(h.Get("EscapeChar")))
}

// lookForQuestions is when ready begins to look for questions: a session on a
// connection that is open has begun by then, mostly, and asks none.
const lookForQuestions = 50 * time.Millisecond

// quickLogin is less than a login takes: a session that runs sooner is on a
// connection that was open.
const quickLogin = 10 * time.Millisecond

// ready waits until the session runs; meanwhile the questions of its links
// are asked on the terminal.
func (a *app) ready(ctx context.Context, c *api.Client, t *api.Terminal) error {
	following, cancel := context.WithCancel(ctx)
	asker := a.asker(c)
	asker.waits = &waits{out: a.Err}
	done := make(chan struct{})
	go func() { // waited for below
		defer close(done)
		select {
		case <-time.After(lookForQuestions):
		case <-following.Done():
			return
		}
		var now api.Snapshot
		c.Follow(following, func(e api.Event) {
			now.Apply(e)
			asker.see(following, now, t.Links())
		})
	}()
	began := time.Now()
	err := t.Ready(ctx)
	cancel()
	<-done
	asker.wait()
	if time.Since(began) > quickLogin {
		if now, err := c.Snapshot(ctx); err == nil { // else it has been seen, or is no more
			asker.tell(now, t.Links()) // what was said since, or in a login that was over at once
		}
	}
	if err != nil && asker.err != nil {
		return asker.err
	}
	return err
}

// ended turns the way a session ended into our exit status.
func ended(w io.Writer, exit api.Exit) error {
	if exit.Failure != nil {
		explain(w, exit.Failure)
	}
	if exit.Signal != "" && exit.Signal != "PIPE" { // of which no shell tells: somebody has read enough
		fmt.Fprintf(w, "sallyport: the command was ended by signal %s\n", api.Printable(exit.Signal))
	}
	if exit.Status != 0 {
		return status(exit.Status)
	}
	return nil
}

// splitUser takes "user@" off a destination; the last @ counts, as in ssh. A URI
// is read where the host is resolved, with its port.
func splitUser(dest string) (user, host string) {
	if strings.HasPrefix(dest, "ssh://") {
		return "", dest
	}
	if i := strings.LastIndexByte(dest, '@'); i >= 0 {
		return dest[:i], dest[i+1:]
	}
	return "", dest
}

// spec is what to run, seen from this terminal.
func spec(command string) api.SessionSpec {
	s := api.SessionSpec{Command: command, Term: os.Getenv("TERM")}
	if t, ok := openTerminal(); ok {
		s.PTY = true
		s.Size = t.size()
		s.Modes = t.modes()
	}
	return s
}

// parseEscape reads EscapeChar as ssh_config(5) writes it: a character, ^
// and a letter, or none.
func parseEscape(s string) byte {
	switch {
	case s == "none":
		return 0
	case len(s) == 1:
		return s[0]
	case len(s) == 2 && s[0] == '^':
		return s[1] & 31
	}
	return '~'
}

// viewed is a session as its viewer sees it.
type viewed struct {
	pty    bool // the far side gives it a terminal
	attach func(ctx context.Context, in io.Reader, out, err io.Writer) (api.Exit, error)
	resize func(api.Size)
	end    func() // what "~." does; nil where leaving ends the session
	name   string // of the far side, for the word that it is left
	can    abilities
	kept   *api.Terminal // that the terminal may be lent to; nil for none
	unread func()        // the far side is told that nobody reads its output; nil where the session then goes on without a viewer
}

// shared is a session of the background process.
func shared(t *api.Terminal, h *config.Host) viewed {
	can := abilitiesOf(h)
	can.sendBreak = func() { t.Break() }        // fails only when the session has ended
	can.inform = func(io.Writer) { t.Inform() } // likewise
	var kept *api.Terminal
	if t.Kept() {
		can.detach = func() { t.Detach() } // likewise
		kept = t
	}
	unread := func() { t.Unread() } // likewise
	if kept != nil {
		unread = nil
	}
	return viewed{
		kept:   kept,
		unread: unread,
		pty:    t.PTY(),
		attach: t.Attach,
		resize: func(s api.Size) { t.Resize(s) }, // likewise
		end:    func() { t.End() },               // likewise
		name:   h.HostName(),
		can:    can,
	}
}

// attach gives this terminal to a session until it ends.
func (a *app) attach(ctx context.Context, v viewed, escape byte) (api.Exit, error) {
	outliveReaders()
	out, errs := a.Out, a.Err
	if v.unread != nil {
		out, errs = &output{w: out, unread: v.unread}, &output{w: errs}
	}
	term, ok := openTerminal()
	if !v.pty || !ok {
		return v.attach(ctx, a.In, out, errs)
	}
	restore, err := term.raw()
	if err != nil {
		return api.Exit{Status: ours}, fmt.Errorf("setting the terminal: %w", err)
	}
	defer restore()
	defer term.follow(v.resize)()

	ctx, leave := context.WithCancel(ctx) // a far side that no longer answers ends nothing by itself
	defer leave()
	var turn turn
	does := &escaping{
		ctx: ctx, term: term, out: a.Err, char: escape, can: v.can, turn: &turn,
		leave: func() {
			if v.end != nil {
				v.end()
			}
			leave()
		},
		size: func() { v.resize(term.size()) },
		run:  func(command string) { a.byShell(ctx, command) },
	}
	in := newEscapes(term, escape, does.acts())
	if v.kept != nil && a.Out == io.Writer(os.Stdout) {
		defer term.lend(v.kept, in)()
	}
	defer turn.settle()
	defer term.cancel()
	defer context.AfterFunc(ctx, term.cancel)()
	exit, err := v.attach(ctx, in, turn.writer(out), turn.writer(errs))
	if in.disconnected.Load() {
		restore()
		fmt.Fprintf(a.Err, "Connection to %s closed.\n", api.Printable(v.name))
		return api.Exit{Status: ours}, nil
	}
	if errors.Is(err, context.Canceled) {
		return exit, nil
	}
	return exit, err
}
