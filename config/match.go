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
		return matchList(r.dialect.release, arg, false)
	}, since: v10_0},
	"sessiontype": {holds: func(r *resolution, arg string) bool { return matchList(r.sessionType(), arg, false) }, since: v10_0},
	"command":     {holds: (*resolution).runs, since: v10_0},
}

// criteriaWords are the words of a Match line: until 10.0 by strdelim, since
// then as those of other lines.
type criteriaWords struct {
	*cursor
	args []string // if cursor is nil
}

func (w *criteriaWords) next() (string, bool) {
	if w.cursor != nil {
		return w.cursor.next()
	}
	if len(w.args) == 0 {
		return "", false
	}
	word := w.args[0]
	w.args = w.args[1:]
	return word, true
}

// drop leaves what follows out.
func (w *criteriaWords) drop() {
	if w.args = nil; w.cursor != nil {
		w.cursor.done = true
	}
}

// blank tells whether all words were read.
func (w *criteriaWords) blank() bool {
	if w.cursor != nil {
		return w.cursor.blank()
	}
	return len(w.args) == 0
}

// parseCondition reads the criteria of a Match line as match_cfg_line of
// readconf.c does. args are the words of rest.
func parseCondition(rest string, args []string, d *dialect) (*condition, string) {
	const bad = "Bad Match condition: "
	cond := &condition{}
	words := &criteriaWords{cursor: &cursor{rest: rest}}
	if d.version >= v10_0 {
		words = &criteriaWords{args: args}
	}
	for {
		word, ok := words.next()
		if !ok || word == "" && words.cursor != nil {
			break
		}
		if strings.HasPrefix(word, "#") {
			words.drop()
			break
		}
		name := strings.TrimPrefix(word, "!")
		c := criterion{name: lower(name), negated: name != word}
		switch c.name {
		case "all":
			if why := cond.all(words, word); why != "" {
				return cond, why
			}
			cond.criteria = append(cond.criteria, c)
			cond.complete = words.blank()
			return cond, ""
		case "canonical", "final":
			cond.final = cond.final || c.name == "final" && (!c.negated || d.version < v10_1)
		default:
			if why := c.argument(words, word, d); strings.HasPrefix(why, "missing") {
				return cond, why
			} else if why != "" {
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
func (cond *condition) all(words *criteriaWords, written string) string {
	arg, ok := words.next()
	if len(cond.criteria) > 1 || ok && arg != "" && arg[0] != '#' {
		return fmt.Sprintf("'%s' cannot be combined with other Match attributes", Printable(written))
	}
	if ok && strings.HasPrefix(arg, "#") {
		words.drop()
	}
	return ""
}

// argument reads the word that a criterion needs. Since 10.0 it may be joined
// to the criterion with "=", and may be empty for some.
func (c *criterion) argument(words *criteriaWords, written string, d *dialect) string {
	name := strings.TrimPrefix(written, "!")
	arg, given := "", false
	if before, after, ok := strings.Cut(name, "="); ok && words.cursor == nil && joinable(before) {
		name, arg, given = before, after, true
		c.name = lower(name)
	} else {
		arg, given = words.next()
	}
	if !given && words.cursor == nil {
		return fmt.Sprintf("missing argument for Match '%s'", Printable(written))
	}
	known, ok := criteria[c.name]
	mayBeEmpty := words.cursor == nil && (c.name == "tagged" || c.name == "command")
	if !given || arg == "" && !mayBeEmpty || strings.HasPrefix(arg, "#") {
		return "Missing Match criteria for " + Printable(name)
	}
	if !ok || known.since > d.version {
		return "Unsupported Match attribute " + Printable(name)
	}
	c.arg = arg
	return c.check(d)
}

// check refuses arguments that mean nothing.
func (c *criterion) check(d *dialect) string {
	switch c.name {
	case "exec":
		if _, err := expand(c.arg, execTokens(d), nil); err != nil {
			return err.Error()
		}
	case "localnetwork":
		for network := range strings.SplitSeq(c.arg, ",") {
			if _, ok := parseNetwork(network); !ok {
				return fmt.Sprintf("Invalid network entry \"%s\"", Printable(network))
			}
		}
	}
	return ""
}

// joinable tells the criteria that take a "=". sessiontype is not among them
// in readconf.c.
func joinable(name string) bool {
	_, ok := criteria[lower(name)]
	return ok && !equalFold(name, "sessiontype")
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
	interfaces, err := net.Interfaces()
	if err != nil {
		return false
	}
	for _, i := range interfaces {
		addrs, err := i.Addrs()
		if err != nil || i.Flags&net.FlagUp == 0 {
			continue
		}
		for _, addr := range addrs {
			if own, err := netip.ParsePrefix(addr.String()); err == nil && inNetworks(own.Addr().Unmap(), list) {
				return true
			}
		}
	}
	return false
}

// inNetworks tells whether an address is in one of the networks of a list.
func inNetworks(addr netip.Addr, list string) bool {
	for network := range strings.SplitSeq(list, ",") {
		if prefix, ok := parseNetwork(network); ok && prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// parseNetwork reads address/bits, or a single address. The bits beyond the
// mask must be zero.
func parseNetwork(s string) (netip.Prefix, bool) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), true
	}
	prefix, err := netip.ParsePrefix(s)
	return prefix, err == nil && prefix == prefix.Masked()
}

// tagged matches the Tag in force; none matches the empty pattern.
func (r *resolution) tagged(arg string) bool { return matchOrEmpty(r.text(kTag), arg) }

// runs matches the remote command of the command line.
func (r *resolution) runs(arg string) bool { return matchOrEmpty(r.match.Command, arg) }

func matchOrEmpty(s, list string) bool {
	if s == "" {
		return list == ""
	}
	return matchList(s, list, false)
}

// sessionType is what will be asked for: a shell, or a command.
func (r *resolution) sessionType() string {
	switch session := r.text(kSessionType); {
	case session == "subsystem" || session == "none":
		return session
	case r.match.Command != "":
		return "exec"
	}
	return "shell"
}
