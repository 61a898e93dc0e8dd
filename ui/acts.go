package ui

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"

	"sallyport/api"
)

// act asks the background process for something outside the loop, and then
// does, on the loop, what follows from it. Quitting does not cancel it: a
// tunnel that was switched on in the last moment is still switched on.
func (s *screen) act(f func(context.Context) error, then func(error)) {
	s.spawn(func() {
		err := f(s.acts)
		s.in.do(func() { then(err) })
	})
}

// spawn starts a goroutine that ends with s.ctx or s.acts; Run waits for it.
func (s *screen) spawn(f func()) {
	s.work.Add(1)
	go func() {
		defer s.work.Done()
		defer s.restore()
		f()
	}()
}

// look starts a goroutine that reads files. Nobody waits for it: a file
// system that hangs cannot be interrupted, and must not keep the program from
// ending. All it can do after the end is to put something into the inbox.
func (s *screen) look(f func()) {
	go func() {
		defer s.restore()
		f()
	}()
}

// restore, deferred, gives the terminal back to a program that panics.
func (s *screen) restore() {
	if p := recover(); p != nil {
		s.term.Fini()
		panic(p)
	}
}

// sentence is an error as it is shown: what happened, and what to do.
func sentence(err error) (message, hint string) {
	e := api.AsError(err)
	return clean(e.Message), clean(strings.Join(e.Hints, "; "))
}

// opening is a shell on its way.
type opening struct {
	since  time.Time
	cancel context.CancelFunc
	shell  shell // once it is ready
}

// openShell asks for a shell on the selected host.
func (s *screen) openShell() {
	name, _ := s.list.selected()
	s.shellOn(name)
}

// shellOn asks for a shell on a host, or goes to the one that is ready.
func (s *screen) shellOn(name string) {
	s.open(name, func(ctx context.Context) (shell, error) { return s.b.Start(ctx, name) })
}

// openInWindow opens a shell on the selected host beside the screen.
func (s *screen) openInWindow() {
	name, _ := s.list.selected()
	s.act(func(ctx context.Context) error { return s.b.InWindow(ctx, name) }, func(err error) {
		if err != nil {
			message, hint := sentence(err)
			s.fail("", message, hint)
			return
		}
		s.tell("The shell on " + clean(name) + " is in a window of its own.")
	})
}

// openKept opens a shell on the selected host that goes on there when its
// connection is gone.
func (s *screen) openKept() {
	name, _ := s.list.selected()
	s.open(name, func(ctx context.Context) (shell, error) { return s.b.Keep(ctx, name) })
}

func (s *screen) opensWindows() bool { return s.windows }

// rejoin asks for a shell that a program on its host has kept.
func (s *screen) rejoin(of api.Session) {
	s.open(of.Host, func(ctx context.Context) (shell, error) { return s.b.Rejoin(ctx, of) })
}

// open has start ask for a shell on a host, unless one is on its way.
func (s *screen) open(name string, start func(context.Context) (shell, error)) {
	if o := s.opening[name]; o != nil {
		if o.shell != nil {
			s.attach(name, o)
			return
		}
		s.latest = name
		s.tell("Already on the way to " + clean(name) + ". Esc cancels.")
		return
	}
	ctx, cancel := context.WithCancel(s.ctx)
	o := &opening{since: s.now(), cancel: cancel}
	s.opening[name], s.latest = o, name
	delete(s.failures, name)
	s.in.poke()
	s.spawn(func() {
		sh, err := start(ctx)
		if err == nil {
			if err = sh.Ready(ctx); err != nil {
				_ = sh.Close() // it never ran
			}
		}
		s.in.do(func() { s.opened(name, o, sh, err) })
	})
}

// opened goes on when a shell is ready, or is not to be had.
func (s *screen) opened(name string, o *opening, sh shell, err error) {
	if s.opening[name] != o { // cancelled meanwhile
		if err == nil {
			s.spawn(func() { _ = sh.Close() })
		}
		return
	}
	if err != nil {
		o.cancel()
		delete(s.opening, name)
		s.failed(name, err)
		return
	}
	o.shell = sh
	if s.latest == name && s.found() == nil && s.dialog == nil && s.form == nil && s.review == nil && !s.list.typing && !s.journal.typing {
		s.attach(name, o)
		return
	}
	s.tell("The shell on " + clean(name) + " is ready: Enter there goes to it.")
}

