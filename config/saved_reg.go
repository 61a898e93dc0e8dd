package config

import (
	"strconv"
	"strings"
)

// isRegistry tells what regedit has exported: since Windows 2000 with the first
// of these lines, before and for old systems with the other.
func isRegistry(text string) bool {
	first, _, _ := strings.Cut(strings.TrimLeft(text, white), "\n")
	first = strings.TrimRight(first, white)
	return strings.HasPrefix(first, "Windows Registry Editor Version ") || first == "REGEDIT4"
}

// parseRegistry reads the keys of an export with their strings and numbers. A
// number becomes a decimal text, as in the other lists.
func parseRegistry(text string) (keys []savedSection) {
	for text != "" {
		line, rest, _ := strings.Cut(text, "\n")
		line = strings.Trim(line, white)
		switch {
		case strings.HasPrefix(line, "["):
			keys = append(keys, savedSection{name: strings.TrimSuffix(line[1:], "]")})
		case strings.HasPrefix(line, `"`) && len(keys) > 0:
			last := &keys[len(keys)-1]
			var v savedValue
			var ok bool
			if v, rest, ok = registryValue(text); ok {
				last.values = append(last.values, v)
			}
		}
		text = rest
	}
	return keys
}

// registryValue reads "name"="text" or "name"=dword:00000016 from where its
// line begins. A text may run over several lines.
func registryValue(text string) (v savedValue, rest string, ok bool) {
	name, after, ok := registryString(text)
	if !ok || !strings.HasPrefix(after, "=") {
		return v, afterLine(text), false
	}
	if strings.HasPrefix(after[1:], `"`) {
		value, rest, ok := registryString(after[1:])
		if !ok {
			return v, afterLine(text), false // never closed: only this line is lost
		}
		return savedValue{name, value}, afterLine(rest), true
	}
	line, rest, _ := strings.Cut(after[1:], "\n")
	digits, ok := strings.CutPrefix(strings.Trim(line, white), "dword:")
	n, err := strconv.ParseUint(digits, 16, 32)
	return savedValue{name, strconv.Itoa(int(int32(n)))}, rest, ok && err == nil
}

// registryString reads a string in quotes, in which a backslash stands before
// a quote and before itself.
func registryString(text string) (s, rest string, ok bool) {
	var b strings.Builder
	text = strings.TrimLeft(text, white)
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return b.String(), text[i+1:], true
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

func afterLine(text string) string {
	_, rest, _ := strings.Cut(text, "\n")
	return rest
}

// puttyKey is where PuTTY has its sessions, below the key of a user.
const puttyKey = `\software\simontatham\putty\sessions\`

// puttyRegistry are PuTTY's sessions among the keys of an export.
func puttyRegistry(keys []savedSection) []*Saved {
	var sessions []savedSection
	for _, k := range keys {
		i := strings.Index(lower(k.name), puttyKey)
		if i < 0 || strings.HasPrefix(k.name, "-") { // a key with a dash before it is one to delete
			continue
		}
		if name := k.name[i+len(puttyKey):]; !strings.Contains(name, `\`) {
			sessions = append(sessions, savedSection{unescapeName(name), k.values})
		}
	}
	return puttySessions(sessions)
}
