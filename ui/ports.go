package ui

import (
	"strconv"

	"sallyport/api"
)

// ports is what listens on a host, over the page. It is looked at again and
// again as long as it is on the screen.
type ports struct {
	finding
	all  []api.Listener
	read bool // it has come
}

// showPorts leads to what listens on the selected host.
func (s *screen) showPorts() {
	name, _ := s.list.selected()
	s.ports = &ports{finding: finding{host: name}}
	s.watchPorts()
}

// watchPorts follows what listens, over one channel.
func (s *screen) watchPorts() {
	p := s.ports
	ctx := s.begin(&p.finding, "Looking what listens on "+clean(p.host)+"…")
	s.spawn(func() {
		err := s.b.Ports(ctx, p.host, func(all []api.Listener) {
			s.in.do(func() {
				if ctx.Err() == nil {
					p.came(s, nil)
					p.all, p.read = all, true
				}
			})
		}, s.broken(ctx, &p.finding))
		s.in.do(func() {
			if ctx.Err() == nil {
				p.came(s, err)
			}
		})
	})
}

// listener is the one under the cursor, nil if there is none.
func (s *screen) listener() *api.Listener {
	it := s.ports.under(s.portRows(s.layout().body.inner().w))
	for i := range s.ports.all {
		if it != nil && it.id == portID(s.ports.all[i]) {
			return &s.ports.all[i]
		}
	}
	return nil
}

func portID(l api.Listener) string { return strconv.Itoa(l.Port) + " " + l.Address }

func noListener(s *screen) string {
	if s.listener() == nil {
		return "Nothing is listed that could be forwarded. r looks again."
	}
	return ""
}

// forwardPort makes the port under the cursor one of this computer.
func (s *screen) forwardPort() {
	p, l := s.ports, *s.listener()
	s.tell("Forwarding port " + strconv.Itoa(l.Port) + " of " + clean(p.host) + "…")
	delete(s.failures, p.host)
	s.in.poke()
	s.spawn(func() {
		t, err := s.b.ForwardTo(s.ctx, s.b.Target(p.host), l.To(), l.Port)
		s.in.do(func() {
			if err != nil {
				s.failed(p.host, err)
				return
			}
			s.tell("Port " + strconv.Itoa(l.Port) + " of " + clean(p.host) + " answers at " + nearEnd(&t) + ". 2 shows its tunnel.")
		})
	})
}

// nearEnd is where a program of this computer finds a tunnel.
func nearEnd(t *api.Tunnel) string { return "localhost:" + strconv.Itoa(t.Spec.Listen.Port) }

// forwarded is the tunnel that leads to a listener, nil if there is none.
func (s *screen) forwarded(host string, l api.Listener) *api.Tunnel {
	for _, t := range s.world.tunnels[host] {
		if t.Spec.Kind == api.LocalForward && t.Spec.Listen.Port != 0 && t.Spec.Connect.Same(l.To()) {
			return t
		}
	}
	return nil
}

// portRows are the rows of the page for a pane w cells wide.
func (s *screen) portRows(w int) []row {
	f := s.ports
	p := &sheet{screen: s, host: f.host, w: w - 2}
	if p.progress(&f.finding); !f.read {
		return p.rows
	}
	if len(p.rows) > 0 {
		p.gap()
	}
	if len(f.all) == 0 {
		p.say(0, "", span{"Nothing listens there. What begins to is listed at once.", p.dim})
	}
	for i, l := range f.all {
		if i == 0 || l.Own != f.all[i-1].Own {
			p.portHeading(l.Own)
		}
		p.port(l)
	}
	return p.rows
}

func (p *sheet) portHeading(own bool) {
	if len(p.rows) > 0 {
		p.gap()
	}
	text := "Of others"
	if own {
		text = "Yours"
	}
	p.add(line{{text, p.screen.heading}})
}

// port is one row: port, service, program, where it listens, where it answers
// here.
func (p *sheet) port(l api.Listener) {
	program := clean(l.Program)
	if l.PID != 0 {
		program += " (" + strconv.Itoa(l.PID) + ")"
	}
	var here line
	if t := p.forwarded(p.host, l); t != nil {
		st := p.tunnelStatus(api.Forward{ID: t.ID, Spec: t.Spec}, t)
		here = line{{"  " + st.glyph, st.style}, {" " + nearEnd(t), p.plain}}
	}
	out := line{{flush(strconv.Itoa(l.Port), 5), p.bold}, {"  " + pad(l.Service, 15), p.accent}}
	room := p.w - out.width() - 2 - cells("  ● localhost:65535")
	const address = 15 // of IPv4
	if room >= 20+2+address {
		room -= 2 + address
		out = append(out, span{"  " + pad(program, room), p.plain}, span{"  " + pad(clean(l.Address), address), p.dim})
	} else {
		out = append(out, span{"  " + pad(program, room), p.plain})
	}
	p.item(&item{id: portID(l)}, append(out, here...))
}

func (s *screen) drawPorts(c canvas, r rect) {
	title := line{{clean(s.ports.host), s.title}, {" ─ ", s.focus}, {"ports", s.plain}}
	if s.ports.read {
		title = line{{clean(s.ports.host), s.title}, {" ─ ", s.focus}, {count(len(s.ports.all), "port"), s.plain}}
	}
	c.fill(r, s.plain)
	c.frame(r, title, s.focus)
	s.drawRows(c, r, &s.ports.list, s.portRows(r.inner().w), true)
}

// clickPort puts the cursor on a port; a double click forwards it.
func (s *screen) clickPort(in rect, x, y int, double bool) {
	rows := s.portRows(in.w)
	if !s.ports.list.click(rows, in, x, y) || !double {
		return
	}
	s.forwardPort()
}

// clickJupyter is clickPort for servers and nodes.
func (s *screen) clickJupyter(x, y int, double bool) {
	frame := s.jupyterFrame()
	if s.jupyter.list.click(s.jupyterRows(frame.w-4), frame.inner(), x, y) && double {
		s.chooseJupyter()
	}
}