// failed keeps what went wrong with a host beneath its chain.
func (s *screen) failed(name string, err error) {
	message, hint := sentence(err)
	f := &api.Failure{Message: message, Hint: hint, At: s.now()}
	var e *api.Error
	var of *api.Failure
	if errors.As(err, &e) {
		f.Code = e.Code
	} else if errors.As(err, &of) {
		*f = *of
	}
	if l := s.link(name); l == nil || l.State != api.LinkFailed || l.Failure == nil {
		s.failures[name] = f
	}
	s.fail(name, message, hint)
}

// attach gives the terminal to the shell that was on its way.
func (s *screen) attach(name string, o *opening) {
	delete(s.opening, name)
	s.give(name, o.shell)
	o.cancel()
}

// comeBack goes to a shell that was left running.
func (s *screen) comeBack(to api.Session) {
	s.spawn(func() {
		sh, err := s.b.View(s.ctx, to)
		if err == nil {
			if err = sh.Ready(s.ctx); err != nil {
				_ = sh.Close() // nobody has looked at it
			}
		}
		s.in.do(func() {
			if err != nil {
				s.failed(to.Host, err)
				return
			}
			s.give(to.Host, sh)
		})
	})
}

// give gives the terminal to a shell until it ends or is left. It runs on the
// loop, which stands still meanwhile: the pump waits and the inbox merges.
func (s *screen) give(name string, sh shell) {
	var exit api.Exit
	var err error
	if e := s.handOver(func() { exit, err = sh.Attach(s.ctx) }); e != nil {
		err = e
	}
	s.ended(name, exit, err)
}

// handOver gives the terminal to f until it returns. It runs on the loop. A
// terminal that cannot be taken back ends the program.
func (s *screen) handOver(f func()) error {
	s.restMasters()
	defer s.followMasters()
	if !s.app.Suspend(f) {
		return errors.New("the terminal could not be handed over")
	}
	if s.term.lost {
		s.leave()
		return errLost
	}
	return nil
}

// ended tells how a shell ended.
func (s *screen) ended(name string, exit api.Exit, err error) {
	shown := clean(name)
	switch {
	case errors.Is(err, api.ErrDetached):
		s.tell(shown + ": the shell goes on; to come back: Enter on it, on page 3")
	case err != nil:
		s.failed(name, err)
	case exit.Failure != nil:
		s.failed(name, exit.Failure)
	case exit.Signal != "":
		s.tell(shown + ": ended by SIG" + clean(exit.Signal))
	case exit.Status != 0:
		s.tell(shown + ": exit status " + strconv.Itoa(exit.Status))
	default:
		s.tell(shown + ": the shell has ended")
	}
}

// cancel gives up what is on the way to a host, and tells whether there was
// something.
func (s *screen) cancel(name string) bool {
	any := false
	if o := s.opening[name]; o != nil {
		delete(s.opening, name)
		o.cancel()
		if o.shell != nil {
			s.spawn(func() { _ = o.shell.Close() })
		}
		any = true
	}
	if l := s.link(name); l != nil && underWay(l) {
		s.closeLink(*l)
		any = true
	}
	if any {
		s.tell("Connecting to " + clean(name) + " is cancelled.")
	}
	return any
}

// cancels tells whether Esc would cancel something.
func (s *screen) cancels() bool {
	name, ok := s.list.selected()
	return ok && s.onItsWay(name)
}

// onItsWay tells whether there is something to cancel.
func (s *screen) onItsWay(name string) bool {
	l := s.link(name)
	return s.opening[name] != nil || l != nil && underWay(l)
}

func underWay(l *api.Link) bool {
	return l.State == api.LinkConnecting || l.State == api.LinkAsking || l.State == api.LinkWaiting
}

func (s *screen) closeLink(l api.Link) {
	s.act(func(ctx context.Context) error { return s.b.CloseLink(ctx, l.ID) }, func(err error) {
		if err != nil {
			message, hint := sentence(err)
			s.fail(l.Host, message, hint)
		}
	})
}

// closeConnection closes the connection of the selected host.
func (s *screen) closeConnection() {
	name, _ := s.list.selected()
	s.closeAsking(s.link(name))
}

