package transport

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// jump is one station of a ProxyJump list; user and port are "" where it does
// not say them.
type jump struct {
	user, host, port string
}

func (j jump) String() string {
	s := j.host
	if strings.ContainsAny(s, ":") {
		s = "[" + s + "]"
	}
	if j.user != "" {
		s = j.user + "@" + s
	}
	if j.port != "" {
		s += ":" + j.port
	}
	return s
}

// joinJumps writes a list as ProxyJump takes it.
func joinJumps(list []jump) string {
	words := make([]string, len(list))
	for i, j := range list {
		words[i] = j.String()
	}
	return strings.Join(words, ",")
}

// parseJumps reads a ProxyJump list (readconf.c parse_jump): [user@]host[:port]
// or ssh://[user@]host[:port], separated by commas. It is never empty.
func parseJumps(list string) ([]jump, error) {
	var jumps []jump
	for word := range strings.SplitSeq(list, ",") {
		j, err := parseJump(word)
		if err != nil {
			return nil, fmt.Errorf("ProxyJump %q: %w", list, err)
		}
		jumps = append(jumps, j)
	}
	return jumps, nil
}

func parseJump(word string) (jump, error) {
	var j jump
	if word == "" {
		return j, fmt.Errorf("a jump is empty")
	}
	rest, isURI := cutScheme(word)
	rest, err := j.takeUser(rest, isURI)
	if err != nil {
		return j, err
	}
	if err := j.takeHostPort(rest, isURI); err != nil {
		return j, fmt.Errorf("%q: %w", word, err)
	}
	return j, j.check()
}

func cutScheme(word string) (rest string, isURI bool) {
	const scheme = "ssh://"
	if len(word) >= len(scheme) && strings.EqualFold(word[:len(scheme)], scheme) {
		return word[len(scheme):], true
	}
	return word, false
}

// takeUser cuts off "user@". In a URI parameters after ";" are ignored, as
// misc.c parse_uri does, and the name is percent-decoded.
func (j *jump) takeUser(s string, isURI bool) (rest string, err error) {
	at := strings.LastIndexByte(s, '@')
	if isURI {
		at = strings.IndexByte(s, '@')
	}
	if at < 0 {
		return s, nil
	}
	j.user = s[:at]
	if isURI {
		user, _, _ := strings.Cut(j.user, ";")
		if j.user, err = url.PathUnescape(user); err != nil {
			return "", fmt.Errorf("user %q is badly encoded", user)
		}
	}
	if j.user == "" {
		return "", fmt.Errorf("the user before @ is empty")
	}
	return s[at+1:], nil
}

// takeHostPort reads host, host:port, [address] or [address]:port.
func (j *jump) takeHostPort(s string, isURI bool) error {
	if isURI {
		s = strings.TrimSuffix(s, "/") // a path is not allowed, an empty one is
	}
	rest := ""
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return fmt.Errorf("a ] is missing")
		}
		j.host, rest = s[1:end], s[end+1:]
		if rest != "" && rest[0] != ':' {
			return fmt.Errorf("%q after the address", rest)
		}
		rest = strings.TrimPrefix(rest, ":")
	} else {
		j.host, rest, _ = strings.Cut(s, ":")
		if strings.Contains(rest, ":") {
			return fmt.Errorf("an IPv6 address needs brackets: [%s]", s)
		}
	}
	if rest == "" {
		return nil
	}
	port, err := strconv.ParseUint(rest, 10, 16)
	if err != nil || port == 0 {
		return fmt.Errorf("%q is no port", rest)
	}
	j.port = strconv.FormatUint(port, 10)
	return nil
}

// check refuses what would be an option or several words to the ssh of a
// jump.
func (j jump) check() error {
	switch {
	case j.host == "":
		return fmt.Errorf("a jump has no host")
	case strings.HasPrefix(j.host, "-"), strings.HasPrefix(j.user, "-"):
		return fmt.Errorf("%q begins with a dash", j.String())
	case strings.ContainsAny(j.host, " \t\r\n\x00'\"`$\\;&<>|(){}/@"):
		return fmt.Errorf("%q is no host name", j.host)
	case strings.Contains(j.user, "://"), strings.ContainsAny(j.user, "\t\r\n\x00'\"`$;&<>|(){},"):
		return fmt.Errorf("%q is no user name", j.user)
	}
	return nil
}
