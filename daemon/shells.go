package daemon

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"sallyport/api"
	"sallyport/sessions"
)

// shells are the sessions that outlive their viewers, and the last screens of
// those that ended while nobody saw it or with their connection.
type shells struct {
	hub *hub

	mu      sync.Mutex // guards what follows
	all     []*sessions.Shell
	names   map[string]string // ID by name, also of sessions that do not run yet
	retired bool              // nobody can come back to one
}

// endedLimit is how many last screens are kept.
const endedLimit = 20

func newShells(h *hub) *shells { return &shells{hub: h, names: make(map[string]string)} }

// reserve finds a name for a shell on a host: that of the host, or with a
// number behind it.
func (s *shells) reserve(host, id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := host
	for n := 2; s.names[name] != ""; n++ {
		name = host + "-" + strconv.Itoa(n)
	}
	s.names[name] = id
	return name
}

// release forgets a session and its name.
func (s *shells) release(of sessions.Status) {
	s.mu.Lock()
	if s.names[of.Name] == of.ID {
		delete(s.names, of.Name)
	}
	if i := slices.IndexFunc(s.all, func(sh *sessions.Shell) bool { return sh.Session.Status().ID == of.ID }); i >= 0 {
		s.all[i].Forget()
		s.all = slices.Delete(s.all, i, i+1)
	}
	s.mu.Unlock()
	s.hub.post(api.Event{SessionGone: of.ID})
}

// add keeps a shell until it is dismissed, or has ended and somebody has seen
// that.
func (s *shells) add(sh *sessions.Shell) {
	s.mu.Lock()
	s.all = append(s.all, sh)
	s.mu.Unlock()
	go func() { // ends with the shell
		<-sh.Over()
		if exit := sh.Status().Exit; sh.Watched() && exit.Failure == nil || s.isRetired() {
			s.release(sh.Status())
			return
		}
		s.dropOldest()
	}()
}

// dropOldest keeps the last screens of no more than endedLimit.
func (s *shells) dropOldest() {
	s.mu.Lock()
	ended := slices.DeleteFunc(slices.Clone(s.all), goesOn)
	s.mu.Unlock()
	for i := range len(ended) - endedLimit {
		s.release(ended[i].Status())
	}
}

// rejoined forgets those that have ended where a keeper on their host went on,
// to which somebody has come back.
func (s *shells) rejoined(now sessions.Status) {
	if now.KeptAs == nil {
		return
	}
	s.mu.Lock()
	before := slices.DeleteFunc(slices.Clone(s.all), goesOn)
	s.mu.Unlock()
	for _, sh := range before {
		if was := sh.Status(); was.Waits() && was.Host == now.Host && was.Config == now.Config && *was.KeptAs == *now.KeptAs {
			s.release(was)
		}
	}
}

func goesOn(sh *sessions.Shell) bool {
	select {
	case <-sh.Over():
		return false
	default:
		return true
	}
}

// find is the shell with an ID, nil if there is none.
func (s *shells) find(id string) *sessions.Shell {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sh := range s.all {
		if sh.Session.Status().ID == id {
			return sh
		}
	}
	return nil
}

func (s *shells) none() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all) == 0
}

func (s *shells) isRetired() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.retired
}

// open are the names of those that run.
func (s *shells) open() (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sh := range s.all {
		if goesOn(sh) {
			names = append(names, sh.Session.Status().Name)
		}
	}
	return names
}

// retire ends the shells that nobody looks at, since nobody can any more, and
// from now on each whose last viewer leaves.
func (s *shells) retire() {
	s.mu.Lock()
	s.retired = true
	all := slices.Clone(s.all)
	s.mu.Unlock()
	for _, sh := range all {
		s.left(sh)
	}
}

// left is told that a viewer has left.
func (s *shells) left(sh *sessions.Shell) {
	if s.isRetired() && len(sh.Status().Viewers) == 0 {
		sh.Close()
	}
}

// mayEnd refuses to end shells that are open, unless that is asked for.
func (s *shells) mayEnd(asked bool) error {
	names := s.open()
	if asked || len(names) == 0 {
		return nil
	}
	what := "the shell " + quoted(names) + " is"
	if len(names) > 1 {
		what = fmt.Sprintf("%d shells (%s) are", len(names), quoted(names))
	}
	return &api.Error{
		Code:    api.CodeBusy,
		Message: what + " open, and cannot be handed over to another background process: those that nobody looks at would end, the others when they are left",
		Hints:   []string{"sallyport sessions", "sallyport daemon restart --end-shells"},
	}
}

func quoted(names []string) string {
	for i, n := range names {
		names[i] = strconv.Quote(api.Printable(n))
	}
	return strings.Join(names, ", ")
}

var errNoSession = &api.Error{
	Code: api.CodeNotFound, Message: "there is no such session",
	Hints: []string{"sallyport sessions"},
}

// dismiss ends a shell, and forgets its last screen.
func (d *daemon) dismiss(sh *sessions.Shell) {
	sh.Close()
	d.shells.release(sh.Status())
}
