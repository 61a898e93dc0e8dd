package ui

import (
	"context"
	"strconv"

	"sallyport/api"
)

// boardItem is the tunnel under the cursor of the page, nil if there is none.
func (s *screen) boardItem() *item {
	at := places(s.board.rows)
	if len(at) == 0 {
		return nil
	}
	return s.board.rows[at[s.board.cursor(s.board.rows, at)]].item
}

func noTunnel(s *screen) string {
	if s.boardItem() == nil {
		return "No host has a tunnel yet: n makes one."
	}
	return ""
}

// noPage is why there is nothing to open in a browser.
func noPage(s *screen) string {
	if reason := noTunnel(s); reason != "" {
		return reason
	}
	it := s.boardItem()
	switch t := s.tunnel(it.host, it.forward.ID); {
	case it.forward.Spec.Kind != api.LocalForward:
		return "Only the page behind a local forward (L) can be opened here. y copies the address."
	case it.forward.Spec.Listen.Path != "":
		return "A browser cannot open a socket. y copies its path."
	case t == nil:
		return "It is off: Space switches it on."
	}
	return ""
}

func noFreePort(s *screen) string {
	if reason := noTunnel(s); reason != "" {
		return reason
	}
	it := s.boardItem()
	if t := s.tunnel(it.host, it.forward.ID); t == nil || t.FreePort == 0 {
		return "Its port is not taken by another program."
	}
	return ""
}

// offersPort tells that another program has the port, and which is free.
func (s *screen) offersPort() bool { return noFreePort(s) == "" }

// toggleBoard switches the tunnel under the cursor; it asks first if something
// would be lost.
func (s *screen) toggleBoard() {
	it := s.boardItem()
	t := s.tunnel(it.host, it.forward.ID)
	if t == nil || !s.on(it.host, it.forward.ID) {
		s.toggle(it.host, *it.forward)
		return
	}
	var lost []string
	if t.Open > 0 {
		lost = append(lost, count(t.Open, "connection")+" through it will end.")
	}
	if it.forward.Origin.File == "" {
		lost = append(lost, "No file has this forward: it will be forgotten.")
	}
	if lost == nil {
		s.toggle(it.host, *it.forward)
		return
	}
	off := func() { s.toggle(it.host, *it.forward) }
	s.confirm("Switch off "+it.about+"?", button{"Switch off", 's', off}, lost...)
}

// noTunnelOn is why there is nothing that could come back.
func noTunnelOn(s *screen) string {
	if reason := noTunnel(s); reason != "" {
		return reason
	}
	if it := s.boardItem(); s.tunnel(it.host, it.forward.ID) == nil {
		return "What is on comes back with the background process: Space switches it on."
	}
	return ""
}

// keepBoard says whether the tunnel under the cursor comes back with the next
// background process.
func (s *screen) keepBoard() {
	it := s.boardItem()
	once := !s.tunnel(it.host, it.forward.ID).Once
	s.setTunnel(it.forward.ID, api.TunnelRequest{Target: s.b.Target(it.host), Spec: it.forward.Spec, Up: true, Once: once})
	if once {
		s.tell("It ends with the background process and does not come back by itself.")
	} else {
		s.tell("It comes back whenever the background process starts.")
	}
}

// usable is what a program of this computer is told to use a tunnel: a URL, or
// the path of a socket. What the far side listens on is an address there.
func usable(f api.Forward, t *api.Tunnel) string {
	at := f.Spec.Listen
	if at.Path != "" {
		return at.Path
	}
	if t != nil && t.Allocated != 0 {
		at.Port = t.Allocated
	}
	if at.Host == "" || at.Host == "*" {
		at.Host = "localhost"
	}
	address := at.String()
	switch f.Spec.Kind {
	case api.RemoteForward:
		return address
	case api.DynamicForward:
		return "socks5h://" + address
	}
	return "http://" + address + "/"
}

func (s *screen) copyTunnel() {
	it := s.boardItem()
	text := usable(*it.forward, s.tunnel(it.host, it.forward.ID))
	s.term.SetClipboard([]byte(text))
	s.tell("Copied: " + clean(text))
}

// browse opens the page behind a tunnel.
func (s *screen) browse() {
	it := s.boardItem()
	url := usable(*it.forward, nil)
	s.tell("Opening " + clean(url) + " …")
	s.act(func(ctx context.Context) error { return s.b.Browse(ctx, url) }, func(err error) {
		if err != nil {
			message, _ := sentence(err)
			s.fail(it.host, message, "y copies "+clean(url))
		}
	})
}

// takeFreePort listens on the port that is offered in place of a taken one.
func (s *screen) takeFreePort() {
	it := s.boardItem()
	t := s.tunnel(it.host, it.forward.ID)
	spec := it.forward.Spec
	spec.Listen.Port = t.FreePort
	target := s.b.Target(it.host)
	off := api.TunnelRequest{Target: target, Spec: it.forward.Spec}
	s.act(func(ctx context.Context) error {
		if _, err := s.b.SetTunnel(ctx, api.TunnelRequest{Target: target, Spec: spec, Up: true}); err != nil {
			return err
		}
		_, err := s.b.SetTunnel(ctx, off)
		return err
	}, func(err error) {
		if err != nil {
			s.failed(it.host, err)
			return
		}
		s.tell("It listens on port " + strconv.Itoa(spec.Listen.Port) + " now.")
	})
}

// clickBoard puts the cursor on a tunnel; a click on its box switches it, and
// a double click anywhere else in the row leads to its connections.
func (s *screen) clickBoard(in rect, x, y int, double bool) {
	rows := s.board.rows
	i := s.board.top + y - in.y
	if !in.has(x, y) || i >= len(rows) || rows[i].item == nil {
		return
	}
	it := rows[i].item
	double = double && it.id == s.board.at
	s.board.at = it.id
	switch {
	case x < in.x+1+len("[x]"):
		s.toggleBoard()
	case double:
		s.openRecord()
	}
}
