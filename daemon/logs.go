package daemon

import (
	"net/http"

	"sallyport/api"
	"sallyport/sessions"
)

// recordingOf makes the file that a request wants the output to go to, nil if
// it wants none. The session has to have a terminal then.
func recordingOf(req *api.SessionRequest) (*sessions.Recording, error) {
	if req.Log == nil {
		return nil, nil
	}
	if !req.Keep || !req.Spec.PTY {
		return nil, &api.Error{
			Code: api.CodeBadRequest, Message: "a log is of a session with a terminal, which this one does not get",
			Hints: []string{"-t before the host asks for one; without, the output can be redirected: sallyport HOST COMMAND | tee FILE"},
		}
	}
	req.Spec.NeedPTY = true
	return sessions.Record(*req.Log)
}

// postLog has the output of a shell go to a file.
func (d *daemon) postLog(w http.ResponseWriter, r *http.Request) {
	var to sessions.Recorded
	if !read(w, r, &to) {
		return
	}
	sh := d.shells.find(r.PathValue("id"))
	if sh == nil {
		fail(w, http.StatusNotFound, errNoSession)
		return
	}
	recording, err := sessions.Record(to)
	if err == nil {
		if err = sh.Record(recording); err != nil {
			recording.Discard()
		}
	}
	if err != nil {
		fail(w, http.StatusConflict, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// deleteLog ends that file.
func (d *daemon) deleteLog(w http.ResponseWriter, r *http.Request) {
	sh := d.shells.find(r.PathValue("id"))
	if sh == nil || !sh.StopRecording() {
		fail(w, http.StatusNotFound, &api.Error{Code: api.CodeNotFound, Message: "the shell has no log"})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
