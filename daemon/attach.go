package daemon

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net"
	"net/http"

	"sallyport/api"
	"sallyport/sessions"
	"sallyport/transport"
)

// postSession starts a session and, on the same connection, becomes its
// viewer: frames both ways until it ends.
func (d *daemon) postSession(w http.ResponseWriter, r *http.Request) {
	var req api.SessionRequest
	if !read(w, r, &req) {
		return
	}
	if r.Header.Get("Upgrade") != api.Protocol {
		fail(w, http.StatusUpgradeRequired, &api.Error{Code: api.CodeBadRequest, Message: "a session needs an upgrade to " + api.Protocol})
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
	if !req.Since.IsZero() {
		link.Forgive(req.Since)
	} else if link.Status().State == transport.Failed {
		link.Open() // somebody asks anew: an old failure does not count
	}
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
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	v := &viewer{conn: conn, in: rest, out: api.NewFrameWriter(conn), gone: cancel}
	s := d.start(ctx, link, req)
	defer d.running.add(s)()
	v.run(ctx, s, link.Chain())
	d.hub.post(api.Event{SessionGone: s.Status().ID})
}

// holds tells whether the link of a chain is the one that is meant, and is up.
func (d *daemon) holds(chain transport.Chain, id string) bool {
	link := d.links.Find(id)
	return chain.ID() == id && link != nil && link.Status().State == transport.Up
}

// start begins the session that was asked for, as the host's configuration
// has it where the request does not say.
func (d *daemon) start(ctx context.Context, link *transport.Link, req api.SessionRequest) *sessions.Session {
	spec := sessions.Configured(link.Host().Host, req.Spec, req.TTY)
	id := sessions.Identity{ID: rand.Text()[:12], Host: req.Target.Host, Config: req.Target.Config}
	return sessions.Start(ctx, link, id, spec, req.Target.Env,
		func(s sessions.Status) { d.hub.post(api.Event{Session: &s}) })
}

// viewer is the far end of an api.Terminal.
type viewer struct {
	conn net.Conn
	in   io.Reader
	out  *api.FrameWriter
	gone func() // the viewer has left
}

func (v *viewer) run(ctx context.Context, s *sessions.Session, links []string) {
	defer s.Close()
	if v.out.WriteJSON(api.FrameHello, api.Hello{ID: s.Status().ID, Links: links}) != nil {
		return
	}
	stdin, typed := io.Pipe()
	received := make(chan struct{})
	go func() { // ends when the connection does, at the latest by postSession
		defer close(received)
		v.receive(s, typed)
	}()
	defer func() { v.conn.Close(); stdin.Close(); <-received }()

	if err := s.Ready(ctx); err != nil {
		v.out.WriteJSON(api.FrameExit, exitFor(s, err)) // the viewer may have gone
		return
	}
	if v.out.WriteJSON(api.FrameReady, api.Ready{PTY: s.Status().PTY}) != nil {
		return
	}
	exit, err := s.Attach(ctx, stdin, v.out.Stream(api.FrameStdout), v.out.Stream(api.FrameStderr))
	if err == nil || ctx.Err() == nil {
		v.out.WriteJSON(api.FrameExit, exit) // likewise
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

// receive takes the viewer's frames until it leaves.
func (v *viewer) receive(s *sessions.Session, typed *io.PipeWriter) {
	defer v.gone()
	defer typed.Close()
	var buf []byte
	for {
		kind, payload, err := api.ReadFrame(v.in, buf)
		if err != nil {
			return
		}
		buf = payload
		switch kind {
		case api.FrameStdin:
			if len(payload) == 0 {
				typed.Close()
				continue
			}
			typed.Write(payload) // fails once the session takes no more input
			clear(payload)       // what is typed may be a secret
		case api.FrameResize:
			var size sessions.Size
			if json.Unmarshal(payload, &size) == nil {
				s.Resize(size)
			}
		case api.FrameSignal:
			s.Signal(string(payload))
		case api.FrameBreak:
			s.Break(sessions.BreakLength)
		}
	}
}
