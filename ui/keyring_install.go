package ui

import (
	"strconv"

	"sallyport/api"
)

// installHosts are the marked hosts, or the selected one.
func (s *screen) installHosts() []string {
	if marked := s.list.marks(); len(marked) > 0 {
		return marked
	}
	if name, ok := s.list.selected(); ok {
		return []string{name}
	}
	return nil
}

func noInstall(s *screen) string {
	if reason := noKeyLine(s); reason != "" {
		return reason
	}
	switch {
	case s.currentKey().Path == "":
		return "Only the agent has this key: y copies the line that a host wants."
	case len(s.installHosts()) == 0:
		return "Select a host on the first page, or mark some with Space there."
	}
	return ""
}

func (s *screen) canInstall() bool { return noInstall(s) == "" }

// installKey lets a key log in on hosts, once that is agreed to.
func (s *screen) installKey() {
	pair, hosts := s.currentKey(), s.installHosts()
	s.choice("Install "+pairName(pair)+"?", button{"Install it", 'i', func() { s.installOn(pair, hosts) }}, button{label: "Leave it", key: 'l'},
		"Its public half becomes a line of authorized_keys on "+clean(and(hosts...))+".",
		"Each is reached by any login that works now; then a new login with this key alone proves it.")
}

// installOn goes from host to host, outside the loop. Whoever quits gives the
// rest up.
func (s *screen) installOn(pair *api.KeyPair, hosts []string) {
	s.tell("Installing " + pairName(pair) + " on " + clean(hosts[0]) + "…")
	s.spawn(func() {
		done := 0
		for i, host := range hosts {
			r := s.b.InstallKey(s.ctx, host, pair.Path, s.interview)
			if s.ctx.Err() != nil {
				return
			}
			if r.Good() {
				done++
			}
			s.in.do(func() {
				s.installed(host, r)
				if i > 0 && i == len(hosts)-1 {
					s.tell(strconv.Itoa(done) + " of " + count(len(hosts), "host") + " are done; the log has each.")
				}
			})
		}
	})
}

// installed tells what became of one host. Where its site has the say the line
// to paste is on the clipboard.
func (s *screen) installed(host string, r api.Installation) {
	words, hint := clean(r.Words()), ""
	if r.Error != nil {
		var message string
		message, hint = sentence(r.Error)
		words += ": " + message
	}
	if r.Line != "" {
		s.term.SetClipboard([]byte(r.Line))
		words += " (the line is on the clipboard)"
	}
	if !r.Good() {
		s.fail(host, words, hint)
		return
	}
	s.tell(clean(host) + ": " + words + ".")
	s.note(host, words, hint)
}
