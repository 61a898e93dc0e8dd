package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"sallyport/api"
	"sallyport/transport"
)

// Options are what the process needs to know.
type Options struct {
	Dirs    Dirs
	Version string
	Env     transport.Env // stands in for a client's where tunnels are restored
	Log     *slog.Logger
	Rested  func() // called when memory that was used has been given back; may be nil

	// Processors has the process run on all or on one, on which it begins;
	// may be nil.
	Processors func(all bool)

	// Predecessor is the socket to the background process that this one takes
	// over from; nil if there is none. Run closes it.
	Predecessor *os.File
}

// ErrRunning means that another background process has the lock.
var ErrRunning = errors.New("a background process is running already")

// idleLimit is how long the process stays with nothing to do: no wanted
// tunnel, no session, no link up, nobody watching.
const idleLimit = 10 * time.Minute

// daemon is the running process.
type daemon struct {
	ctx       context.Context // ends everything
	stop      context.CancelCauseFunc
	retire    context.CancelFunc // ends the serving of clients alone
	heirs     chan *heir         // of size 1: the process that takes over
	dirs      Dirs
	hub       *hub
	questions *questions
	links     *transport.Links
	forwards  *forwards
	masters   *masters
	shells    *shells
	pages     pages
	busy      *activity
	running   *running
	log       *slog.Logger
}

// Run is the background process: it serves until ctx ends, a client stops it,
// or it has had nothing to do for a while.
func Run(ctx context.Context, o Options) error {
	here, err := takePlace(ctx, o)
	if err != nil {
		return err
	}
	defer here.lock.Close()
	defer makeRoom()()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)

	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { tidy(ctx, o.Rested) })
	d := newDaemon(ctx, stop, o, &wg)
	serving, retire := context.WithCancel(ctx)
	defer retire()
	d.retire = retire
	d.forwards.restore(here.saved, o.Env, here.inherited)
	wg.Go(func() { d.forwards.restoreBorrowed(here.saved.Borrowed) })
	wg.Go(func() { d.busy.stopWhenIdle(ctx, d.idle, stop) })
	o.Log.Info("started", "version", o.Version, "pid", os.Getpid(), "tunnels", len(here.saved.Tunnels))
	err = d.serve(serving, here.listener)
	d.pages.clear()
	select {
	case next := <-d.heirs:
		d.bequeath(next)
		here.lock.Close()
		d.drain(ctx)
		stop(errReplaced)
	default:
	}
	o.Log.Info("stopped", "cause", context.Cause(ctx))
	d.masters.close()
	d.forwards.close()
	d.links.Close()
	return err
}

// place is what makes a process the background process, and what it finds there.
type place struct {
	lock      *os.File // that only one has
	listener  net.Listener
	saved     state
	inherited map[string][]net.Listener // of the process before, if that lives
}

// takePlace takes the place of the process before, once nothing more that can be
// known keeps this one from running.
func takePlace(ctx context.Context, o Options) (here place, err error) {
	if err := hide(); err != nil {
		o.Log.Warn("core files may hold passwords", "error", err)
	}
	if err := o.Dirs.Prepare(); err != nil {
		return here, err
	}
	if _, err := readState(o.Dirs.state()); err != nil {
		return here, err // before another process gives up what it has
	}
	if o.Predecessor != nil {
		if here.inherited, err = inherit(o.Predecessor); err != nil {
			return here, fmt.Errorf("taking over: %w", err)
		}
	}
	if here.lock, err = takeLock(ctx, o); err != nil {
		return here, err
	}
	transport.ClearRooms(o.Dirs.Runtime)
	clearMasters(o.Dirs.Runtime)
	pages{o.Dirs.Runtime}.clear()
	if here.saved, err = readState(o.Dirs.state()); err == nil {
		here.listener, err = listen(o.Dirs.Socket())
	}
	if err != nil {
		here.lock.Close()
	}
	return here, err
}

