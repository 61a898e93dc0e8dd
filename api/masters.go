package api

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"sallyport/config"
	"sallyport/mux"
)

// Master is a control socket on a ControlPath of the configuration: that of an
// ssh which shares its connection, or one that such an ssh has left behind.
// Who is attached to it only the master itself knows.
type Master struct {
	Hosts   []string    `json:"hosts"`         // aliases whose ControlPath it is, in file order; none if no file names them
	Path    string      `json:"path"`          //
	PID     int         `json:"pid,omitempty"` // of a live one
	State   MasterState `json:"state"`
	Since   time.Time   `json:"since"` // when it began to listen
	Problem string      `json:"problem,omitempty"`
}

// MasterState says whether a master can be used.
type MasterState string

const (
	MasterAlive    MasterState = "alive"    // it has said its process number
	MasterStale    MasterState = "stale"    // nobody listens any more
	MasterUnusable MasterState = "unusable" // somebody listens, see Problem
)

// Masters looks for the masters of all hosts, and in the same folders for
// those of hosts that no file names. It executes nothing.
func (v *Inventory) Masters(ctx context.Context) []Master {
	l := newLookout(v)
	return l.look(ctx, l.folders())
}

// changeRest is how long FollowMasters waits after a change: a socket is made
// under another name first (mux.c), and some folders are busy.
const changeRest = 100 * time.Millisecond

// FollowMasters calls f with what Masters finds, and again whenever that may
// have changed, until ctx ends. A master that is known is not asked again: each
// question would put off its ControlPersist. It costs nothing while nothing
// changes, nor where no ControlPath is set. A second call begins when the first
// has ended, and knows what that has found.
func (v *Inventory) FollowMasters(ctx context.Context, f func([]Master)) {
	v.following.Lock()
	defer v.following.Unlock()
	if v.lookout == nil {
		v.lookout = newLookout(v)
	}
	l := v.lookout
	if len(l.patterns) == 0 {
		return
	}
	l.begin()
	for ctx.Err() == nil {
		folders := l.folders()
		before := make(stamps, len(folders))
		for _, folder := range folders {
			before[folder] = stampOf(folder)
		}
		all := l.look(ctx, folders)
		if ctx.Err() != nil {
			return
		}
		f(all)
		l.attend(ctx, all)
		l.wait(ctx, before)
	}
}

// lookout finds masters, and remembers which it has asked. It belongs to one
// goroutine at a time.
type lookout struct {
	inventory *Inventory
	patterns  []config.ControlPath
	asked     map[string]answered // by path
	attended  map[string]int      // the masters whose end is waited for, by path
	ended     chan end
}

// end is that of a master. One that was not seen has no process here: it ended
// before it was waited for, or it is in another container. It is asked once
// more, and then left alone.
type end struct {
	path string
	seen bool
}

// answered is what a socket turned out to be.
type answered struct {
	stamp stamp
	Master
}

func newLookout(v *Inventory) *lookout {
	return &lookout{
		inventory: v,
		patterns:  v.cfg.ControlPaths(),
		asked:     make(map[string]answered),
		attended:  make(map[string]int),
		ended:     make(chan end),
	}
}

// begin forgets what belongs to a ctx that has ended, and what may have become
// usable since.
func (l *lookout) begin() {
	clear(l.attended)
	maps.DeleteFunc(l.asked, func(_ string, a answered) bool { return a.State == MasterUnusable })
}

