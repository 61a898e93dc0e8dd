package config

import (
	"strconv"
	"strings"
)

// Kinds of proxies, as PuTTY's conf-enums.h numbers them; WinSCP and MobaXterm
// have the first six.
const (
	proxyNone = iota
	proxySOCKS4
	proxySOCKS5
	proxyHTTP
	proxyTelnet
	proxyCommand
	proxySSH
	proxySSHCommand
	proxySSHSubsystem
)

var proxyNames = [...]string{proxySOCKS4: "a SOCKS 4 proxy", proxySOCKS5: "a SOCKS 5 proxy", proxyHTTP: "an HTTP proxy", proxyTelnet: "a Telnet proxy",
	proxySSHCommand: "a command on another host", proxySSHSubsystem: "a subsystem of another host"}

// puttyProxyKind is which proxy a session has. ProxyType is what PuTTY wrote
// before 0.53.
func puttyProxyKind(from savedSection) int {
	if kind := from.number("ProxyMethod", -1); from.has("ProxyMethod") {
		return kind
	}
	old := []int{proxyNone, proxyHTTP, proxySOCKS5, proxyTelnet, proxyCommand}
	kind := from.number("ProxyType", 0)
	if !from.has("ProxyType") || kind >= 0 && kind < len(old) {
		return old[kind]
	}
	return -1
}

// puttyProxy makes a session's proxy the way to its host. A session that has
// another one than ssh can have is left out: without its proxy it would dial
// the host directly.
func (s *Saved) puttyProxy(from, defaults savedSection) {
	kind := puttyProxyKind(from)
	if kind == proxyNone || s.bypasses(from) {
		return
	}
	host := strings.TrimSpace(from.text("ProxyHost"))
	switch {
	case kind == proxySSH && host == "":
		s.refuse("it is reached through another host, and does not say which")
	case kind == proxySSH:
		s.way = way{session: host, user: from.text("ProxyUsername")}
		s.puttyHop(from, defaults)
	case kind == proxyCommand:
		s.puttyCommand(from)
	case kind > 0 && kind < len(proxyNames):
		s.refuse("it is reached through %s, which ssh has not: write a ProxyCommand for it", proxyNames[kind])
	default:
		s.refuse("it is reached through a proxy that is not known here")
	}
}

// puttyHop is the way where ProxyHost is no session but a host: then it is
// dialled as the default session says.
func (s *Saved) puttyHop(from, defaults savedSection) {
	if puttyProxyKind(defaults) != proxyNone {
		return // through yet another proxy: no hop
	}
	hop := &Saved{}
	hop.address(s.way.session, defaults.text("UserName"), from.text("ProxyPort"))
	if s.way.user != "" {
		hop.user = s.way.user
	}
	s.way.jump, s.way.hosts = hop.hop(), []string{hop.hostName}
}

// hop is the address of a session as ProxyJump has it, "" if it cannot be one.
func (s *Saved) hop() string {
	if s.hostName == "" || !validHost(s.hostName) || strings.ContainsAny(s.hostName, "@/%#*?!") || equalFold(s.hostName, "none") {
		return ""
	}
	hop := s.hostName
	if strings.Contains(hop, ":") {
		hop = "[" + hop + "]"
	}
	if s.user != "" {
		if !validUser(s.user) || strings.ContainsAny(s.user, "%$#:/, \t\\") {
			return ""
		}
		hop = s.user + "@" + hop
	}
	switch port, why := number(s.port, 0, 65535); {
	case s.port != "" && why != "":
		return ""
	case port > 0:
		hop += ":" + strconv.Itoa(int(port))
	}
	return hop
}

// bypasses is proxy_for_destination of PuTTY: which hosts are dialled without
// the proxy. An address of the list is compared with the name only: which
// address the name has, the list does not say.
func (s *Saved) bypasses(from savedSection) bool {
	if from.number("ProxyLocalhost", 0) == 0 && isLocal(s.hostName) {
		return true
	}
	for _, pattern := range strings.FieldsFunc(from.text("ProxyExcludeList"), func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		host, part := lower(s.hostName), lower(strings.Trim(pattern, "*"))
		switch {
		case strings.HasPrefix(pattern, "*") && strings.HasSuffix(host, part),
			strings.HasSuffix(pattern, "*") && strings.HasPrefix(host, part),
			host == lower(pattern):
			return true
		}
	}
	return false
}

// puttyCommand is a proxy that is a command of this computer: what is in its
// words for PuTTY is put in those of ssh.
func (s *Saved) puttyCommand(from savedSection) {
	words := from.text("ProxyTelnetCommand")
	command, ok := puttyWords(words, map[string]string{
		"host": "%h", "port": "%p",
		"proxyhost": escapePercent(from.text("ProxyHost")), "proxyport": escapePercent(from.text("ProxyPort")),
		"user": escapePercent(from.text("ProxyUsername")),
	})
	command = strings.TrimSpace(command)
	_, err := oneLine(command)
	switch {
	case !ok:
		s.refuse("its proxy is a command with a password in it, which is not written into a file")
	case command == "" || err != nil || strings.HasPrefix(command, "=") || equalFold(command, "none"):
		s.refuse("its proxy is a command that no line can hold: %s", Printable(words))
	case strings.Contains(lower(command), ".exe") || strings.Contains(command, `:\`):
		s.refuse("its proxy is a command of Windows: %s", Printable(words))
	default:
		s.way.command = command
	}
}

func escapePercent(s string) string { return strings.ReplaceAll(s, "%", "%%") }

// puttyWords is format_connection_setup_command of PuTTY with other values. It
// reports false where the password would stand.
func puttyWords(format string, values map[string]string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		switch c := format[i]; {
		case c == '\\' && i+1 < len(format):
			i++
			i += puttyEscape(&b, format[i:])
		case c == '%' && strings.HasPrefix(format[i+1:], "%"):
			b.WriteString("%%")
			i++
		case c == '%':
			name := puttyName(format[i+1:])
			if name == "pass" {
				return "", false
			}
			value, known := values[name]
			if !known {
				value = "%%"
			}
			b.WriteString(value)
			i += len(name)
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), true
}

// puttyName is the name of a value at the start of s, in any case, or "".
func puttyName(s string) string {
	for _, name := range []string{"host", "port", "user", "pass", "proxyhost", "proxyport"} {
		if len(s) >= len(name) && equalFold(s[:len(name)], name) {
			return name
		}
	}
	return ""
}

// puttyEscape writes what stands behind a backslash, and tells how many bytes
// of it follow the first.
func puttyEscape(b *strings.Builder, s string) int {
	switch s[0] {
	case '\\':
		b.WriteByte('\\')
	case '%':
		b.WriteString("%%")
	case 'r':
		b.WriteByte('\r')
	case 'n':
		b.WriteByte('\n')
	case 't':
		b.WriteByte('\t')
	case 'x', 'X':
		if len(s) > 2 {
			if n, err := strconv.ParseUint(s[1:3], 16, 8); err == nil {
				b.WriteString(escapePercent(string([]byte{byte(n)})))
				return 2
			}
		}
		b.WriteString(s[:1])
	default:
		b.WriteString(`\` + s[:1])
	}
	return 0
}
