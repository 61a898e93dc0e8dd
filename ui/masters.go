package ui

import (
	"context"
	"strconv"
	"strings"

	"sallyport/api"
)

// followMasters learns of the masters of ssh while the list of hosts or the
// Sessions page is looked at: only these show them.
func (s *screen) followMasters() {
	if s.inv == nil || s.page != hostsPage && s.page != sessionsPage {
		s.restMasters()
		return
	}
	if s.rest != nil {
		return
	}
	ctx, cancel := context.WithCancel(s.ctx)
	s.rest = cancel
	inv, first := s.inv, s.masters == nil
	s.look(func() {
		if first {
			pause(ctx, settled, nil)
		}
		inv.FollowMasters(ctx, func(all []api.Master) {
			s.in.do(func() {
				if s.inv == inv {
					s.masters = all
				}
			})
		})
	})
}

// restMasters ends it until followMasters.
func (s *screen) restMasters() {
	if s.rest != nil {
		s.rest()
		s.rest = nil
	}
}

// noMasterThere is why a master cannot be asked anything.
func noMasterThere(s *screen) string {
	if reason := noRoster(s); reason != "" {
		return reason
	}
	switch m := s.rosterItem().master; {
	case m == nil:
		return "Only a master of ssh can be asked."
	case m.State == api.MasterStale:
		return "Its master has ended: D removes the socket."
	}
	return ""
}

func (s *screen) asksMaster() bool { return noMasterThere(s) == "" }

// checkMaster asks for a sign of life. Of one that could not be used the whole
// state is found out anew.
func (s *screen) checkMaster() {
	m := *s.rosterItem().master
	if m.State != api.MasterAlive {
		s.restMasters()
		s.followMasters()
		s.tell("Asking what listens at " + tilde(m.Path) + " once more.")
		return
	}
	s.control(m, "The master with pid "+strconv.Itoa(m.PID)+" answers.", func(ctx context.Context) error { return s.b.CheckMaster(ctx, m.Path, m.PID) })
}

// borrowedOf are the forwards that a master has opened for us.
func (s *screen) borrowedOf(m *api.Master) (all []api.Borrowed) {
	for _, b := range s.snap.Borrowed {
		if b.Path == m.Path && b.PID == m.PID {
			all = append(all, b)
		}
	}
	return all
}

// borrowedText is what a person is told of one.
func borrowedText(b api.Borrowed) string {
	if b.Port != 0 {
		return forwardText(b.Spec) + " at port " + strconv.Itoa(b.Port)
	}
	return forwardText(b.Spec)
}

// forwardOfMaster asks for a forward that a master is to open or to close. One
// that was opened from here stands there to be closed; any other must be named.
func (s *screen) forwardOfMaster() {
	m := *s.rosterItem().master
	text := newField(false)
	leave := func() { s.dialog = nil; s.askNext() }
	d := &dialog{
		title: "A forward of the ssh with pid " + strconv.Itoa(m.PID),
		body: []paragraph{
			{text: "8080:gpu3:8888     as it was, or would be, given to  ssh -L", style: s.dim},
			{text: "-D 1080            a SOCKS proxy through the host", style: s.dim},
			{text: "-R 9000:localhost:80   a port of the host that leads here", style: s.dim},
		},
		fields: []*prompt{{"Forward", text}},
		escape: leave,
	}
	d.live = func() line { return s.readAs(text.shown()) }
	then := func(do func(api.Master, api.TunnelSpec)) func() {
		return func() {
			_, spec, err := api.ReadForward(text.shown())
			if err != nil {
				d.said = clean(err.Error())
				return
			}
			leave()
			do(m, spec)
		}
	}
	d.buttons = []button{{"Cancel it", 'c', then(s.cancelOnMaster)}, {"Open it", 'o', then(s.openOnMaster)}, {"Leave", 'l', leave}}
	if opened := s.borrowedOf(&m); len(opened) > 0 {
		text.paste(forwardWords(opened[len(opened)-1].Spec))
	} else if own := s.details[masterHost(m)].Forwards; len(own) > 0 {
		text.paste(forwardWords(own[0].Spec))
	}
	s.dialog = d
}

// masterHost is the first host of a master, "" for none.
func masterHost(m api.Master) string {
	if len(m.Hosts) == 0 {
		return ""
	}
	return m.Hosts[0]
}

// forwardWords is a forward as a person types it.
func forwardWords(spec api.TunnelSpec) string {
	kind, text, _ := strings.Cut(spec.String(), " ")
	if kind == "L" {
		return text
	}
	return "-" + kind + " " + text
}

func (s *screen) cancelOnMaster(m api.Master, spec api.TunnelSpec) {
	s.controlled(m, func(ctx context.Context) error {
		_, err := s.b.Borrow(ctx, api.BorrowRequest{Path: m.Path, PID: m.PID, Spec: spec})
		return err
	}, func() { s.tell(forwardText(spec) + " is closed.") })
}

func (s *screen) openOnMaster(m api.Master, spec api.TunnelSpec) {
	var b api.Borrowed
	s.controlled(m, func(ctx context.Context) (err error) {
		b, err = s.b.Borrow(ctx, api.BorrowRequest{Path: m.Path, PID: m.PID, Spec: spec, Up: true})
		return err
	}, func() { s.tell(borrowedText(b) + " is open, until its master or the background process ends.") })
}

// writeSharing shows what the file would be in which ssh shares the connection
// to the selected host.
func (s *screen) writeSharing() {
	name, _ := s.list.selected()
	inv := s.inv
	var change *api.Change
	s.act(func(ctx context.Context) (err error) {
		change, err = inv.Propose(ctx, inv.Sharing(name)...)
		return err
	}, func(err error) {
		s.offer(name, change, err, "ssh shares the connection to "+clean(name)+" already.")
	})
}
