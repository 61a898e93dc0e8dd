package ui

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"sallyport/api"
)

// jupyter looks for the Jupyter servers of a host, and opens one.
//
//	looking > (several > chosen) > forwarding > in the browser
//	   ^  '-> none > a node <- typed, or one of the user's jobs
//	   '-----------------'
//
// Where no browser can be started the address is shown. It has the token, so
// that it is nowhere else: not in the notice, the log or a failure.
type jupyter struct {
	finding
	servers []api.JupyterServer
	nodes   []string // of the user's jobs
	looked  bool     // servers and nodes are known
	node    *field   // that is typed, nil if none is
	url     string   // of the server, for which there is no browser
}

// findJupyter looks for servers on the selected host.
func (s *screen) findJupyter() {
	name, _ := s.list.selected()
	s.jupyter = &jupyter{finding: finding{host: name}}
	s.lookForJupyter("")
}

// lookForJupyter looks on the host itself, or for what runs on a node that the
// host reaches. The only server is opened at once, but not under somebody's
// fingers.
func (s *screen) lookForJupyter(node string) {
	j := s.jupyter
	where := j.host
	if node != "" {
		where = node
	}
	ctx := s.begin(&j.finding, "Looking for Jupyter servers of yours on "+clean(where)+"…")
	j.servers, j.nodes, j.looked, j.url = nil, nil, false, ""
	s.spawn(func() {
		servers, nodes, err := s.b.Jupyter(ctx, j.host, node, s.broken(ctx, &j.finding))
		s.in.do(func() {
			if ctx.Err() != nil {
				return
			}
			j.came(s, err)
			j.servers, j.nodes, j.looked = servers, nodes, err == nil
			if len(servers) == 1 && j.node == nil {
				s.openJupyter(servers[0])
			}
		})
	})
}

// openJupyter forwards a server, and hands its address to the browser.
func (s *screen) openJupyter(server api.JupyterServer) {
	j := s.jupyter
	ctx := s.begin(&j.finding, "Forwarding the server "+serverName(server)+"…")
	s.spawn(func() {
		t, err := s.b.ForwardJupyter(ctx, s.b.Target(j.host), server)
		s.in.do(func() {
			if ctx.Err() != nil {
				return
			}
			if j.came(s, err); err == nil {
				s.browseJupyter(server, t)
			}
		})
	})
}

func (s *screen) browseJupyter(server api.JupyterServer, t api.Tunnel) {
	j := s.jupyter
	at := usable(api.Forward{Spec: t.Spec}, &t) // without the token
	s.begin(&j.finding, "Opening "+at+" in the browser…")
	url := server.URL(t.Spec.Listen.Port)
	s.act(func(ctx context.Context) error { return s.b.BrowseInPrivate(ctx, url) }, func(err error) {
		shown := s.jupyter == j && j.node == nil
		switch {
		case err == nil && shown:
			s.leaveFound()
			fallthrough
		case err == nil:
			s.tell("Jupyter of " + clean(j.host) + " answers at " + at + ". 2 shows its tunnel.")
		case shown:
			j.came(s, err)
			j.url = url
		default:
			message, _ := sentence(err)
			s.fail(j.host, message, "j shows the address")
		}
	})
}

// serverName tells servers apart.
func serverName(server api.JupyterServer) string {
	name := "on port " + strconv.Itoa(server.Port)
	if server.Socket != "" {
		name = "on " + clean(server.Socket)
	}
	if server.Node != "" {
		name += " of " + clean(server.Node)
	}
	return name
}

// noJupyterRow is why there is nothing to choose.
func noJupyterRow(s *screen) string {
	if s.jupyter.under(s.jupyterRows(s.jupyterFrame().w-4)) == nil {
		return "There is nothing to choose. Esc leaves, r looks again."
	}
	return ""
}

// hasChoice tells that there is something to choose.
func (s *screen) hasChoice() bool { return noJupyterRow(s) == "" }

// noAddress is why there is nothing to copy.
func noAddress(s *screen) string {
	if s.jupyter.url == "" {
		return "There is no address to copy: the browser gets it."
	}
	return ""
}

// hasAddress tells that there is an address to copy.
func (s *screen) hasAddress() bool { return noAddress(s) == "" }

// chooseJupyter opens the server, or looks on the node, under the cursor.
func (s *screen) chooseJupyter() {
	j := s.jupyter
	id := j.under(s.jupyterRows(s.jupyterFrame().w - 4)).id
	for _, server := range j.servers {
		if id == serverName(server) {
			s.openJupyter(server)
			return
		}
	}
	s.lookForJupyter(id)
}

