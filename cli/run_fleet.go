package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"sallyport/api"
)

// fleet is one run of a command on many hosts.
type fleet struct {
	client  *api.Client
	asker   *terminalAsker
	out     *runOutput
	request func(host string) api.SessionRequest
	input   []byte          // for every host
	limit   time.Duration   // for one host; 0 for none
	asking  context.Context // of all questions: those of one host may be another's too; set by run

	mu      sync.Mutex   // guards what follows
	now     api.Snapshot // as the background process tells it
	running []*underway
}

// underway is a host whose turn it is.
type underway struct {
	links []string // on the way to it, once they are known
	clock *clock
	begun bool   // the command runs there
	stood string // where it stood when its time was over, see standing
}

// errInterrupted ends what a person has ended.
var errInterrupted = &api.Error{Code: codeInterrupted, Message: "not finished when it was interrupted"}

// errNotBegun is errInterrupted for a host whose turn had not come.
var errNotBegun = &api.Error{Code: codeInterrupted, Message: "not begun when it was interrupted"}

// run has at most so many hosts at a time, and returns how it ended on each, in
// their order.
func (f *fleet) run(ctx context.Context, hosts []api.Host, parallel int) []hostOutcome {
	following, enough := context.WithCancel(ctx)
	var follower, all sync.WaitGroup
	f.asking = following
	follower.Go(f.follow) // waited for below
	outcomes := make([]hostOutcome, len(hosts))
	turns := make(chan struct{}, parallel)
	for i, h := range hosts {
		select {
		case turns <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			outcomes[i] = f.told(hostOutcomeOf(h.Name, api.Exit{}, errNotBegun))
			continue
		}
		all.Go(func() {
			defer func() { <-turns }()
			began := time.Now()
			exit, err := f.host(ctx, h.Name)
			o := hostOutcomeOf(h.Name, exit, err)
			o.Seconds = time.Since(began).Round(time.Millisecond).Seconds()
			outcomes[i] = f.told(o)
		})
	}
	all.Wait()
	enough()
	follower.Wait()
	f.asker.wait()
	return outcomes
}

// told is an outcome that was printed where that is wanted.
func (f *fleet) told(o hostOutcome) hostOutcome {
	if err := f.out.ended(o); err != nil && o.Error == nil {
		o.End, o.Error = failed, api.AsError(err)
	}
	return o
}

// host runs the command on one host. An error tells why there is no exit.
func (f *fleet) host(ctx context.Context, name string) (api.Exit, error) {
	own, end := context.WithCancel(ctx)
	defer end()
	u := &underway{}
	u.clock = newClock(f.limit, func() {
		f.note(func() { u.stood = f.standing(u) }) // before the end changes it
		end()
	})
	f.enter(u)
	defer f.leave(u)
	exit, err := f.session(own, name, u)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		err = errInterrupted
	case own.Err() != nil:
		err = &api.Error{Code: codeTimeLimit, Message: fmt.Sprintf("not finished after %s%s", f.limit, u.stood)}
	}
	return exit, err
}

// lastWords is how long a command that was told to end may still write.
const lastWords = time.Second

// session runs the command to its end, or has it ended with ctx.
func (f *fleet) session(ctx context.Context, name string, u *underway) (api.Exit, error) {
	t, err := f.client.StartSession(ctx, f.request(name))
	if err != nil {
		return api.Exit{}, err
	}
	defer t.Close()
	f.reaches(u, t.Links())
	if err := t.Ready(ctx); err != nil {
		return api.Exit{}, err
	}
	f.note(func() { u.begun = true })
	attached, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	cut := context.AfterFunc(ctx, func() {
		time.AfterFunc(lastWords, leave)
		t.Signal("TERM") // a session that cannot have it ends a moment later
	})
	stdout, stderr := f.out.of(name)
	exit, err := t.Attach(attached, bytes.NewReader(f.input), stdout, stderr)
	err = errors.Join(err, stdout.flush(), stderr.flush())
	if !cut() {
		return exit, context.Cause(ctx)
	}
	return exit, err
}

// note runs what touches a host that is underway.
func (f *fleet) note(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// standing is which hop a host that has not begun waits for, and in what: an
// end of a sentence, "" where it is not known; mu is held.
func (f *fleet) standing(u *underway) string {
	if u.begun {
		return ""
	}
	for _, id := range u.links { // first hop first: the others wait for it
		i := slices.IndexFunc(f.now.Links, func(l api.Link) bool { return l.ID == id })
		if i < 0 || f.now.Links[i].State == api.LinkUp {
			continue
		}
		hop := fmt.Sprintf(", still connecting to %q", f.now.Links[i].Host)
		if step := f.now.Links[i].Step; step != "" {
			hop += ": " + step
		}
		return hop
	}
	return ""
}

// follow asks what has to be asked, to the end of the run.
func (f *fleet) follow() {
	f.client.Follow(f.asking, func(e api.Event) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.now.Apply(e)
		f.look()
	})
}

func (f *fleet) enter(u *underway) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running = append(f.running, u)
	f.wind()
}

func (f *fleet) leave(u *underway) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u.clock.stop()
	f.running = slices.DeleteFunc(f.running, func(other *underway) bool { return other == u })
}

// reaches tells by which links a host is reached: their questions are ours, also
// one that came before.
func (f *fleet) reaches(u *underway, links []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u.links = links
	f.look()
}

// look asks what is new; mu is held.
func (f *fleet) look() {
	f.asker.see(f.asking, f.now, f.links())
	f.wind()
}

// wind has the clocks stand still while a person is asked; mu is held.
func (f *fleet) wind() {
	links := f.links()
	asked := slices.ContainsFunc(f.now.Questions, func(q api.Question) bool { return slices.Contains(links, q.Link) })
	for _, u := range f.running {
		if asked {
			u.clock.stop()
		} else {
			u.clock.start()
		}
	}
}

// links are those of all hosts whose turn it is; mu is held.
func (f *fleet) links() (all []string) {
	for _, u := range f.running {
		all = append(all, u.links...)
	}
	return all
}
