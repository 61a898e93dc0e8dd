package config

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// Limits of a ControlPath: that of sun_path, and less where ssh listens, since
// it first makes the socket under a name that is 17 bytes longer (mux.c).
const (
	longestOnLinux = 107 // without the NUL byte
	longestOnBSD   = 103
	temporaryName  = 17
)

// longestControl is the limit of this system.
func longestControl() int {
	switch runtime.GOOS {
	case "darwin", "freebsd", "netbsd", "openbsd", "dragonfly":
		return longestOnBSD
	}
	return longestOnLinux
}

// socket is the first host that has a ControlPath.
type socket struct {
	host, to string
	at       place
}

// controlTokens looks for a path without what tells connections apart, where
// the hosts cannot be counted. ssh_config(5) asks for %h, %p and %r, or %C.
func (k *checker) controlTokens(at place, sc *scope) {
	if sc.unknown || !sc.always && !slices.ContainsFunc(sc.patterns, wild) {
		return
	}
	for _, v := range k.said(at) {
		lacking := lackingTokens(v.text)
		if len(lacking) == 0 || equalFold(v.text, "none") {
			continue
		}
		if f, isNew := k.findAt(controlShared, at); isNew {
			f.Message = fmt.Sprintf("the ControlPath lacks %s, so it can be the same for several connections", strings.Join(lacking, ", "))
			f.Fix = useHash
		}
	}
}

const useHash = "Put %C into it, as in ~/.ssh/%C, or %r@%h:%p."

// lackingTokens are those that a path should have.
func lackingTokens(path string) (lacking []string) {
	path = strings.ReplaceAll(path, "%%", "")
	if strings.Contains(path, "%C") {
		return nil
	}
	if !strings.Contains(path, "%h") && !strings.Contains(path, "%n") && !strings.Contains(path, "%k") {
		lacking = append(lacking, "%h")
	}
	for _, token := range []string{"%p", "%r"} {
		if !strings.Contains(path, token) {
			lacking = append(lacking, token)
		}
	}
	return lacking
}

// checkControlPath looks at the path of a host.
func (k *checker) checkControlPath(h *Host) {
	if !h.r.isValue(kControlPath) {
		return
	}
	v := h.r.set[kControlPath][0]
	if v.at.file == nil || !v.at.file.user {
		return
	}
	k.controlLength(h, v)
	to := h.destination()
	first, taken := k.sockets[v.text]
	if !taken {
		k.sockets[v.text] = socket{h.Name, to, v.at}
		return
	}
	if first.to == to {
		return
	}
	f, isNew := k.find(controlShared, v.at.origin(), "")
	if isNew {
		f.Message = fmt.Sprintf("%q has the same ControlPath as %q, %s", Printable(h.Name), Printable(first.host), Printable(v.text))
		f.Fix = useHash
	}
	f.touch(h.Name)
}

// destination tells connections apart.
func (h *Host) destination() string {
	return h.User() + "@" + h.HostName() + ":" + strconv.Itoa(h.Port())
}

// controlLength reports a path that is too long for the socket, or for the one
// that ssh makes first.
func (k *checker) controlLength(h *Host, v value) {
	limit := longestControl()
	if master := h.r.text(kControlMaster); master != "" && master != "false" {
		limit -= temporaryName
	}
	if len(v.text) <= limit {
		return
	}
	f, isNew := k.find(controlTooLong, v.at.origin(), "")
	f.touch(h.Name)
	if !isNew {
		return
	}
	f.Message = fmt.Sprintf("the ControlPath of %q has %d bytes, of which ssh can use %d: %s", Printable(h.Name), len(v.text), limit, Printable(v.text))
	f.Fix = "Use %C in a short directory, as in ~/.ssh/%C: it is always 40 bytes long."
}
