package config

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// condition is what a Match line asks for.
type condition struct {
	criteria []criterion
	final    bool // asks for a second pass, even if the line is refused
	complete bool // nothing follows the criteria
}

// criterion is one of them.
type criterion struct {
	name    string // in lower case
	arg     string
	negated bool
}

// holds tells whether a criterion with an argument is met.
type holds func(r *resolution, arg string) bool

// criteria are those with an argument; exec stands apart, since it runs a
// program. since is the release that brought them.
var criteria = map[string]struct {
	holds holds
	since version
}{
	"host":         {holds: func(r *resolution, arg string) bool { return matchHost(r.currentHost(), arg) }},
	"originalhost": {holds: func(r *resolution, arg string) bool { return matchHost(r.name, arg) }},
	"user":         {holds: func(r *resolution, arg string) bool { return matchList(r.user(), arg, false) }},
	"localuser":    {holds: func(r *resolution, arg string) bool { return matchList(r.local.Username, arg, false) }},
	"exec":         {},
	"localnetwork": {holds: (*resolution).onNetwork, since: v9_4},
	"tagged":       {holds: (*resolution).tagged, since: v9_4},
	"version": {holds: func(r *resolution, arg string) bool {
		return matchList(r.dialect.release(), arg, false)
	}, since: v10_0},
	"sessiontype": {holds: func(r *resolution, arg string) bool { return matchList(r.sessionType(), arg, false) }, since: v10_0},
	"command":     {holds: (*resolution).runs, since: v10_0},
}

// parseCondition reads the criteria of a Match line as match_cfg_line of
// readconf.c does.
func parseCondition(rest string, d *dialect) (*condition, string) {
	const bad = "Bad Match condition: "
	cond := &condition{}
	words := cursor{rest: rest}
	for {
		word, ok := words.next()
		if !ok || word == "" {
			break
		}
		if word[0] == '#' {
			words.done = true
			break
		}
		name := strings.TrimPrefix(word, "!")
		c := criterion{name: lower(name), negated: word[0] == '!'}
		switch c.name {
		case "all":
			if why := cond.all(&words, word); why != "" {
				return cond, why
			}
			cond.criteria = append(cond.criteria, c)
			cond.complete = words.blank()
			return cond, ""
		case "canonical", "final":
			cond.final = cond.final || c.name == "final"
		default:
			if why := c.argument(&words, name, d); why != "" {
				return cond, bad + why
			}
		}
		cond.criteria = append(cond.criteria, c)
	}
	if len(cond.criteria) == 0 {
		return cond, bad + "One or more attributes required for Match"
	}
	cond.complete = words.blank()
	return cond, ""
}

// all checks that "all" stands alone, or after one other criterion: readconf.c
// looks for more than one.
func (cond *condition) all(words *cursor, written string) string {
	arg, ok := words.next()
	if len(cond.criteria) > 1 || ok && arg != "" && arg[0] != '#' {
		return fmt.Sprintf("'%s' cannot be combined with other Match attributes", Printable(written))
	}
	if ok && strings.HasPrefix(arg, "#") {
		words.done = true
	}
	return ""
}

// argument reads the word that a criterion needs.
func (c *criterion) argument(words *cursor, name string, d *dialect) string {
	known, ok := criteria[c.name]
	ok = ok && known.since <= d.version
	arg, given := words.next()
	if !given || arg == "" || arg[0] == '#' {
		return "Missing Match criteria for " + Printable(name)
	}
	if !ok {
		return "Unsupported Match attribute " + Printable(name)
	}
	c.arg = arg
	if c.name == "exec" {
		_, err := expand(arg, execTokens(d), nil)
		if err != nil {
			return err.Error()
		}
	}
	return ""
}

// execTokens accepts what Match exec does, for a check without a host.
func execTokens(d *dialect) tokens {
	return func(letter byte) (string, bool) {
		return "", strings.IndexByte("CLdhklnpriu", letter) >= 0 || letter == 'j' && d.version >= v9_6
	}
}

// onNetwork tells whether an address of this machine is in one of the
// networks.
func (r *resolution) onNetwork(list string) bool {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for network := range strings.SplitSeq(list, ",") {
		prefix, err := netip.ParsePrefix(network)
		if err != nil {
			continue
		}
		for _, addr := range addrs {
			if own, err := netip.ParsePrefix(addr.String()); err == nil && prefix.Contains(own.Addr().Unmap()) {
				return true
			}
		}
	}
	return false
}

// tagged matches the Tag in force, which may be empty.
func (r *resolution) tagged(arg string) bool { return matchList(r.text(kTag), arg, false) }

// sessionType is what will be asked for: a shell, or a command.
func (r *resolution) sessionType() string {
	switch {
	case r.text(kSessionType) == "subsystem":
		return "subsystem"
	case r.text(kSessionType) == "none":
		return "none"
	case r.match.Command != "" || r.text(kRemoteCommand) != "":
		return "exec"
	}
	return "shell"
}

// runs matches the remote command.
func (r *resolution) runs(arg string) bool {
	command := r.match.Command
	if command == "" {
		command = r.text(kRemoteCommand)
	}
	return matchList(command, arg, false)
}
