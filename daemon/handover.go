package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"sallyport/api"
	"sallyport/mux"
	"sallyport/tunnels"
)

// A background process of another version takes over from the one that runs:
//
//	client               this process                         the next one
//	  | POST /v1/restart      |                                     |
//	  |---------------------->| starts it, with a socket as fd 3    |
//	  |                       |------------------------------------>|
//	  |                       |                    "ready": it could start
//	  |                       |<------------------------------------|
//	  |       202             | accepts nothing any more            |
//	  |<----------------------| each listener, by its tunnel's ID   |
//	  |                       |------------------------------------>|
//	  |                       | frees the lock; EOF                 | takes the lock,
//	                          | ends with its last connection       | accepts, serves
//
// The listeners are never closed: whoever connects in between waits in the
// kernel's queue. What is open already stays with the old process to its end.

// heir is the next background process, which waits for the listeners.
type heir struct {
	*net.UnixConn
	pid int
}

// SuccessorFD is the descriptor on which a process that is to take over
// finds the socket to the one before it.
const SuccessorFD = 3

// takeOverFlag of "daemon run" says that there is such a socket.
const takeOverFlag = "--take-over"

// errNoHeir is for Windows.
var errNoHeir = &api.Error{
	Code:    api.CodeInternal,
	Message: "on this system a background process cannot hand its ports over to the next one",
	Hints:   []string{"sallyport daemon stop; the next one starts when it is needed"},
}

// errReplaced is the end of a process that another has taken over from.
var errReplaced = errors.New("replaced by another process")

func (d *daemon) postRestart(w http.ResponseWriter, r *http.Request) {
	var req api.RestartRequest
	if !read(w, r, &req) {
		return
	}
	if err := d.shells.mayEnd(req.EndShells); err != nil {
		fail(w, http.StatusConflict, err)
		return
	}
	next, err := d.startHeir(r.Context(), req.Program)
	if err != nil {
		fail(w, http.StatusConflict, err)
		return
	}
	select {
	case d.heirs <- next:
	default:
		next.Close() // it ends without having begun
		fail(w, http.StatusConflict, errStopping)
		return
	}
	announce(next.pid)
	w.WriteHeader(http.StatusAccepted)
	http.NewResponseController(w).Flush() // as postStop
	d.retire()
}

// startHeir starts the next background process and waits until it is ready to
// take over, so that one that cannot start changes nothing.
func (d *daemon) startHeir(ctx context.Context, program string) (*heir, error) {
	ours, theirs, err := mux.SocketPair()
	if errors.Is(err, mux.ErrUnsupported) {
		return nil, errNoHeir
	}
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	cmd := exec.Command(program, "daemon", "run", takeOverFlag)
	cmd.ExtraFiles = []*os.File{theirs} // the first is SuccessorFD
	ended, err := spawn(d.dirs, cmd, os.Environ())
	if err != nil {
		ours.Close()
		return nil, fmt.Errorf("starting %q: %w", program, err)
	}
	theirs.Close() // so that its end is seen
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	defer context.AfterFunc(ctx, func() { ours.SetReadDeadline(time.Now()) })()
	if _, err := ours.Read(make([]byte, 1)); err == nil {
		return &heir{ours, cmd.Process.Pid}, nil
	}
	ours.Close()
	select {
	case words := <-ended:
		return nil, &api.Error{Code: api.CodeInternal, Message: "the new background process ended at once, the old one goes on: " + api.Printable(words)}
	case <-ctx.Done():
		return nil, &api.Error{Code: api.CodeInternal, Message: fmt.Sprintf("the new background process was not ready within %s, the old one goes on", startLimit)}
	}
}

// announce tells the service manager which process is the service now
// (sd_notify(3)); where none asks for it nothing is said.
func announce(pid int) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	if name, abstract := strings.CutPrefix(path, "@"); abstract {
		path = "\x00" + name
	}
	conn, err := net.Dial("unixgram", path)
	if err != nil {
		return // a manager that is gone has no service
	}
	defer conn.Close()
	_, _ = fmt.Fprintf(conn, "MAINPID=%d\nREADY=1", pid) // likewise
}

// bequeath gives the listeners to next.
func (d *daemon) bequeath(next *heir) {
	defer next.Close()
	d.masters.stopListening()
	given := 0
	for id, files := range d.forwards.handOver() {
		for _, f := range files {
			if err := sendFile(next.UnixConn, id, f); err != nil {
				d.log.Warn("a listener was not handed over", "tunnel", id, "error", err)
			} else {
				given++
			}
			f.Close()
		}
	}
	d.log.Info("replaced", "by", next.pid, "listeners", given)
}

// drain waits for the ends of all that is still open, which nobody else can
// serve.
func (d *daemon) drain(ctx context.Context) {
	d.shells.retire()
	d.forwards.wait(ctx)
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for d.busy.clients.Load() > 0 {
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

// inherit says that this process is ready and takes the listeners of the one
// before, until that one has none left or has died.
func inherit(from *os.File) (map[string][]net.Listener, error) {
	conn, err := net.FileConn(from)
	from.Close()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	before, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, fmt.Errorf("descriptor %d is no socket of a background process", SuccessorFD)
	}
	if _, err := before.Write([]byte{1}); err != nil {
		return nil, err
	}
	inherited := make(map[string][]net.Listener)
	for {
		id, f, err := receiveFile(before)
		if err != nil {
			return inherited, nil // EOF; after anything else the rest is bound anew
		}
		l, err := tunnels.Inherit(f)
		f.Close()
		if err == nil {
			inherited[id] = append(inherited[id], l)
		}
	}
}
