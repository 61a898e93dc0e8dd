package tunnels

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Limits of parse_forward in readconf.c: NI_MAXHOST, and PATH_MAX_SUN of
// Linux, both with the NUL.
const (
	maxHost = 1025
	maxPath = 108
)

// errFields says that the number of fields fits no form of the kind.
var errFields = errors.New("it has the wrong number of parts")

// Parse reads a forward as ssh's -L, -R and -D take it ("8080:localhost:80",
// "[::1]:8080:host:80", "/run/x.sock:host:80") and as ssh_config writes it
// ("8080 localhost:80"). A field with a slash is a path, as in ssh; an empty
// bind address listens everywhere, as "*" does.
func Parse(kind Kind, s string) (Spec, error) {
	spec, err := parse(kind, s)
	if err != nil {
		return Spec{}, fmt.Errorf("%q is no %s: %w", s, example[kind], err)
	}
	return spec, nil
}

// Check refuses what no Parse can have given.
func (s Spec) Check() error {
	read, err := Parse(s.Kind, s.argument())
	if err == nil && read != s {
		err = fmt.Errorf("%q is no forward", s)
	}
	return err
}

// example is how an error names what was expected.
var example = map[Kind]string{
	Local:   "local forward such as 8080:localhost:80",
	Remote:  "remote forward such as 8080:localhost:80 or 1080",
	Dynamic: "dynamic forward such as 1080",
}

// parse tries what the kind may look like, in the order of ssh: one word of a
// command line, two words of a file, and for -R a lone port, which is a SOCKS
// proxy. The error is that of the form that was most probably meant.
func parse(kind Kind, s string) (Spec, error) {
	if strings.IndexByte(s, 0) >= 0 {
		return Spec{}, errors.New("it has a NUL byte")
	}
	s = strings.TrimLeftFunc(s, func(r rune) bool { return r < 0x80 && isSpace(byte(r)) })
	switch kind {
	case Local:
		return parseStatic(kind, s)
	case Dynamic:
		return parseDynamic(kind, s)
	case Remote:
		spec, err := parseStatic(kind, s)
		if !errors.Is(err, errFields) {
			return spec, err
		}
		return parseDynamic(kind, s)
	}
	return Spec{}, fmt.Errorf("%q is no kind of forward", kind)
}

// parseStatic reads a forward with a target. In a file listener and target
// are two words, which ssh joins with a colon (process_config_line).
func parseStatic(kind Kind, s string) (Spec, error) {
	spec, err := parseTarget(kind, s)
	if err == nil {
		return spec, nil
	}
	if listen, connect, two := twoWords(s); two {
		return parseTarget(kind, listen+":"+connect)
	}
	return Spec{}, err
}

func parseTarget(kind Kind, s string) (Spec, error) {
	fields, ok := split(s)
	if !ok {
		return Spec{}, errFields
	}
	switch n := len(fields); {
	case n == 2 && fields[1].path:
		return static(kind, fields[:1], fields[1:])
	case n == 3 && !fields[0].path && fields[2].path:
		return static(kind, fields[:2], fields[2:])
	case n == 3:
		return static(kind, fields[:1], fields[1:])
	case n == 4:
		return static(kind, fields[:2], fields[2:])
	}
	return Spec{}, errFields
}

func parseDynamic(kind Kind, s string) (Spec, error) {
	fields, ok := split(s)
	if !ok || len(fields) > 2 {
		return Spec{}, errFields
	}
	listen, err := listener(kind, fields)
	return Spec{Kind: kind, Listen: listen}, err
}

func static(kind Kind, listen, connect []field) (Spec, error) {
	l, err := listener(kind, listen)
	if err != nil {
		return Spec{}, err
	}
	c, err := target(connect)
	if err != nil {
		return Spec{}, err
	}
	return Spec{Kind: kind, Listen: l, Connect: c}, nil
}

// listener reads "port", "host:port" or a path. Only the far side can choose
// a port by itself, so 0 is for -R.
func listener(kind Kind, fields []field) (Address, error) {
	if len(fields) == 1 && fields[0].path {
		return unixAddress(fields[0].text)
	}
	lowest := 1
	if kind == Remote {
		lowest = 0
	}
	port, err := parsePort(fields[len(fields)-1].text, lowest)
	if err != nil || len(fields) == 1 {
		return Address{Network: "tcp", Port: port}, err
	}
	host := fields[0].text
	if host == "" {
		host = "*" // channel_fwd_bind_addr takes both for everywhere
	}
	return tcpAddress(host, port)
}

// target reads "host:port" or a path.
func target(fields []field) (Address, error) {
	if len(fields) == 1 {
		return unixAddress(fields[0].text)
	}
	port, err := parsePort(fields[1].text, 1)
	if err != nil {
		return Address{}, err
	}
	return tcpAddress(fields[0].text, port)
}

func tcpAddress(host string, port int) (Address, error) {
	if len(host) >= maxHost {
		return Address{}, errors.New("the host name is too long")
	}
	return Address{Network: "tcp", Host: host, Port: port}, nil
}

func unixAddress(path string) (Address, error) {
	if len(path) >= maxPath {
		return Address{}, fmt.Errorf("the path of a socket has at most %d bytes", maxPath-1)
	}
	return Address{Network: "unix", Path: path}, nil
}

// parsePort reads a number, as strtonum(3) does, or the name of a service, as
// a2port in misc.c.
func parsePort(s string, lowest int) (int, error) {
	port, err := strconv.Atoi(strings.TrimLeft(s, " \t\n\v\f\r"))
	if err != nil && s != "" {
		port, err = net.LookupPort("tcp", s)
	}
	if err != nil || port < lowest || port > 65535 {
		return 0, fmt.Errorf("%q is no port (%d to 65535)", s, lowest)
	}
	return port, nil
}

// field is what stands between two colons; one with a slash is a path.
type field struct {
	text string
	path bool
}

// split cuts a forward at its colons, as parse_forward does: at most four
// fields, a last colon is ignored, what stands in brackets is literal, and a
// backslash takes the next byte as it is.
func split(s string) ([]field, bool) {
	var fields []field
	for s != "" && len(fields) < 4 {
		f, rest, ok := next(s)
		if !ok {
			return nil, false
		}
		fields, s = append(fields, f), rest
	}
	return fields, s == "" && len(fields) > 0
}

// next is parse_fwd_field of readconf.c.
func next(s string) (f field, rest string, ok bool) {
	if s[0] == '[' {
		return nextBracketed(s[1:])
	}
	var text []byte
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ':':
			return field{string(text), f.path}, s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return field{}, "", false
			}
		case '/':
			f.path = true
		}
		text = append(text, s[i])
	}
	return field{string(text), f.path}, "", true
}

func nextBracketed(s string) (f field, rest string, ok bool) {
	text, rest, ok := strings.Cut(s, "]")
	if !ok || rest != "" && rest[0] != ':' {
		return field{}, "", false
	}
	return field{text, strings.Contains(text, "/")}, strings.TrimPrefix(rest, ":"), true
}

// twoWords parts a string at its only white space.
func twoWords(s string) (first, second string, ok bool) {
	words := strings.FieldsFunc(s, func(r rune) bool { return r < 0x80 && isSpace(byte(r)) })
	if len(words) != 2 {
		return "", "", false
	}
	return words[0], words[1], true
}

// isSpace is isspace(3) of the C locale.
func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }
