package daemon

import (
	"net/http"
	"sync"

	"sallyport/sessions"
)

// running are the sessions that have a viewer, by ID.
type running struct {
	mu   sync.Mutex // guards byID
	byID map[string]*sessions.Session
}

func newRunning() *running { return &running{byID: make(map[string]*sessions.Session)} }

// add keeps a session until forget is called.
func (r *running) add(s *sessions.Session) (forget func()) {
	id := s.Status().ID
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byID[id] = s
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.byID, id)
	}
}

// find is the session with that ID, nil if there is none.
func (r *running) find(id string) *sessions.Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.byID[id]
}

// deleteSession ends a session, or dismisses the last screen of a shell; its
// viewers are told as of any other end.
func (d *daemon) deleteSession(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if sh := d.shells.find(id); sh != nil {
		d.dismiss(sh)
	} else if s := d.running.find(id); s != nil {
		s.Close()
	} else {
		fail(w, http.StatusNotFound, errNoSession)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