// lookAgain begins anew with what is on the screen.
func (s *screen) lookAgain() {
	if s.jupyter != nil {
		s.lookForJupyter("")
		return
	}
	s.watchPorts()
}

// copyJupyter puts the address, with its token, on the clipboard.
func (s *screen) copyJupyter() {
	s.term.SetClipboard([]byte(s.jupyter.url))
	s.tell("Copied. Whoever has this address can use the server as you.")
}

func (s *screen) typeNode() { s.jupyter.node, s.jupyter.url = newField(false), "" }

func (s *screen) nodeCancel() {
	s.jupyter.node = nil
	s.askNext()
}

func (s *screen) nodeDone() {
	node := strings.TrimSpace(s.jupyter.node.shown())
	s.nodeCancel()
	if node != "" {
		s.lookForJupyter(node)
	}
}

// jupyterRows are the rows of the pane, w cells wide.
func (s *screen) jupyterRows(w int) []row {
	j := s.jupyter
	p := &sheet{screen: s, host: j.host, w: w}
	switch {
	case j.url != "":
		p.progress(&j.finding)
		text := "or open this address yourself on this computer"
		if strings.Contains(j.url, "token=") {
			text += "; it has the token"
		}
		p.say(0, "→ ", span{text + ":", p.plain})
		return p.rows
	case !j.looked || !j.since.IsZero() || j.failed.Message != "":
		p.progress(&j.finding)
	case len(j.servers) == 0:
		p.noJupyter(j)
	default:
		p.say(0, "", span{count(len(j.servers), "server") + " of yours. Enter opens the chosen one in the browser.", p.plain})
		p.gap()
		for _, server := range j.servers {
			name := serverName(server)
			p.item(&item{id: name}, line{{pad(name, w/3), p.plain}, {"  " + fitEnd(tilde(server.Dir), w-w/3-2), p.dim}})
		}
	}
	if j.node != nil {
		p.gap()
		p.add(line{{nodeLabel, p.bold}, {pad(fitEnd(j.node.shown(), w-cells(nodeLabel)-1), w-cells(nodeLabel)), p.field}})
	}
	return p.rows
}

const nodeLabel = "On the node  "

// noJupyter says how to get a server, and where else there may be one.
func (p *sheet) noJupyter(j *jupyter) {
	e := api.NoJupyter(j.host, j.nodes)
	p.say(0, "✗ ", span{e.Message, p.plain})
	p.say(0, "→ ", span{e.Hints[0], p.plain})
	p.gap()
	p.say(0, "", span{"n looks on a compute node that you name. A server there has to listen for other machines (--ip=0.0.0.0).", p.dim})
	if len(j.nodes) > 0 {
		p.say(0, "", span{"Your jobs run on these, Enter looks there:", p.dim})
	}
	for _, node := range j.nodes {
		p.item(&item{id: node}, line{{node, p.plain}})
	}
}

// jupyterFrame is where the pane is: a box, but for an address, which has the
// full width and no edges so that the terminal can mark it.
func (s *screen) jupyterFrame() rect {
	_, _, w, h := s.GetRect()
	frame := rect{w: min(w, max(66, min(w-8, 76)))}
	rows := len(s.jupyterRows(frame.w - 4))
	if s.jupyter.url != "" {
		frame.w = w
		rows = len(s.jupyterRows(w-4)) + 2 + len(s.addressRows(w))
	}
	frame.h = min(h-2, rows+2)
	frame.x, frame.y = (w-frame.w)/2, (h-frame.h)/2
	return frame
}

// addressRows is the address as it is marked with a mouse.
func (s *screen) addressRows(w int) []string {
	pieces, rest := chop(clean(s.jupyter.url), w)
	return append(pieces, rest)
}

func (s *screen) drawJupyter(c canvas) {
	frame, j := s.jupyterFrame(), s.jupyter
	title := line{{fmt.Sprintf("Jupyter on %s", clean(j.host)), s.title}}
	rows := s.jupyterRows(frame.w - 4)
	c.fill(frame, s.plain)
	if j.url == "" {
		c.frame(frame, title, s.focus)
	} else {
		c.band(frame, title, s.focus)
		for y, piece := range s.addressRows(frame.w) {
			c.text(0, frame.y+2+len(rows)+y, piece, s.accent)
		}
	}
	s.drawRows(c, frame, &j.list, rows, true)
	if y := frame.y + len(rows); j.node != nil && j.url == "" {
		c.screen.ShowCursor(frame.x+2+cells(nodeLabel)+cells(fitEnd(j.node.shown(), frame.w-4-cells(nodeLabel)-1)), y)
	}
}
