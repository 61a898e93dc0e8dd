package config

import (
	"errors"
	"fmt"
	"strings"
)

// tokens says what a %-letter stands for, and false for a letter that may not
// stand here.
type tokens func(letter byte) (string, bool)

// lookupEnv finds an environment variable.
type lookupEnv func(name string) (string, bool)

// errNoVariable is what ssh ends with when a ${VARIABLE} is not set.
var errNoVariable = errors.New("invalid environment variable expansion")

// expand is vdollar_percent_expand of misc.c: it puts values in place of
// %-tokens, unless t is nil, and of ${VARIABLE}, unless env is nil.
func expand(s string, t tokens, env lookupEnv) (string, error) {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '$') < 0 {
		return s, nil
	}
	var b strings.Builder
	unset := ""
	for i := 0; i < len(s); i++ {
		switch {
		case env != nil && strings.HasPrefix(s[i:], "${"):
			name, _, closed := strings.Cut(s[i+2:], "}")
			if !closed {
				return "", fmt.Errorf("environment variable '%s' missing closing '}'", Printable(s[i+2:]))
			}
			if name == "" {
				return "", errors.New("zero-length environment variable")
			}
			value, ok := env(name)
			if !ok && unset == "" {
				unset = name
			}
			b.WriteString(value)
			i += len("${") + len(name)
		case t != nil && s[i] == '%':
			if i++; i == len(s) {
				return "", errors.New("invalid format: a % at the end")
			}
			value, ok := "%", true
			if s[i] != '%' {
				value, ok = t(s[i])
			}
			if !ok {
				return "", fmt.Errorf("unknown key %%%s", Printable(s[i:i+1]))
			}
			b.WriteString(value)
		default:
			b.WriteByte(s[i])
		}
	}
	if unset != "" {
		return "", fmt.Errorf("%w: env var ${%s} has no value", errNoVariable, Printable(unset))
	}
	return b.String(), nil
}