// folders are those that hold control sockets. Only where one differs from
// host to host are all hosts resolved.
func (l *lookout) folders() []string {
	all := make(map[string]bool)
	for _, p := range l.patterns {
		if p.Folder != "" {
			all[absolute(p.Folder)] = true
			continue
		}
		for path := range l.inventory.controlPaths() {
			all[filepath.Dir(path)] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// absolute is a path as ssh, started here, would take it.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// sharers are the hosts of one ControlPath.
type sharers struct {
	place int // of the first in the files
	hosts []string
}

// controlPaths are the hosts of each ControlPath. They are found out once,
// when it is known that there is a socket: ten thousand take 0.1 seconds.
func (v *Inventory) controlPaths() map[string]*sharers {
	v.control.Do(func() {
		v.controls = make(map[string]*sharers)
		for i, name := range v.Names() {
			host, _ := v.cfg.Resolve(name, config.Match{}) // one that ssh refuses may have a master from before
			path := host.ControlPath()
			if path == "" {
				continue
			}
			path = absolute(path)
			if v.controls[path] == nil {
				v.controls[path] = &sharers{place: i}
			}
			v.controls[path].hosts = append(v.controls[path].hosts, name)
		}
	})
	return v.controls
}

// askedAtOnce bounds how many sockets are asked at the same time.
const askedAtOnce = 8

// look asks the sockets that it does not know yet.
func (l *lookout) look(ctx context.Context, folders []string) []Master {
	sockets := l.sockets(folders)
	maps.DeleteFunc(l.asked, func(path string, a answered) bool { return !a.stamp.same(sockets[path]) })
	maps.DeleteFunc(sockets, func(path string, _ stamp) bool { _, known := l.asked[path]; return known })
	var mu sync.Mutex // guards l.asked
	var wg sync.WaitGroup
	turn := make(chan struct{}, askedAtOnce)
	for path, stamp := range sockets {
		turn <- struct{}{}
		wg.Go(func() {
			defer func() { <-turn }()
			m, there := ask(ctx, path)
			mu.Lock()
			defer mu.Unlock()
			if m.Since = stamp.modified; there && ctx.Err() == nil {
				l.asked[path] = answered{stamp, m}
			}
		})
	}
	wg.Wait()
	return l.masters()
}

// sockets are those in the folders that a ControlPath may mean.
func (l *lookout) sockets(folders []string) map[string]stamp {
	found := make(map[string]stamp)
	for _, folder := range folders {
		entries, _ := os.ReadDir(folder) // a folder that is not there has no sockets
		for _, e := range entries {
			if e.Type() == fs.ModeSocket && l.matches(folder, e.Name()) {
				path := filepath.Join(folder, e.Name())
				found[path] = stampOf(path)
			}
		}
	}
	return found
}

// matches keeps the sockets of other programs from being asked.
func (l *lookout) matches(folder, name string) bool {
	return slices.ContainsFunc(l.patterns, func(p config.ControlPath) bool {
		ok, err := filepath.Match(p.Name, name)
		return err == nil && ok && (p.Folder == "" || absolute(p.Folder) == folder)
	})
}

// ask tells what a socket is, and whether it is there.
func ask(ctx context.Context, path string) (m Master, there bool) {
	ctx, cancel := inTime(ctx, answerLimit)
	defer cancel()
	m = Master{Hosts: []string{}, Path: path, State: MasterAlive}
	client, err := mux.Dial(ctx, path)
	if err == nil {
		defer client.Close()
		m.PID, err = client.Alive(ctx)
	}
	switch {
	case errors.Is(err, mux.ErrAbsent), errors.Is(err, mux.ErrUnsupported):
		return m, false
	case errors.Is(err, mux.ErrStale):
		m.State = MasterStale
	case err != nil:
		m.State, m.Problem = MasterUnusable, Printable(err.Error())
	}
	return m, true
}

// masters are those that were asked, in the order of the hosts; then those of
// hosts that no file names. A socket of nobody's that is no master is left out.
func (l *lookout) masters() []Master {
	all := []Master{}
	place := make(map[string]int)
	for path, a := range l.asked {
		place[path] = math.MaxInt
		if of := l.inventory.controlPaths()[path]; of != nil {
			a.Hosts, place[path] = of.hosts, of.place
		}
		if a.State == MasterUnusable && len(a.Hosts) == 0 {
			continue
		}
		all = append(all, a.Master)
	}
	slices.SortFunc(all, func(a, b Master) int {
		return cmp.Or(cmp.Compare(place[a.Path], place[b.Path]), cmp.Compare(a.Path, b.Path))
	})
	return all
}

// attend waits for the end of masters: one that is killed leaves its socket as
// it was.
func (l *lookout) attend(ctx context.Context, all []Master) {
	for _, m := range all {
		if m.State != MasterAlive || l.attended[m.Path] == m.PID {
			continue
		}
		l.attended[m.Path] = m.PID
		go func() { // ends with the process, or with ctx
			err := AwaitEnd(ctx, m.PID)
			select {
			case l.ended <- end{m.Path, err == nil}:
			case <-ctx.Done():
			}
		}()
	}
}

// wait returns when a folder is not as it was before, a master has ended, or
// ctx has.
func (l *lookout) wait(ctx context.Context, before stamps) {
	w := newWatcher()
	defer w.close()
	w.follow(before)
	for again := false; !again && !before.changed(); {
		select {
		case <-ctx.Done():
			return
		case e := <-l.ended:
			delete(l.asked, e.path)
			if e.seen {
				delete(l.attended, e.path)
			}
			again = true
		case e := <-w.events(): // which a coarse clock may not show
			_, ours := before[filepath.Dir(e.Name)]
			again = ours && e.Has(fsnotify.Create|fsnotify.Remove|fsnotify.Rename)
		case <-w.look.C:
		}
	}
	select {
	case <-ctx.Done():
	case <-time.After(changeRest):
	}
}
