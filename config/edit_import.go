package config

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
)

// Import adds a host for each session that another program has saved. One that
// cannot be added is left out, and says why; so are those that are reached
// through it.
type Import struct {
	Sessions []*Saved
	File     string // one of those that are read; "" for the user's

	Results []Imported // in the order of Sessions, filled by Edit
}

// Imported is what became of one session.
type Imported struct {
	Session string       `json:"session"`         // as the other program names it
	Name    string       `json:"name,omitempty"`  // of the host; "" where it is left out
	Options []Assignment `json:"options"`         // of the host
	Notes   []string     `json:"notes,omitempty"` // what is not imported, or has to be done yet
	LeftOut string       `json:"left_out,omitempty"`
}

// importing is an Import at work.
type importing struct {
	*Import
	d       *draft
	byTitle map[string]*Saved // the first of each title
	state   map[*Saved]progress
	result  map[*Saved]Imported
	taken   map[string]*Saved // aliases of this import
}

// progress is how far a session is.
type progress int

const (
	untouched progress = iota
	begun              // what it is reached through comes first
	added              // a host of its own, or one that is there already
	leftOut
)

func (e *Import) apply(d *draft) error {
	i := &importing{Import: e, d: d, byTitle: map[string]*Saved{}, state: map[*Saved]progress{}, result: map[*Saved]Imported{}, taken: map[string]*Saved{}}
	for _, s := range e.Sessions {
		if _, known := i.byTitle[s.title]; !known {
			i.byTitle[s.title] = s
		}
	}
	e.Results = nil
	for _, s := range e.Sessions {
		i.add(s)
		e.Results = append(e.Results, i.result[s])
	}
	return nil
}

// add adds a session, after the one that it is reached through.
func (i *importing) add(s *Saved) {
	if i.state[s] != untouched {
		return
	}
	i.state[s] = begun
	r := Imported{Session: s.Name(), Options: []Assignment{}}
	host, err := i.host(s)
	if err == nil {
		err = i.try(host)
	}
	var refusal *Refusal
	switch {
	case errors.As(err, &refusal):
		r.LeftOut = refusal.Message
	case err != nil:
		r.LeftOut = err.Error()
	default:
		r.Name, r.Options, r.Notes = host.Name, host.Options, s.notes
	}
	i.result[s] = r
	if i.state[s] != added {
		i.state[s] = leftOut
	}
	if err == nil {
		i.state[s] = added
	}
}

// try adds a host, or leaves the draft as it was.
func (i *importing) try(host AddHost) error {
	start := *i.d
	start.edited = slices.Clone(start.edited)
	err := host.apply(i.d)
	if err != nil {
		i.d.undo(start)
	}
	return err
}

// host is the block for a session. A host of its name that is there already
// stays as it is; it may still be the way to others.
func (i *importing) host(s *Saved) (AddHost, error) {
	if s.refused != "" {
		return AddHost{}, refuse("", "%s", s.refused)
	}
	alias := i.name(s)
	if err := i.d.checkNewName(alias); err != nil {
		if i.same(s, alias) {
			i.state[s] = added
		}
		return AddHost{}, err
	}
	host := AddHost{Name: alias, Options: slices.Clone(s.options), Tags: s.tags, File: i.File}
	proxy, err := i.way(s)
	if err != nil {
		return AddHost{}, err
	}
	if proxy.Keyword != "" {
		host.Options = slices.Insert(host.Options, s.own, proxy)
	}
	return host, nil
}

// name is an alias that no other session of this import has.
func (i *importing) name(s *Saved) string {
	alias := s.alias
	for n := 2; i.taken[alias] != nil && i.taken[alias] != s; n++ {
		alias = s.alias + "-" + strconv.Itoa(n)
	}
	i.taken[alias], s.alias = s, alias
	return alias
}

// same tells whether a host of the configuration is what a session would be:
// the same login at the same address, by the same way.
func (i *importing) same(s *Saved, alias string) bool {
	h, err := i.d.now.Resolve(alias, Match{})
	if err != nil || !equalFold(h.HostName(), s.hostName) || s.user != "" && h.User() != s.user || strconv.Itoa(h.Port()) != cmp.Or(s.port, "22") {
		return false
	}
	proxy, err := i.way(s)
	if err != nil {
		return false
	}
	jump, command := proxy.Value, ""
	if proxy.Keyword == keywords[kProxyCommand].name {
		jump, command = "", proxy.Value
	}
	return h.ProxyJump() == jump && h.r.text(kProxyCommand) == command
}

// way is the option that leads to a session's host, none where it is dialled.
func (i *importing) way(s *Saved) (Assignment, error) {
	w := s.way
	switch {
	case w.command != "":
		return Assignment{keywords[kProxyCommand].name, w.command}, nil
	case w.session != "" && i.byTitle[w.session] != nil:
		hop, err := i.through(i.byTitle[w.session], w)
		return Assignment{keywords[kProxyJump].name, hop}, err
	case w.jump != "":
		return Assignment{keywords[kProxyJump].name, w.jump}, i.hops(w.hosts)
	case w.session != "":
		return Assignment{}, refuse("", "it is reached through %q, which is no session of the list and no host that could be named", Printable(w.session))
	}
	return Assignment{}, nil
}

// hops tells whether ssh would go to the hosts on a way: a Host line may give
// the name of one to another.
func (i *importing) hops(hosts []string) error {
	for _, host := range hosts {
		h, _ := i.d.now.Resolve(host, Match{})
		namesake := slices.ContainsFunc(i.Sessions, func(s *Saved) bool { return s.alias == host && !equalFold(s.hostName, host) })
		if namesake || !equalFold(h.HostName(), host) { // ssh writes names in small letters
			return refuse("", "it is reached through %q, which is the name of another host here", Printable(host))
		}
	}
	return nil
}

// through is a session as the hop to another: PuTTY looks for the proxy's name
// among its sessions first.
func (i *importing) through(s *Saved, w way) (string, error) {
	i.add(s)
	if i.state[s] != added {
		return "", refuse("", "it is reached through %q, which is not imported", s.Name())
	}
	if w.user == "" {
		return s.alias, nil
	}
	hop := (&Saved{hostName: s.alias, user: w.user}).hop()
	if hop == "" {
		return "", refuse("", "it is reached through %q with a login name that ProxyJump cannot have: %q", s.Name(), Printable(w.user))
	}
	return hop, nil
}
