package ui

import (
	"slices"
	"strings"

	"sallyport/api"
)

// newTunnel asks for a forward of the host under the cursor.
func (s *screen) newTunnel() {
	host, _ := s.list.selected()
	if it := s.boardItem(); it != nil {
		host = it.host
	}
	s.dialog = s.tunnelDialog(host)
}

// tunnelDialog is the form of a new tunnel. What was typed is read as it is
// typed, so that a person sees what it means before it is done.
func (s *screen) tunnelDialog(host string) *dialog {
	name, text := newField(false), newField(false)
	name.paste(host)
	leave := func() { s.dialog = nil; s.askNext() }
	d := &dialog{
		title: "New tunnel",
		body: []paragraph{
			{text: "8080               port 8080 of the host, here on the same port", style: s.dim},
			{text: "8080:gpu3:8888     port 8888 of gpu3, which the host can reach", style: s.dim},
			{text: "/run/x.sock:h:80   a socket here instead of a port", style: s.dim},
			{text: "-D 1080            a SOCKS proxy through the host", style: s.dim},
			{text: "-R 9000:localhost:80   a port of the host that leads here", style: s.dim},
		},
		fields: []*prompt{{"Of host", name}, {"Forward", text}},
		escape: leave,
	}
	d.live = func() line { return s.readAs(text.shown()) }
	if host != "" {
		d.focus = 1
	}
	done := func(save bool) func() {
		return func() {
			if reason := s.makeTunnel(strings.TrimSpace(name.shown()), text.shown(), save); reason != "" {
				d.said = reason
				return
			}
			leave()
		}
	}
	d.buttons = []button{
		{"Open it", 'o', done(false)},
		{"Open it and write it into " + tilde(s.config), 'w', done(true)},
		{"Cancel", 'c', leave},
	}
	return d
}

// readAs is what a forward that is being typed means.
func (s *screen) readAs(text string) line {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	_, spec, err := api.ReadForward(text)
	if err != nil {
		return line{{"✗ ", s.busy}, {clean(err.Error()), s.dim}}
	}
	return line{{"● ", s.up}, {forwardText(spec), s.plain}}
}

// makeTunnel opens a forward and, if it shall be kept, shows what that makes
// of the file. It gives the reason if it cannot.
func (s *screen) makeTunnel(host, text string, save bool) string {
	keyword, spec, err := api.ReadForward(text)
	switch {
	case !slices.Contains(s.list.names, host):
		return "No host of the configuration has this name."
	case err != nil:
		return clean(err.Error())
	}
	f := api.Forward{ID: api.TunnelID(s.config, host, spec), Spec: spec}
	if !s.on(host, f.ID) {
		s.toggle(host, f)
	}
	s.show(tunnelsPage)
	s.board.at = boardID(host, f)
	if save {
		s.writeDown(host, keyword, spec)
	}
	return ""
}

// writeDown has it proved that a forward can stand in the host's own block,
// and shows the diff.
func (s *screen) writeDown(host, keyword string, spec api.TunnelSpec) {
	_, text, _ := strings.Cut(spec.String(), " ")
	s.propose([]api.Edit{api.AddForward{Host: host, Keyword: keyword, Spec: text}}, func(c *api.Change, err error) {
		s.offer(host, c, err, "The file has this forward already.")
	})
}

// offer shows the diff of a change that was proposed, or says why there is
// none.
func (s *screen) offer(host string, c *api.Change, err error, already string) {
	switch {
	case err != nil:
		message, hint := sentence(err)
		s.fail(host, message, hint)
	case c.Empty():
		s.tell(already)
	case s.form == nil && s.review == nil:
		s.review = &review{title: "Write " + tilde(c.File) + "?", change: c, host: host}
	}
}