// closeAsking closes a connection; it asks first if something would be lost.
func (s *screen) closeAsking(link *api.Link) {
	name, l := link.Host, *link
	shells, tunnels, hosts := s.users(link)
	var lost []string
	if shells > 0 {
		lost = append(lost, count(shells, "shell"))
	}
	if tunnels > 0 {
		lost = append(lost, count(tunnels, "tunnel"))
	}
	guests := s.guests(link)
	if guests > 0 {
		lost = append(lost, count(guests, "ssh client"))
	}
	for _, h := range hosts {
		lost = append(lost, "the connection to "+clean(h))
	}
	do := func() {
		s.closeLink(l)
		s.tell("The connection to " + clean(name) + " is closed.")
	}
	if len(lost) == 0 {
		do()
		return
	}
	verb := " use this connection and will end."
	if shells+tunnels+guests+len(hosts) == 1 {
		verb = " uses this connection and will end."
	}
	s.confirm("Close the connection to "+clean(name)+"?", button{"Close it", 'c', do}, and(lost...)+verb)
}

// confirm has the person choose between ending something and keeping it; the
// texts say what would be lost.
func (s *screen) confirm(title string, do button, lost ...string) {
	s.choice(title, do, button{label: "Keep it", key: 'k'}, lost...)
}

// choice has the person choose between doing something and leaving it.
func (s *screen) choice(title string, do, leave button, about ...string) {
	keep := func() { s.dialog = nil; s.askNext() }
	d := &dialog{
		title:  title,
		focus:  -1,
		escape: keep,
		buttons: []button{
			{do.label, do.key, func() { keep(); do.do() }},
			{leave.label, leave.key, keep},
		},
	}
	for _, text := range about {
		d.body = append(d.body, paragraph{text: text, style: s.plain})
	}
	s.dialog = d
}

// toggle switches a forward of the selected host.
func (s *screen) toggle(host string, f api.Forward) {
	if f.Problem != "" {
		s.tell(forwardText(f.Spec) + " cannot be opened: " + clean(f.Problem))
		return
	}
	up := !s.on(host, f.ID)
	s.wishes[f.ID] = up
	delete(s.failures, host)
	s.in.poke()
	s.setTunnel(f.ID, api.TunnelRequest{Target: s.b.Target(host), Spec: f.Spec, Up: up})
}

// setTunnel asks for a change of a tunnel.
func (s *screen) setTunnel(id string, request api.TunnelRequest) {
	s.act(func(ctx context.Context) error {
		_, err := s.b.SetTunnel(ctx, request)
		return err
	}, func(err error) {
		if err != nil {
			delete(s.wishes, id)
			s.failed(request.Target.Host, err)
		}
	})
}

// toggleSelected switches the tunnel of the selected host, or leads to its
// tunnels if there are several.
func (s *screen) toggleSelected() {
	name, _ := s.list.selected()
	if d, ok := s.details[name]; ok {
		s.toggleOf(name, d)
		return
	}
	inv := s.inv
	s.look(func() {
		d := inv.Detail(name)
		s.in.do(func() {
			if s.inv == inv {
				s.details[name] = d
				s.toggleOf(name, d)
			}
		})
	})
}

func (s *screen) toggleOf(name string, d api.Detail) {
	all := s.forwards(name, d)
	switch len(all) {
	case 0:
		s.tell(clean(name) + " has no tunnel: f adds one.")
	case 1:
		s.toggle(name, all[0])
	default:
		s.detail.focus, s.detail.at, s.detail.top = true, "tunnel "+all[0].ID, 0
		s.tell(count(len(all), "tunnel") + ": choose with ↑ ↓, switch with Space.")
	}
}

// copyCommand puts the command for the selected host on the clipboard, or that
// for all marked ones.
func (s *screen) copyCommand() {
	if marks := s.list.marks(); len(marks) > 0 {
		command := runCommand(s.configFlag(), marks)
		s.term.SetClipboard([]byte(command))
		s.tell("Copied: " + clean(command) + "COMMAND")
		return
	}
	name, _ := s.list.selected()
	command := "ssh " + s.configFlag()
	if strings.HasPrefix(name, "-") {
		command += "-- "
	}
	command += shellescape.Quote(name)
	s.term.SetClipboard([]byte(command))
	s.tell("Copied: " + clean(command))
}

// configFlag is the -F that a command needs for the configuration of the
// screen, with a blank; "" where that is the usual one.
func (s *screen) configFlag() string {
	if t := s.b.Target(""); t.Explicit {
		return "-F " + shellescape.Quote(t.Config) + " "
	}
	return ""
}

// edit opens the editor at the line of the selected host; with no host, the
// user's file. What was saved is read as any other change of the file is.
func (s *screen) edit() {
	file, line := s.config, 0
	if name, ok := s.list.selected(); ok {
		at := s.known[name].Origin
		if at.File == "" {
			at = s.details[name].Host.Origin
		}
		if at.File == "" {
			s.tell("Where " + clean(name) + " stands is still being read.")
			return
		}
		file, line = at.File, at.Line
	}
	var err error
	if e := s.handOver(func() { err = s.b.Edit(s.ctx, file, line) }); e != nil {
		err = e
	}
	if err != nil {
		message, hint := sentence(err)
		s.fail("", message, hint)
	}
}