// takeLock makes this process the only one. One that is just stopping is
// waited for.
func takeLock(ctx context.Context, o Options) (*os.File, error) {
	d := o.Dirs
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit/2, ErrRunning)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		lock, ok, err := lockFile(d.lock())
		if err != nil || ok {
			return lock, err
		}
		if o.Predecessor == nil && answers(ctx, d) {
			return nil, ErrRunning
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// Stopped waits until no background process has the lock, or, as succeeded tells,
// another one.
func Stopped(ctx context.Context, d Dirs, succeeded func() bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		lock, ok, err := lockFile(d.lock())
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if ok {
			return lock.Close()
		}
		if succeeded() {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// newDaemon puts the parts together. wg waits for their goroutines, which end
// with ctx.
func newDaemon(ctx context.Context, stop context.CancelCauseFunc, o Options, wg *sync.WaitGroup) *daemon {
	hub := newHub(api.DaemonStatus{PID: os.Getpid(), Version: o.Version, Started: time.Now()})
	d := &daemon{ctx: ctx, stop: stop, heirs: make(chan *heir, 1), dirs: o.Dirs, hub: hub, questions: newQuestions(hub), busy: newActivity(), running: newRunning(), shells: newShells(hub), pages: pages{o.Dirs.Runtime}, log: o.Log}
	news := newMailbox[transport.LinkStatus]()
	crisp := &crisp{processors: o.Processors, spent: processorTime}
	d.links = transport.NewLinks(transport.Options{
		Asker: d.questions,
		Log:   o.Log,
		Dir:   o.Dirs.Runtime,
		Watch: true,
		Spare: true,
		Lanes: true,
		Typed: crisp.typed,
		Notify: func(s transport.LinkStatus) {
			hub.post(api.Event{Link: &s})
			news.post(s)
		},
		Gone: func(id string) { hub.post(api.Event{LinkGone: id}) },
	})
	d.forwards = newForwards(ctx, d.links, hub, o.Log, o.Dirs.state())
	d.masters = newMasters(d)
	wg.Go(func() { hub.run(ctx) })
	wg.Go(func() { d.followLinks(ctx, news) })
	return d
}

// followLinks tells the tunnels, the masters and the log what becomes of the links.
func (d *daemon) followLinks(ctx context.Context, news *mailbox[transport.LinkStatus]) {
	last := make(map[string]transport.State)
	for ctx.Err() == nil {
		for _, s := range news.take(ctx) {
			d.forwards.linkChanged(s)
			d.masters.linkChanged(s)
			if before, known := last[s.ID]; known && before != s.State {
				d.record(s)
			}
			last[s.ID] = s.State
		}
	}
}

// record writes a link's new state into the log that clients see.
func (d *daemon) record(s transport.LinkStatus) {
	e := api.Entry{Time: time.Now(), Host: s.Host}
	switch s.State {
	case transport.Up:
		e.Message = fmt.Sprintf("%s: connected as %s", api.Printable(s.Host), api.Printable(s.Address))
	case transport.Waiting, transport.Failed:
		if s.Failure == nil {
			return
		}
		e.Message, e.Hint = s.Failure.Message, s.Failure.Hint
	case transport.Asking:
		e.Message = api.Printable(s.Host) + ": waits for an answer"
	case transport.Down:
		e.Message = api.Printable(s.Host) + ": connection closed"
	default:
		return
	}
	d.log.Info("link", "host", s.Host, "state", s.State, "message", e.Message)
	d.hub.post(api.Event{Log: &e})
}

// serve answers clients until ctx ends. What they have asked for may go on.
func (d *daemon) serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:     d.handler(),
		BaseContext: func(net.Listener) context.Context { return d.ctx },
		ErrorLog:    slog.NewLogLogger(d.log.Handler(), slog.LevelWarn),
	}
	guarded, err := guard(l.(*net.UnixListener), func(err error) { d.log.Warn("refused", "error", err) })
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.Serve(guarded); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving on %q: %w", l.Addr(), err)
	}
	return nil
}

// listen takes the place of whatever socket a dead process left: the caller
// holds the lock.
func listen(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	// The directory keeps others out already; this says so once more.
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// idle tells that nothing would be lost by stopping.
func (d *daemon) idle() bool {
	if !d.forwards.none() || !d.shells.none() {
		return false
	}
	for _, l := range d.hub.state().Links {
		if l.State != transport.Down && l.State != transport.Failed {
			return false
		}
	}
	return true
}
