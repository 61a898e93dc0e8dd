package config

import (
	"strconv"
	"strings"
)

// jump is a ProxyJump as parse_jump of readconf.c understands it. The last
// hop of the list is the one that is dialled for; the ones before are handed
// on as they are written.
type jump struct {
	none  bool   // the word alone: no jump, and a later line sets none
	extra string // the hops before the last
	user  string
	host  string
	port  int // 0 if not given
}

// parseJump reads a list of [user@]host[:port] and ssh:// hops. It is strict on
// the command line, where names must not hold what a shell acts on. A jump is a
// value, since each of the hosts of a large configuration may have one that is
// only judged when it is read.
func (d *dialect) parseJump(s string, strict bool) (jump, bool) {
	if equalFold(s, "none") {
		return jump{none: true}, true
	}
	s, _, _ = strings.Cut(s, "#")
	const space = " \t\n\v\f\r"
	if i := strings.IndexAny(s, space); i > 0 && d.version < v10_1 {
		s = s[:i] // rtrim of misc.c cut at the first white space, not at the last
	}
	s = strings.TrimRight(s, space)
	var j jump
	for hops := s; ; {
		i := strings.LastIndexByte(hops, ',')
		hop, ok := parseHop(hops[i+1:])
		if !ok || strict && !(validHost(hop.host) && (hop.user == "" || d.validUser(hop.user))) {
			return jump{}, false
		}
		if len(hops) == len(s) { // the last one
			j = hop
			j.extra = hops[:max(i, 0)]
		}
		if i < 0 {
			return j, true
		}
		hops = hops[:i]
	}
}

// parseHop reads one hop.
func parseHop(s string) (jump, bool) {
	if uri, ok := strings.CutPrefix(s, "ssh://"); ok {
		return parseURI(uri)
	}
	var j jump
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		if i == 0 {
			return jump{}, false
		}
		j.user, s = s[:i], s[i+1:]
	}
	host, port, delim, ok := hostField(s)
	if !ok || host == "" || delim == '/' {
		return jump{}, false
	}
	j.host = unbracket(host)
	ok = j.setPort(port)
	return j, ok
}

// setPort is true for no port, too.
func (j *jump) setPort(s string) bool {
	if s == "" {
		return true
	}
	port, ok := parsePort(s)
	j.port = port
	return ok && port > 0
}

// parseURI reads what follows ssh:// (parse_uri of misc.c): no path is
// allowed, and connection parameters after a semicolon are not looked at.
func parseURI(s string) (jump, bool) {
	var j jump
	if user, rest, ok := strings.Cut(s, "@"); ok {
		user, _, _ = strings.Cut(user, ";")
		if j.user, ok = unescapeURL(user); !ok || user == "" {
			return jump{}, false
		}
		s = rest
	}
	host, rest, delim, ok := hostField(s)
	if !ok || host == "" {
		return jump{}, false
	}
	j.host = unbracket(host)
	domain, why := parseDomain(j.host)
	if why != "" {
		return jump{}, false
	}
	j.host = domain
	path := rest
	if delim == ':' && rest != "" {
		var port string
		port, path, _ = strings.Cut(rest, "/")
		if n, ok := parsePort(port); !ok || n == 0 {
			return jump{}, false
		} else {
			j.port = n
		}
	}
	return j, path == ""
}

// ValidDestination tells whether ssh takes a word for user@host or
// ssh://user@host:port; which names it refuses later is for Resolve to say.
func ValidDestination(word string) bool {
	if uri, ok := strings.CutPrefix(word, "ssh://"); ok {
		_, ok := parseURI(uri)
		return ok
	}
	return strings.LastIndexByte(word, '@') != 0
}

// ValidPort tells whether ssh takes a word for the port of its -p.
func ValidPort(word string) bool {
	port, ok := parsePort(word)
	return ok && port > 0
}

// unescapeURL undoes %xx and +; it refuses %00.
func unescapeURL(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '+':
			b.WriteByte(' ')
		case '%':
			if i+2 >= len(s) {
				return "", false
			}
			n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil || n == 0 {
				return "", false
			}
			b.WriteByte(byte(n))
			i += 2
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), true
}

// hostField is hpdelim2 of misc.c: it reads up to a colon or a slash, which is
// delim, or 0 at the end. A host in brackets must be followed by one of them.
func hostField(s string) (host, rest string, delim byte, ok bool) {
	i := strings.IndexAny(s, ":/")
	if strings.HasPrefix(s, "[") {
		i = strings.IndexByte(s, ']') + 1
		if i == 0 {
			return "", "", 0, false
		}
	}
	switch {
	case i < 0 || i == len(s):
		return s, "", 0, true
	case s[i] == ':' || s[i] == '/':
		return s[:i], s[i+1:], s[i], true
	}
	return "", "", 0, false
}

func unbracket(host string) string {
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		return host[1 : len(host)-1]
	}
	return host
}

// String is the jump list as ssh -G prints it.
func (j *jump) String() string {
	var b strings.Builder
	if j.extra != "" {
		b.WriteString(j.extra + ",")
	}
	if j.user != "" {
		b.WriteString(j.user + "@")
	}
	if strings.Contains(j.host, ":") || strings.Trim(j.host, "1234567890.") == "" {
		b.WriteString("[" + j.host + "]")
	} else {
		b.WriteString(j.host)
	}
	if j.port > 0 {
		b.WriteString(":" + strconv.Itoa(j.port))
	}
	return b.String()
}

// validHost is ssh_valid_hostname of ssh.c, with Debian's comma.
func validHost(s string) bool {
	return !strings.HasPrefix(s, "-") && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune("'`\"$\\;&<>|(){},", r)
	})
}

// validUser is ssh_valid_ruser of ssh.c, before 10.6.
func validUser(s string) bool {
	if strings.HasPrefix(s, "-") || strings.HasSuffix(s, `\`) || strings.Contains(s, " -") {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' || r == 0x7f || strings.ContainsRune("'`\";&<>|(){}", r)
	})
}
