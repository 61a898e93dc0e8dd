package daemon

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"

	"sallyport/api"
	"sallyport/internal/brisk"
	"sallyport/sessions"
	"sallyport/transport"
)

// postSession starts a session and, on the same connection, becomes its
// viewer: frames both ways until it ends or the viewer leaves.
func (d *daemon) postSession(w http.ResponseWriter, r *http.Request) {
	var req api.SessionRequest
	if !read(w, r, &req) || !upgrades(w, r) {
		return
	}
	chain, err := plan(req.Target)
	if err != nil {
		fail(w, http.StatusConflict, err)
		return
	}
	if req.Link != "" && !d.holds(chain, req.Link) {
		fail(w, http.StatusNotFound, &api.Error{Code: api.CodeNotFound, Message: "no connection is open by that way"})
		return
	}
	link := d.links.Get(chain, req.Target.Env)
	switch {
	case req.Await: // nobody asks anew: an old failure stands
	case !req.Since.IsZero():
		link.Forgive(req.Since)
	case link.Status().State == transport.Failed:
		link.Open() // somebody asks anew: an old failure does not count
	}
	req.Spec = sessions.Configured(link.Host().Host, req.Spec, req.TTY)
	recording, err := recordingOf(&req)
	if err != nil {
		fail(w, http.StatusConflict, err)
		return
	}
	d.serveViewer(w, func(ctx context.Context, v *viewer) {
		s := d.start(link, req)
		defer d.running.add(s)()
		if v.open(ctx, s, link.Chain()) && req.Keep && s.Status().PTY {
			d.shells.rejoined(s.Status())
			sh := sessions.Keep(d.ctx, s)
			d.shells.add(sh)
			if recording != nil {
				_ = sh.Record(recording) // it has no other, and has not begun
			}
			joined := sh.Join(req.View())
			sh.Begin()
			d.show(ctx, v, sh, joined)
			return
		}
		if recording != nil {
			recording.Discard()
		}
		v.run(ctx, s, req.Warn)
		d.shells.release(s.Status())
	})
}

// postView becomes a viewer of a session that is there.
func (d *daemon) postView(w http.ResponseWriter, r *http.Request) {
	var view sessions.View
	if !read(w, r, &view) || !upgrades(w, r) {
		return
	}
	sh := d.shells.find(r.PathValue("id"))
	if sh == nil {
		fail(w, http.StatusNotFound, errNoSession)
		return
	}
	view.TTY = api.Printable(view.TTY)
	d.serveViewer(w, func(ctx context.Context, v *viewer) {
		if v.out.WriteJSON(api.FrameHello, api.Hello{ID: sh.Status().ID, Name: sh.Status().Name}) == nil {
			v.listen(ctx)
			d.show(ctx, v, sh, sh.Join(view))
		}
	})
}

// upgrades refuses a request that is no upgrade to our protocol.
func upgrades(w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("Upgrade") == api.Protocol {
		return true
	}
	fail(w, http.StatusUpgradeRequired, &api.Error{Code: api.CodeBadRequest, Message: "a session needs an upgrade to " + api.Protocol})
	return false
}

// serveViewer takes the connection over for f, whose context ends when the
// viewer has gone.
func (d *daemon) serveViewer(w http.ResponseWriter, f func(context.Context, *viewer)) {
	conn, rest, err := http.NewResponseController(w).Hijack()
	if err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+api.Protocol+"\r\n\r\n"); err != nil {
		return // the viewer has gone
	}
	d.busy.add()
	defer d.busy.done()
	ctx, cancel := context.WithCancel(d.ctx)
	defer cancel()
	v := &viewer{conn: conn, in: rest, out: api.NewFrameWriter(conn), gone: cancel, bound: make(chan struct{}), typed: newFlow()}
	v.loan = newLoan(v.out, brisk.PeerPID(conn))
	defer context.AfterFunc(ctx, func() { v.loan.release(); conn.Close() })()
	f(ctx, v)
	conn.Close()
	v.running.Wait()
}

// holds tells whether the link of a chain is the one that is meant, and is up.
func (d *daemon) holds(chain transport.Chain, id string) bool {
	link := d.links.Find(id)
	return chain.ID() == id && link != nil && link.Status().State == transport.Up
}

// start begins the session that was asked for.
func (d *daemon) start(link *transport.Link, req api.SessionRequest) *sessions.Session {
	id := sessions.Identity{ID: rand.Text()[:12], Host: req.Target.Host, Config: req.Target.Config}
	if req.Keep {
		id.Name = d.shells.reserve(id.Host, id.ID)
	}
	var of sessions.Link = link
	if req.Await {
		of = kept{link}
	}
	return sessions.Start(d.ctx, of, id, req.Spec, req.Target.Env,
		func(s sessions.Status) { d.hub.post(api.Event{Session: &s}) })
}

