package config

import (
	"fmt"
	"strconv"
)

// claim is a host that wants to listen somewhere.
type claim struct {
	address string // "" for all
	host    string
	to      string
	at      place
}

// loopback stands for the addresses that "localhost" means.
const loopback = "localhost"

// checkPorts looks for other hosts that want to listen where this one does.
func (k *checker) checkPorts(h *Host) {
	for _, v := range h.r.set[kLocalForward] {
		if v.at.file == nil || !v.at.file.user {
			continue
		}
		own := claim{address: h.listens(v.fwd.listen), host: h.Name, to: h.destination(), at: v.at}
		where := v.fwd.listen.path
		if where == "" {
			where = strconv.Itoa(v.fwd.listen.port)
		}
		k.claim(where, own)
	}
}

// listens is the address on which a forward listens.
func (h *Host) listens(e end) string {
	switch {
	case e.path != "":
		return ""
	case !e.named && h.r.text(kGatewayPorts) != "yes", e.host == "127.0.0.1", e.host == "::1":
		return loopback
	case e.host == "*":
		return ""
	}
	return e.host
}

// claim reports the first claim that stands in the way, and notes the own.
func (k *checker) claim(where string, own claim) {
	known := false
	for _, other := range k.claims[where] {
		known = known || other.address == own.address
		if other.address != own.address && other.address != "" && own.address != "" {
			continue
		}
		if other.at == own.at && other.to == own.to { // another name of one host
			continue
		}
		k.taken(where, own, other)
		break
	}
	if !known {
		k.claims[where] = append(k.claims[where], own)
	}
}

func (k *checker) taken(where string, own, other claim) {
	f, isNew := k.find(portTaken, own.at.origin(), "")
	if !isNew {
		f.touch(own.host)
		return
	}
	what := "port " + where
	if _, err := strconv.Atoi(where); err != nil {
		what = Printable(where)
	}
	line := Printable(other.at.origin().String())
	switch {
	case other.at == own.at:
		f.Message = fmt.Sprintf("all hosts that this line is for want to listen on %s, %q and %q among them", what, Printable(other.host), Printable(own.host))
		f.touch(other.host)
	case other.host == own.host:
		f.Message = fmt.Sprintf("%q wants to listen on %s twice, here and at %s", Printable(own.host), what, line)
	default:
		f.Message = fmt.Sprintf("%q wants to listen on %s, as %q does (%s)", Printable(own.host), what, Printable(other.host), line)
	}
	f.Fix = "Give one of them another port."
	f.touch(own.host)
}
