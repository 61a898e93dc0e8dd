package config

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// hop is a host as ssh would be asked for it on the way to another, and the
// hop before it. ssh hands the rest of a ProxyJump list on with -J, so only
// the first of a list follows its own configuration.
type hop struct {
	host string
	via  string // the key of the first hop of its ProxyJump, "" for none
	next *jump  // that hop
	at   place  // of the ProxyJump
	mark int    // in which walk it was seen, 0 for none
	loop string // the key of a hop of the loop to which it leads, "" for none
}

func (j *jump) key() string { return j.user + "@" + j.host + ":" + strconv.Itoa(j.port) }

// firstHop is the hop of the list that is dialled from here.
func (j *jump) firstHop() *jump {
	first, _, more := strings.Cut(j.extra, ",")
	if j.extra == "" && !more {
		return j
	}
	if hop, ok := parseHop(first); ok {
		return &hop
	}
	return j
}

// newHop notes where a resolved host leads.
func newHop(h *Host) *hop {
	n := &hop{host: h.Name}
	if j := h.r.jump(); j != nil {
		n.next = j.firstHop()
		n.via, n.at = n.next.key(), h.r.set[kProxyJump][0].at
	}
	return n
}

// checkJumps notes the way to a host and asks whether it begins somewhere.
func (k *checker) checkJumps(h *Host) {
	n := newHop(h)
	k.hops[(&jump{host: h.Name}).key()] = n
	if n.next == nil || n.at.file == nil || !n.at.file.user {
		return
	}
	name := n.next.host
	lost, known := k.nowhere[name]
	if !known {
		lost = k.isNowhere(name)
		k.nowhere[name] = lost
	}
	if !lost {
		return
	}
	f, isNew := k.find(jumpNowhere, n.at.origin(), name)
	f.touch(h.Name)
	if isNew {
		f.Message = fmt.Sprintf("ProxyJump leads through %q, which no Host line names", Printable(name))
		f.Fix = fmt.Sprintf("Add \"Host %s\" with its HostName, or write its full name here.", Printable(name))
	}
}

// isNowhere tells a name of a jump host that cannot be told from a slip of the
// pen: no alias, no domain in it, and nothing that gives it an address.
func (k *checker) isNowhere(name string) bool {
	if _, ok := k.aliases[name]; ok || strings.ContainsAny(name, ".:%") || equalFold(name, "localhost") {
		return false
	}
	h, _ := k.Resolve(name, Match{}) // a refusal is told for the host itself
	r := h.r
	canonical := len(r.set[kCanonicalDomains]) > 0
	if r.host != lower(name) || r.jump() != nil || h.ProxyCommand() != "" || canonical {
		return false
	}
	return !k.machine(name)
}

// machine tells whether hosts(5) has the name.
func (k *checker) machine(name string) bool {
	if k.machines == nil {
		k.machines = map[string]bool{}
		text, _ := os.ReadFile(k.env.HostsFile) // without it there are none
		for line := range strings.Lines(string(text)) {
			line, _, _ = strings.Cut(line, "#")
			for _, word := range strings.Fields(line) {
				k.machines[lower(word)] = true
			}
		}
	}
	return k.machines[lower(name)]
}

// checkLoops follows every host to the first hop of its way.
func (k *checker) checkLoops() {
	mark := 0
	for _, e := range k.Hosts() {
		mark++
		from := (&jump{host: e.Name}).key()
		if k.hops[from] == nil {
			continue // no name that could be asked for
		}
		if loop := k.follow(from, mark); loop != "" {
			k.reportLoop(loop, e.Name)
		}
	}
}

// follow walks from a hop until the way ends, or comes to one that was seen.
// What it has found holds for all hops on the way.
func (k *checker) follow(from string, mark int) (loop string) {
	var trail []*hop
	at := from
	for n := k.hops[at]; ; n = k.hop(n) {
		if n.mark == mark { // seen on this walk: a loop
			loop = at
			break
		}
		if n.mark != 0 {
			loop = n.loop
			break
		}
		n.mark = mark
		trail = append(trail, n)
		if at = n.via; at == "" {
			break
		}
	}
	for _, n := range trail {
		n.loop = loop
	}
	return loop
}

// hop is the next hop of the way, resolved if it is not known yet.
func (k *checker) hop(n *hop) *hop {
	if known, ok := k.hops[n.via]; ok {
		return known
	}
	m := Match{User: n.next.user}
	if n.next.port > 0 {
		m.Port = strconv.Itoa(n.next.port)
	}
	h, _ := k.Resolve(n.next.host, m) // a refusal is told for the host itself
	next := newHop(h)
	k.hops[n.via] = next
	return next
}

// reportLoop reports a loop at the line that closes it, once for all hosts
// that run into it.
func (k *checker) reportLoop(loop, host string) {
	names := []string{}
	n := k.hops[loop]
	last := n
	for first := true; first || n != k.hops[loop]; first = false {
		names = append(names, strconv.Quote(Printable(n.host)))
		last, n = n, k.hop(n)
	}
	f, isNew := k.find(jumpLoop, last.at.origin(), "")
	f.touch(host)
	if isNew {
		f.Message = "the jumps form a loop: " + strings.Join(append(names, names[0]), " via ")
		f.Fix = "Write \"ProxyJump none\" into the block of the host that is reached directly, above any block that sets it for all."
	}
}
