package daemon

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"sallyport/api"
	"sallyport/tunnels"
)

// maxBody is the largest request body, in bytes: an environment and a command
// line, which ARG_MAX bounds to 2 MiB on Linux.
const maxBody = 8 << 20

// handler is the API over HTTP; see package api for the types.
func (d *daemon) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/snapshot", d.getSnapshot)
	mux.HandleFunc("GET /v1/watch", d.getWatch)
	mux.HandleFunc("GET /v1/tunnels/{id}", d.getTunnel)
	mux.HandleFunc("POST /v1/tunnels", d.postTunnel)
	mux.HandleFunc("POST /v1/links", d.postLink)
	mux.HandleFunc("DELETE /v1/links/{id}", d.deleteLink)
	mux.HandleFunc("POST /v1/links/{id}/share", d.postShare)
	mux.HandleFunc("GET /v1/served", d.getServed)
	mux.HandleFunc("POST /v1/sessions", d.postSession)
	mux.HandleFunc("POST /v1/sessions/{id}/view", d.postView)
	mux.HandleFunc("POST /v1/sessions/{id}/log", d.postLog)
	mux.HandleFunc("DELETE /v1/sessions/{id}/log", d.deleteLog)
	mux.HandleFunc("DELETE /v1/sessions/{id}", d.deleteSession)
	mux.HandleFunc("POST /v1/borrowed", d.postBorrowed)
	mux.HandleFunc("POST /v1/questions/{id}", d.postAnswer)
	mux.HandleFunc("POST /v1/pages", d.postPage)
	mux.HandleFunc("POST /v1/stop", d.postStop)
	mux.HandleFunc("POST /v1/restart", d.postRestart)
	return mux
}

func (d *daemon) getSnapshot(w http.ResponseWriter, _ *http.Request) {
	s := d.hub.state()
	for i, t := range s.Tunnels {
		if exact, ok := d.forwards.status(t.ID); ok {
			s.Tunnels[i] = exact
		}
	}
	for i, now := range s.Sessions {
		if sh := d.shells.find(now.ID); sh != nil {
			s.Sessions[i] = sh.Status()
		}
	}
	reply200(w, s)
}

// getWatch streams the snapshot and then every event, one JSON object a line.
func (d *daemon) getWatch(w http.ResponseWriter, r *http.Request) {
	watcher, ok := d.hub.watch()
	if !ok {
		fail(w, http.StatusServiceUnavailable, errStopping)
		return
	}
	defer d.hub.unwatch(watcher)
	d.busy.add()
	defer d.busy.done()
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := http.NewResponseController(w)
	enc := json.NewEncoder(w)
	for {
		select {
		case <-r.Context().Done():
			return
		case e, ok := <-watcher.events:
			if !ok {
				return // fell behind, or the process ends: the client starts again
			}
			if enc.Encode(e) != nil || len(watcher.events) == 0 && out.Flush() != nil {
				return
			}
		}
	}
}

// getTunnel tells all about one tunnel, its single connections among it.
func (d *daemon) getTunnel(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if record, ok := d.forwards.record(id); ok {
		reply200(w, record)
		return
	}
	for _, t := range d.hub.state().Tunnels { // one that could not be opened
		if t.ID == id {
			reply200(w, tunnels.Record{Status: t})
			return
		}
	}
	fail(w, http.StatusNotFound, &api.Error{Code: api.CodeNotFound, Message: "there is no such tunnel"})
}

func (d *daemon) postTunnel(w http.ResponseWriter, r *http.Request) {
	var req api.TunnelRequest
	if !read(w, r, &req) {
		return
	}
	status, err := d.forwards.set(req)
	if err != nil {
		fail(w, http.StatusConflict, err)
		return
	}
	reply200(w, status)
}

func (d *daemon) postLink(w http.ResponseWriter, r *http.Request) {
	var t api.Target
	if !read(w, r, &t) {
		return
	}
	chain, err := plan(t)
	if err != nil {
		fail(w, http.StatusConflict, err)
		return
	}
	link := d.links.Get(chain, t.Env)
	link.Open()
	reply200(w, link.Status())
}

func (d *daemon) deleteLink(w http.ResponseWriter, r *http.Request) {
	link := d.links.Find(r.PathValue("id"))
	if link == nil {
		fail(w, http.StatusNotFound, &api.Error{Code: api.CodeNotFound, Message: "there is no such connection"})
		return
	}
	link.Close()
	reply200(w, link.Status())
}

func (d *daemon) postAnswer(w http.ResponseWriter, r *http.Request) {
	var req api.AnswerRequest
	if !read(w, r, &req) {
		return
	}
	if !d.questions.answer(r.PathValue("id"), reply{req.Answer, req.Cancel, req.Nobody}) {
		fail(w, http.StatusNotFound, &api.Error{Code: api.CodeNotFound, Message: "the question has been answered, or is not asked any more"})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (d *daemon) postStop(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusAccepted)
	http.NewResponseController(w).Flush() // before the server closes; a client that has gone does not need it
	d.stop(errStopped)
}

var (
	errStopping = &api.Error{Code: api.CodeNoDaemon, Message: "the background process is stopping"}
	errStopped  = errors.New("stopped on request")
)

// read decodes a request; on failure it has answered. The body may hold
// secrets and is wiped.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	defer clear(body)
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		fail(w, http.StatusBadRequest, &api.Error{Code: api.CodeBadRequest, Message: "reading the request: " + api.Printable(err.Error())})
		return false
	}
	return true
}

func reply200(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v) // a client that has gone does not need it
}

func fail(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(api.AsError(err)) // likewise
}
