package ui

import (
	"context"
	"strconv"

	"sallyport/api"
)

// rosterItem is what is under the cursor of the page, nil if there is nothing.
func (s *screen) rosterItem() *item {
	at := places(s.roster.rows)
	if len(at) == 0 {
		return nil
	}
	return s.roster.rows[at[s.roster.cursor(s.roster.rows, at)]].item
}

// Why a key does not apply to what is under the cursor.

func noRoster(s *screen) string {
	if s.rosterItem() == nil {
		return "There is nothing here. 1 goes to the hosts."
	}
	return ""
}

func noRosterHost(s *screen) string {
	if reason := noRoster(s); reason != "" {
		return reason
	}
	if s.rosterItem().host == "" {
		return "No host of the configuration has this ControlPath: N on the Hosts page adds one."
	}
	return ""
}

func noRosterConnection(s *screen) string {
	if reason := noRoster(s); reason != "" {
		return reason
	}
	switch it := s.rosterItem(); {
	case it.link != nil || it.master != nil && it.master.State == api.MasterAlive:
		return ""
	case it.master != nil && it.master.State == api.MasterStale:
		return "Its master has ended: D removes the socket."
	case it.master != nil:
		return "It does not answer as a master does."
	case it.session != nil:
		return "K ends a shell; x closes the connection beneath it."
	}
	return "Esc cancels what is on its way."
}

func noLiveMaster(s *screen) string {
	if reason := noRoster(s); reason != "" {
		return reason
	}
	if m := s.rosterItem().master; m == nil || m.State != api.MasterAlive {
		return "Only a master of ssh that is alive can stop taking clients."
	}
	return ""
}

func noStaleMaster(s *screen) string {
	if reason := noRoster(s); reason != "" {
		return reason
	}
	if m := s.rosterItem().master; m == nil || m.State != api.MasterStale {
		return "Only a stale socket can be removed."
	}
	return ""
}

func noOwnRoster(s *screen) string {
	if reason := noRoster(s); reason != "" {
		return reason
	}
	switch it := s.rosterItem(); {
	case it.session != nil || it.link != nil:
		return ""
	case it.master != nil:
		return "It is not ours: x ends a master of ssh."
	}
	return "Esc cancels what is on its way."
}

// Whether the footer has a key.

func (s *screen) opensRoster() bool  { return noRosterHost(s) == "" }
func (s *screen) closesRoster() bool { return noRosterConnection(s) == "" }
func (s *screen) stopsMaster() bool  { return noLiveMaster(s) == "" }
func (s *screen) removesStale() bool { return noStaleMaster(s) == "" }

func (s *screen) logsShell() bool { return noShellToLog(s) == "" }

func (s *screen) endsShell() bool {
	it := s.rosterItem()
	return it != nil && it.session != nil
}

func (s *screen) cancelsRoster() bool {
	it := s.rosterItem()
	return it != nil && it.host != "" && s.onItsWay(it.host)
}

// What the keys do.

// openRoster comes back to a shell that was left, or that has lost its
// connection, or opens one.
func (s *screen) openRoster() {
	switch sh := s.rosterItem().session; {
	case sh != nil && sh.Waits():
		s.rejoin(*sh)
	case sh != nil && sh.Kept():
		s.comeBack(*sh)
	default:
		s.openAnother()
	}
}

// openAnother opens a shell, whatever there is.
func (s *screen) openAnother() { s.shellOn(s.rosterItem().host) }

func (s *screen) cancelRoster() {
	if s.cancelsRoster() {
		s.cancel(s.rosterItem().host)
	}
}

func (s *screen) closeRoster() {
	it := s.rosterItem()
	if it.link != nil {
		s.closeAsking(it.link)
		return
	}
	s.endMaster(*it.master)
}

// endMaster ends a master of the person's, having named what of it is known.
func (s *screen) endMaster(m api.Master) {
	pid := strconv.Itoa(m.PID)
	lost := []string{"The ssh with pid " + pid + " ends, with its terminal and all that other programs have on its connection; what that is, only it knows."}
	if l := s.sharedLink(&m); l != nil {
		if used := s.usedBy(l); used != "" {
			lost = append(lost, "Of ours: "+used+".")
		}
	}
	do := func() {
		s.control(m, "The master with pid "+pid+" has ended.", func(ctx context.Context) error { return s.b.EndMaster(ctx, m.Path, m.PID) })
	}
	s.confirm("End the master of "+masterOf(m)+"?", button{"End it", 'e', do}, lost...)
}

// masterOf names a master's host, or its socket.
func masterOf(m api.Master) string {
	if len(m.Hosts) > 0 {
		return clean(m.Hosts[0])
	}
	return tilde(m.Path)
}

// control asks something of a master, and tells that it was done.
func (s *screen) control(m api.Master, done string, f func(context.Context) error) {
	s.controlled(m, f, func() { s.tell(done) })
}

// controlled is control with what follows when it was done.
func (s *screen) controlled(m api.Master, f func(context.Context) error, then func()) {
	s.act(f, func(err error) {
		if err != nil {
			message, hint := sentence(err)
			s.fail(masterHost(m), message, hint)
			return
		}
		then()
	})
}

func (s *screen) stopMaster() {
	m := *s.rosterItem().master
	s.control(m, "The ssh with pid "+strconv.Itoa(m.PID)+" takes no more clients. What is open goes on.", func(ctx context.Context) error { return s.b.StopMaster(ctx, m.Path, m.PID) })
}

func (s *screen) removeStale() {
	m := *s.rosterItem().master
	s.control(m, "Removed: "+tilde(m.Path), func(context.Context) error { return s.b.RemoveStale(m.Path) })
}

// endRoster ends what is ours.
func (s *screen) endRoster() {
	it := s.rosterItem()
	if it.link != nil {
		s.closeAsking(it.link)
		return
	}
	sh := *it.session
	end := func() {
		s.act(func(ctx context.Context) error { return s.b.EndSession(ctx, sh.ID) }, func(err error) {
			if err != nil {
				message, hint := sentence(err)
				s.fail(sh.Host, message, hint)
			}
		})
	}
	what := "What runs in it ends, in whichever terminal it is."
	if sh.Command != "" {
		what = clean(sh.Command) + " ends, in whichever terminal it is."
	}
	if sh.KeptAs != nil {
		what = "What runs in it goes on on " + clean(sh.Host) + ", " + keptIn(&sh) + ". To come back: " + clean(api.RejoinCommand(s.b.Target(sh.Host), *sh.KeptAs))
	}
	of := "on " + clean(sh.Host)
	if sh.Name != "" && sh.Name != sh.Host {
		of = clean(sh.Name)
	}
	s.confirm("End the shell "+of+"?", button{"End it", 'e', end}, what)
}

// clickRoster puts the cursor on a row; a double click opens a shell there.
func (s *screen) clickRoster(in rect, x, y int, double bool) {
	rows := s.roster.rows
	i := s.roster.top + y - in.y
	if !in.has(x, y) || i >= len(rows) || rows[i].item == nil {
		return
	}
	double = double && rows[i].item.id == s.roster.at
	s.roster.at = rows[i].item.id
	if !double {
		return
	}
	if reason := noRosterHost(s); reason != "" {
		s.tell(reason)
		return
	}
	s.openRoster()
}