// kept is a link that a session keeps: it does not give up where the host
// cannot be reached.
type kept struct{ *transport.Link }

func (k kept) Hold() (release func()) { return k.Keep() }

// show gives a shell to a viewer until either ends.
func (d *daemon) show(ctx context.Context, v *viewer, sh *sessions.Shell, joined *sessions.Viewer) {
	defer d.shells.left(sh)
	keys := shellKeys{d, sh, joined}
	v.loan.types = keys.Type
	v.bind(keys)
	if v.out.WriteJSON(api.FrameReady, api.Ready{PTY: true, Kept: true, Window: window}) != nil {
		v.gone()
	}
	exit, err := joined.Run(ctx, v.loan.shown(v.out.Stream(api.FrameStdout)), v.loan.apart(v.out.Stream(api.FrameStderr)))
	v.loan.release()
	switch {
	case err == nil:
		v.out.WriteJSON(api.FrameExit, exit) // the viewer may have gone
	case errors.Is(err, sessions.ErrDetached):
		v.out.Write(api.FrameDetach, nil) // likewise
	}
}

// viewer is the far end of an api.Terminal.
type viewer struct {
	conn    net.Conn
	in      io.Reader
	out     *api.FrameWriter
	gone    func()         // the viewer has left
	running sync.WaitGroup // of listen
	keys    keys           // set before bound is closed
	bound   chan struct{}
	typed   *flow
	loan    *loan

	mu    sync.Mutex // guards what follows, and the closing of bound
	ended bool       // the viewer has ended what it has not been bound to
}

// open waits until a session runs, and tells the viewer why it does not.
func (v *viewer) open(ctx context.Context, s *sessions.Session, links []string) bool {
	if v.out.WriteJSON(api.FrameHello, api.Hello{ID: s.Status().ID, Name: s.Status().Name, Links: links}) != nil {
		v.gone()
		return false
	}
	v.listen(ctx)
	if err := s.Ready(ctx); err != nil {
		v.out.WriteJSON(api.FrameExit, exitFor(s, err)) // the viewer may have gone
		v.gone()
		return false
	}
	return true
}

// run shows a session that ends with its viewer, ssh's warnings apart if it
// wants them so.
func (v *viewer) run(ctx context.Context, s *sessions.Session, apart bool) {
	defer s.Close()
	if ctx.Err() != nil {
		return
	}
	stdin := sessions.NewTyping()
	defer stdin.Close()
	v.bind(sessionKeys{s, stdin, v.gone})
	if v.out.WriteJSON(api.FrameReady, api.Ready{PTY: s.Status().PTY, Window: window}) != nil {
		return
	}
	if apart {
		s.WarnTo(v.out.Stream(api.FrameWarn))
	}
	exit, err := s.Attach(ctx, stdin, v.out.Stream(api.FrameStdout), v.out.Stream(api.FrameStderr))
	if err == nil || ctx.Err() == nil {
		v.out.WriteJSON(api.FrameExit, exit) // the viewer may have gone
	}
}

// exitFor says why a session did not begin.
func exitFor(s *sessions.Session, err error) sessions.Exit {
	if st := s.Status(); st.Exit != nil {
		return *st.Exit
	}
	e := api.AsError(err)
	return sessions.Exit{Status: 255, Failure: &transport.Failure{Code: e.Code, Message: e.Message}}
}

// listen takes the viewer's frames until it leaves.
func (v *viewer) listen(ctx context.Context) {
	v.running.Go(func() { v.typed.grant(ctx, v.out) })
	v.running.Go(func() { // ends when the connection does, which serveViewer closes
		defer v.gone()
		var buf []byte
		for {
			kind, payload, err := api.ReadFrame(v.in, buf)
			if err != nil {
				return
			}
			buf = payload
			if v.givesUp(kind) {
				return
			}
			select {
			case <-v.bound:
			case <-ctx.Done():
				return
			}
			v.receive(ctx, kind, payload)
		}
	})
}

// givesUp tells that a frame ends a session that does not run yet: it may never, as
// where nobody answers a question, and must not begin once somebody does.
func (v *viewer) givesUp(kind api.FrameKind) bool {
	if kind != api.FrameEnd && kind != api.FrameDetach {
		return false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	select {
	case <-v.bound:
		return false
	default:
		v.ended = true
		return true
	}
}

// bind says what the viewer's keys go to. What it has ended meanwhile ends.
func (v *viewer) bind(k keys) {
	v.mu.Lock()
	v.keys = k
	close(v.bound)
	ended := v.ended
	v.mu.Unlock()
	if ended {
		k.End()
	}
}
