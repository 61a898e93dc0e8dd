package config

import (
	"strconv"
	"strings"
)

// Limits of parse_forward: of the whole, of a host (NI_MAXHOST) and of a
// socket's path (sun_path), each without the NUL byte.
const (
	longestForward = 255
	longestHost    = 1024
	longestSocket  = 107
)

// forward is a forward as parse_forward of readconf.c understands it. A host
// may be empty ("localhost only" or "any", by GatewayPorts) or absent.
type forward struct {
	listen, connect end
	dynamic         bool // connect is a SOCKS client's choice
}

// end is one side of a forward: a socket's path, or a port on a host.
type end struct {
	path  string
	host  string
	named bool // host was given
	port  int
}

// field is a part of a forward between colons.
type field struct {
	text string
	path bool // holds a slash
}

// parseForward reads [host:]port or path, then unless dynamic the same for
// the far end, all joined by colons.
func parseForward(spec string, dynamic, remote bool) (*forward, bool) {
	spec, err := expandEnv(spec)
	if err != nil {
		return nil, false
	}
	fields, ok := splitForward(strings.TrimLeft(spec, " \t\n\v\f\r"))
	if !ok {
		return nil, false
	}
	f, ok := arrangeForward(fields)
	if !ok || !f.valid(dynamic, remote, len(fields)) {
		return nil, false
	}
	return f, true
}

func splitForward(s string) (fields []field, ok bool) {
	for len(fields) < 4 && s != "" {
		var f field
		if f, s, ok = forwardField(s); !ok {
			return nil, false
		}
		fields = append(fields, f)
	}
	return fields, s == ""
}

// forwardField reads up to a colon. Square brackets hold a field together, a
// backslash a character.
func forwardField(s string) (f field, rest string, ok bool) {
	if s[0] == '[' {
		end := strings.IndexByte(s, ']')
		if end < 0 || end+1 < len(s) && s[end+1] != ':' {
			return f, s, false
		}
		f = field{s[1:end], strings.Contains(s[1:end], "/")}
		return f, strings.TrimPrefix(s[end+1:], ":"), true
	}
	var text strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ':':
			return field{text.String(), f.path}, s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return f, s, false
			}
		case '/':
			f.path = true
		}
		text.WriteByte(s[i])
	}
	return field{text.String(), f.path}, "", true
}

func at(path field) end { return end{path: path.text} }

// on is a port on a host; a port that is none is -1 and refused later.
func on(host *field, port field) end {
	n, ok := parsePort(port.text)
	if !ok {
		n = -1
	}
	if host == nil {
		return end{port: n}
	}
	return end{host: host.text, named: true, port: n}
}

// arrangeForward says what each field is, by their number and by which of
// them are paths.
func arrangeForward(p []field) (*forward, bool) {
	switch {
	case len(p) == 1 && p[0].path:
		return &forward{listen: at(p[0]), dynamic: true}, true
	case len(p) == 1:
		return &forward{listen: on(nil, p[0]), dynamic: true}, true
	case len(p) == 2 && p[0].path && p[1].path:
		return &forward{listen: at(p[0]), connect: at(p[1])}, true
	case len(p) == 2 && p[1].path:
		return &forward{listen: on(nil, p[0]), connect: at(p[1])}, true
	case len(p) == 2:
		return &forward{listen: on(&p[0], p[1]), dynamic: true}, true
	case len(p) == 3 && p[0].path:
		return &forward{listen: at(p[0]), connect: on(&p[1], p[2])}, true
	case len(p) == 3 && p[2].path:
		return &forward{listen: on(&p[0], p[1]), connect: at(p[2])}, true
	case len(p) == 3:
		return &forward{listen: on(nil, p[0]), connect: on(&p[1], p[2])}, true
	case len(p) == 4:
		return &forward{listen: on(&p[0], p[1]), connect: on(&p[2], p[3])}, true
	}
	return nil, false
}

// valid makes the checks at the end of parse_forward.
func (f *forward) valid(dynamic, remote bool, fields int) bool {
	switch {
	case dynamic && fields > 2:
		return false
	case !dynamic && fields < 3 && f.connect.path == "" && f.listen.path == "":
		return false
	case !dynamic && f.connect.port <= 0 && f.connect.path == "":
		return false
	case f.listen.port < 0 && f.listen.path == "":
		return false
	case !remote && f.listen.port == 0 && f.listen.path == "":
		return false
	}
	return f.listen.fits() && f.connect.fits()
}

func (e end) fits() bool { return len(e.host) <= longestHost && len(e.path) <= longestSocket }

// String is the end as ssh -G prints it.
func (e end) String() string {
	switch {
	case e.path != "":
		return e.path
	case !e.named:
		return strconv.Itoa(e.port)
	}
	return "[" + e.host + "]:" + strconv.Itoa(e.port)
}

// spec is the end as a person writes it: brackets only where they are needed.
func (e end) spec() string {
	if e.path == "" && e.named && !strings.ContainsAny(e.host, ":/") {
		return e.host + ":" + strconv.Itoa(e.port)
	}
	return e.String()
}
