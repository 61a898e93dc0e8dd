package transport

import (
	"fmt"
	"strings"

	"sallyport/config"
	"sallyport/keys"
)

// Destinations are the steps that an agent has to allow a key for what a person
// asks for: "[user@]HOST", to log in there and at each hop on the way, or
// "HOST>[user@]HOST", to log in at the second by an agent that is forwarded to
// the first, as ssh-add -h has it. A user is meant at the last host only, a
// user without a host at any.
func Destinations(cfg *config.Config, spec string) ([]keys.Destination, error) {
	from, goal, forwarded := strings.Cut(spec, ">")
	if !forwarded {
		from, goal = "", spec
	}
	user, host := "", goal
	if i := strings.LastIndex(goal, "@"); i >= 0 {
		user, host = goal[:i], goal[i+1:]
	}
	switch {
	case host == "" && user == "", forwarded && from == "":
		return nil, badDestination(spec, "it names neither a user nor a host")
	case strings.Contains(from, "@"):
		return nil, badDestination(spec, "the user at the host that the agent is forwarded to cannot be restricted")
	case host == "" && !forwarded:
		return []keys.Destination{{To: keys.Station{User: user}}}, nil
	}
	if forwarded {
		return forwardedStep(cfg, from, host, user)
	}
	chain, err := Plan(cfg, host, config.Match{User: user})
	if err != nil {
		return nil, err
	}
	var all []keys.Destination
	for _, hop := range chain {
		to, err := station(hop.Host)
		if err != nil {
			return nil, err
		}
		all = append(all, keys.Destination{To: to})
	}
	all[len(all)-1].To.User = user
	return all, nil
}

func forwardedStep(cfg *config.Config, from, host, user string) ([]keys.Destination, error) {
	var step keys.Destination
	for _, end := range []struct {
		name string
		at   *keys.Station
	}{{from, &step.From}, {host, &step.To}} {
		if end.name == "" {
			continue
		}
		h, err := cfg.Resolve(end.name, config.Match{})
		if err != nil {
			return nil, misconfigured(end.name, err)
		}
		if *end.at, err = station(h); err != nil {
			return nil, err
		}
	}
	step.To.User = user
	return []keys.Destination{step}, nil
}

func badDestination(spec, why string) error {
	return &Failure{Code: CodeConfig, Message: config.Printable(fmt.Sprintf("%q is no destination of a key: %s", spec, why))}
}

// station is a host by its keys in the known_hosts files: the plain ones and
// those of authorities, in reading order.
func station(h *config.Host) (keys.Station, error) {
	name, bare := namesOf(h)
	all := readKnownHosts(append(paths(h, "UserKnownHostsFile"), paths(h, "GlobalKnownHostsFile")...), nil)
	known := all.of(name)
	if len(known) == 0 && bare != "" {
		known = all.of(bare)
	}
	s := keys.Station{Host: h.HostName()}
	if alias := given(h, "HostKeyAlias"); alias != "" {
		s.Host = strings.ToLower(alias)
	}
	for _, line := range known {
		if line.marker != markerRevoked {
			s.Keys = append(s.Keys, keys.HostKey{Key: line.key, Authority: line.marker == markerAuthority})
		}
	}
	if len(s.Keys) == 0 {
		return s, &Failure{
			Code:    CodeConfig,
			Message: config.Printable(fmt.Sprintf("no key of the host %q is known, by which an agent could tell it", name)),
			Hint:    "log in there once: sallyport " + config.Printable(h.Name),
		}
	}
	return s, nil
}
