package config

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ControlPath is what a ControlPath line says of the sockets that it leads to,
// whichever host they belong to.
type ControlPath struct {
	Folder string // "" where it differs from host to host
	Name   string // of the socket in it, a pattern of filepath.Match
}

// ControlPaths are those of all lines of the files, each once. To look into
// their folders costs less than to resolve every host.
func (c *Config) ControlPaths() []ControlPath {
	var all []ControlPath
	seen := map[string]bool{}
	for _, f := range c.reading {
		for i := range f.directives {
			d := &f.directives[i]
			if d.key != kControlPath || d.bad {
				continue
			}
			words, ok := splitWords(d.rest, nil)
			if !ok || len(words) == 0 || equalFold(words[0], "none") || seen[words[0]] {
				continue
			}
			seen[words[0]] = true
			all = append(all, c.controlPath(words[0]))
		}
	}
	return all
}

func (c *Config) controlPath(text string) ControlPath {
	folder, name := filepath.Split(text)
	p := ControlPath{Name: socketPattern(name)}
	if path, err := tilde(folder, c.paths.Home); err == nil {
		if path, err = expand(path, c.ownTokens, os.LookupEnv); err == nil {
			p.Folder = filepath.Clean(path)
		}
	}
	return p
}

// ownTokens are the tokens that are the same for every host.
func (c *Config) ownTokens(letter byte) (string, bool) {
	switch letter {
	case 'L', 'd', 'i', 'l', 'u':
		local, err := passwd()
		if err != nil {
			return "", false
		}
		r := resolution{Config: c, local: local}
		return r.tokens("", "")(letter)
	}
	return "", false
}

// hashLength is that of %C: a SHA-1 in hexadecimal digits.
const hashLength = 40

// socketPattern is the last part of a ControlPath as a pattern.
func socketPattern(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		switch {
		case strings.HasPrefix(name[i:], "${"):
			b.WriteByte('*')
			if end := strings.IndexByte(name[i:], '}'); end > 0 {
				i += end
			}
		case name[i] == '%' && i+1 < len(name):
			i++
			b.WriteString(tokenPattern(name[i]))
		case strings.IndexByte(`*?[\`, name[i]) >= 0:
			b.WriteByte('\\')
			b.WriteByte(name[i])
		default:
			b.WriteByte(name[i])
		}
	}
	return b.String()
}

func tokenPattern(letter byte) string {
	switch letter {
	case '%':
		return "%"
	case 'C':
		return strings.Repeat("[0-9a-f]", hashLength)
	case 'i':
		return strconv.Itoa(os.Getuid())
	case 'p':
		return "[0-9]*"
	}
	return "*"
}

// ControlPath is where a master of the host would listen, "" for nowhere.
func (h *Host) ControlPath() string {
	if !h.r.isValue(kControlPath) {
		return ""
	}
	return h.r.set[kControlPath][0].text
}
