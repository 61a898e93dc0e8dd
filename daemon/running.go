package daemon

import (
	"net/http"
	"sync"

	"sallyport/api"
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

// deleteSession ends a session; its viewer is told as of any other end.
func (d *daemon) deleteSession(w http.ResponseWriter, r *http.Request) {
	s := d.running.find(r.PathValue("id"))
	if s == nil {
		fail(w, http.StatusNotFound, &api.Error{Code: api.CodeNotFound, Message: "there is no such session"})
		return
	}
	s.Close()
	w.WriteHeader(http.StatusNoContent)
}
