package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"sallyport/api"
	"sallyport/mux"
	"sallyport/transport"
)

// masters are the control sockets by which clients of ssh use our links: where
// ControlMaster and ControlPath of a host say so, and where somebody asked for
// one. Only native connections are shared so: another's has a master already.
//
// A socket lives as long as its connection. Where ssh would keep the
// connection by ControlPersist, so do we; with ControlPersist no it is kept
// while it has clients, and then as any other link.
type masters struct {
	ctx       context.Context // ends all of them
	hub       *hub
	links     *transport.Links
	forwards  *forwards
	questions *questions
	busy      *activity
	log       *slog.Logger
	dir       string // of the sockets that were asked for

	mu     sync.Mutex         // guards all below, and wg.Add against close
	byLink map[string]*master // the latest of each link that is up
	asked  map[string]bool    // the links that have a socket of their own
	left   bool               // nobody is to listen any more
	wg     sync.WaitGroup
}

func newMasters(d *daemon) *masters {
	return &masters{
		ctx: d.ctx, hub: d.hub, links: d.links, forwards: d.forwards, questions: d.questions, busy: d.busy, log: d.log, dir: d.dirs.Runtime,
		byLink: map[string]*master{}, asked: map[string]bool{},
	}
}

// linkChanged begins and ends the serving of a link.
func (ms *masters) linkChanged(s transport.LinkStatus) {
	link := ms.links.Find(s.ID)
	if link == nil {
		return
	}
	var conn *transport.Conn
	if s.State == transport.Up {
		conn = link.Current()
	}
	ms.mu.Lock()
	defer ms.mu.Unlock()
	if m := ms.byLink[s.ID]; m != nil {
		if m.conn == conn {
			m.setUsers(s.Users)
			return
		}
		delete(ms.byLink, s.ID)
		m.stop()
	}
	if conn != nil && conn.Kind() == transport.Native {
		ms.serve(link, conn, ms.place(link, s.ID))
	}
}

// place is where a link is to listen, "" for nowhere. The caller holds mu.
func (ms *masters) place(link *transport.Link, id string) string {
	path := link.MasterPath()
	if path == "" && ms.asked[id] {
		path = ms.private(id)
	}
	return path
}

// privatePattern is of the names of the sockets that were asked for.
const privatePattern = "mux-*"

func (ms *masters) private(id string) string {
	return filepath.Join(ms.dir, strings.Replace(privatePattern, "*", id, 1))
}

// clearMasters takes away what a process that was killed has left. The caller
// has the lock.
func clearMasters(dir string) {
	left, _ := filepath.Glob(filepath.Join(dir, privatePattern)) // the only error is a bad pattern
	for _, path := range left {
		mux.RemoveStale(path)
	}
}

// serve begins to listen. That it cannot is told once, and no harm to the
// link: ssh, too, goes on without. The caller holds mu.
func (ms *masters) serve(link *transport.Link, conn *transport.Conn, path string) {
	if path == "" || ms.left || ms.ctx.Err() != nil {
		return
	}
	m := newMaster(ms, link, conn, path)
	ms.byLink[m.id] = m
	ms.open(m)
}

// open has a master listen. The caller holds mu.
func (ms *masters) open(m *master) {
	l, err := mux.Listen(m.path)
	if err != nil {
		m.problem = err
		ms.log.Warn("not shared", "host", m.host.Name, "error", err)
		return
	}
	m.listen(l)
	ms.wg.Go(func() { // ends by stop
		if err := mux.Serve(m.ctx, l, m); err != nil {
			ms.log.Warn("sharing ended", "host", m.host.Name, "error", err)
		}
	})
}

// stopListening has another process take the names of the sockets. Clients
// that are there go on.
func (ms *masters) stopListening() {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	ms.left = true
	for _, m := range ms.byLink {
		m.hush()
	}
}

// close ends all.
func (ms *masters) close() {
	ms.mu.Lock()
	ms.left = true
	for _, m := range ms.byLink {
		m.stop()
	}
	clear(ms.byLink)
	ms.mu.Unlock()
	ms.wg.Wait()
}

// list are all that listen or have clients, oldest first.
func (ms *masters) list() []api.Served {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	all := []api.Served{}
	for _, m := range ms.byLink {
		if m.problem == nil && m.shown() {
			all = append(all, m.served())
		}
	}
	slices.SortFunc(all, func(a, b api.Served) int { return a.Since.Compare(b.Since) })
	return all
}

func (d *daemon) getServed(w http.ResponseWriter, _ *http.Request) { reply200(w, d.masters.list()) }

func (d *daemon) postShare(w http.ResponseWriter, r *http.Request) {
	served, err := d.masters.share(r.PathValue("id"))
	if err != nil {
		fail(w, http.StatusConflict, err)
		return
	}
	reply200(w, served)
}

// share has a link listen, now and whenever it is up, and tells where. One
// that OpenSSH holds has a master already.
func (ms *masters) share(id string) (api.Served, error) {
	link := ms.links.Find(id)
	if link == nil {
		return api.Served{}, &api.Error{Code: api.CodeNotFound, Message: "there is no such connection"}
	}
	s := link.Status()
	conn := link.Current()
	if conn == nil {
		return api.Served{}, &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf("the connection to %s is not up", s.Host)}
	}
	if path := conn.Control(); path != "" {
		return api.Served{Link: id, Host: s.Host, Path: path, Since: s.Since, Clients: []api.Guest{}}, nil
	}
	ms.mu.Lock()
	defer ms.mu.Unlock()
	m := ms.byLink[id]
	if m != nil && m.conn == conn && m.problem == nil && !ms.left && !m.listens() {
		ms.open(m) // ssh -O stop had ended it
	}
	if m == nil || m.conn != conn { // it is new, and was not heard of yet
		ms.asked[id] = true
		ms.serve(link, conn, ms.place(link, id))
		m = ms.byLink[id]
	}
	if m != nil && m.conn == conn && m.problem != nil { // where the configuration says, another one listens
		ms.asked[id] = true
		ms.serve(link, conn, ms.private(id))
		m = ms.byLink[id]
	}
	if m == nil || m.conn != conn {
		return api.Served{}, errStopping
	}
	if m.problem != nil {
		return api.Served{}, notShared(s.Host, m.problem)
	}
	return m.served(), nil
}

// notShared says why nobody listens.
func notShared(host string, err error) error {
	e := &api.Error{Code: api.CodeInternal, Message: fmt.Sprintf("the connection to %s is not shared: %s", host, api.Printable(err.Error()))}
	if !errors.Is(err, mux.ErrUnsupported) {
		e.Hints = []string{"sallyport daemon status"}
	}
	return e
}

// persistence is how long a connection stays without clients, by
// ControlPersist: forever, for a time, or as any other link.
func persistence(value string) (limit time.Duration, forever bool) {
	switch value {
	case "", "no":
		return 0, false
	case "yes", "0":
		return 0, true
	}
	limit, err := time.ParseDuration(value + "s")
	if err != nil {
		return 0, false // config has refused what is no time
	}
	return limit, false
}