// read reads the configuration, again or for the first time.
func (s *screen) read() {
	again := s.inv != nil
	s.look(func() {
		inv := s.b.Read()
		s.in.do(func() { s.setInventory(inv, again) })
	})
}

// setInventory shows a configuration that was just read. One that ssh would
// refuse does not take the place of a good one: the list stays as it was, and
// the banner says why.
func (s *screen) setInventory(inv inventory, again bool) {
	s.newest = inv
	s.follow(inv)
	problems := inv.Problems()
	for _, p := range problems {
		s.note("", place(p.Origin)+": "+clean(p.Message), "")
	}
	if s.inv != nil && refused(inv) && !refused(s.inv) {
		s.tell("The configuration has a fault now: the list is as it was before.")
		return
	}
	s.display(inv)
	if again {
		text := "Read again: " + count(len(s.list.names), "host")
		if r := s.saved; r != nil {
			text = "Written: " + tilde(r.change.File) + ". " + text
			s.follows(r)
		}
		if len(problems) > 0 {
			text += ", " + count(len(problems), "problem")
		}
		s.tell(text + ".")
	}
}

// follow reads the configuration again when its files have changed.
func (s *screen) follow(inv inventory) {
	if s.unfollow != nil {
		s.unfollow()
	}
	ctx, cancel := context.WithCancel(s.ctx)
	s.unfollow = cancel
	s.look(func() {
		pause(ctx, settled, nil)
		if inv.WaitForChange(ctx) == nil {
			s.in.do(func() {
				if s.newest == inv {
					s.read()
				}
			})
		}
	})
}

// refused tells whether ssh would refuse the configuration.
func refused(inv inventory) bool {
	return slices.ContainsFunc(inv.Problems(), func(p api.Problem) bool { return p.Fatal })
}

// display makes a configuration the one of the screen.
func (s *screen) display(inv inventory) {
	s.inv, s.config = inv, inv.Path()
	s.known, s.details, s.wanted = map[string]api.Host{}, map[string]api.Detail{}, ""
	s.searched = false
	if s.forget != nil {
		s.forget()
	}
	ctx, cancel := context.WithCancel(s.ctx)
	s.list.setNames(inv.Names())
	r := newResolver(inv, s.list.index)
	s.resolver, s.forget = r, cancel
	s.look(func() {
		r.run(ctx, func(found resolved) { s.in.do(func() { s.learn(r, found) }) })
	})
	s.masters = nil
	s.restMasters()
	s.followMasters()
	s.followKeys()
	if s.form != nil {
		s.readForm(s.form)
	}
	s.world.sort()
	s.replay()
}

// detailLimit is how many details are kept.
const detailLimit = 256

// learn takes what the resolver has found out.
func (s *screen) learn(r *resolver, found resolved) {
	if s.resolver != r {
		return
	}
	for _, h := range found.hosts {
		s.known[h.Name] = h
		if s.list.sought {
			s.list.index().add(h.Name, h.Fields())
		}
	}
	if d := found.detail; d != nil {
		if len(s.details) >= detailLimit {
			clear(s.details)
		}
		s.details[d.Host.Name] = *d
		s.known[d.Host.Name] = d.Host
	}
	if s.list.filtered() && len(found.hosts) > 0 {
		selected, _ := s.list.selected()
		first := s.list.cursor == 0 && s.list.typing
		s.list.filter()
		if !first {
			s.list.choose(selected)
		}
	}
}

// request wants from the resolver what is in sight and not known.
func (s *screen) request(l layout) {
	if s.resolver == nil {
		return
	}
	var rows []string
	for y := range min(s.listRows(l), s.list.len()-s.list.top) {
		if name := s.list.at(s.list.top + y); !s.has(name) {
			rows = append(rows, name)
		}
	}
	name, _ := s.list.selected()
	s.detail.turn(name)
	if _, ok := s.details[name]; ok {
		name = ""
	}
	if rows != nil || name != s.wanted || s.list.sought != s.searched {
		s.wanted = name
		s.searched = s.list.sought
		s.resolver.want(rows, name, s.searched)
	}
}

func (s *screen) has(name string) bool { _, ok := s.known[name]; return ok }
