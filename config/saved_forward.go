package config

import "strings"

// puttyForwards reads PortForwardings: "L8080=localhost:80,D1080=", with a 4
// or 6 before the letter for one family of addresses.
func (s *Saved) puttyForwards(from savedSection) {
	wide := map[byte]bool{'R': from.number("RemotePortAcceptAll", 0) != 0, 'L': from.number("LocalPortAcceptAll", 0) != 0}
	wide['D'] = wide['L']
	seen := map[Assignment]bool{}
	for _, f := range splitEscaped(from.text("PortForwardings"), ',') {
		if f == "" {
			continue
		}
		ends := splitEscaped(f, '=')
		for i := range ends {
			ends[i] = unescapeComma(ends[i])
		}
		o, ok := puttyForward(ends, wide)
		switch {
		case !ok:
			s.note("its forward %s is not imported", Printable(unescapeComma(f)))
		case !seen[o]:
			seen[o] = true
			s.options = append(s.options, o)
		}
	}
}

// puttyForward is one forward as an option: its listening end with the letter,
// and where it leads. Without an address it listens where PuTTY would.
func puttyForward(ends []string, wide map[byte]bool) (Assignment, bool) {
	listen := ends[0]
	family := strings.TrimRight(listen[:min(1, len(listen))], "LRD")
	listen = listen[len(family):]
	if len(ends) > 2 || listen == "" || !strings.Contains("46", family) {
		return Assignment{}, false
	}
	k, known := map[byte]key{'L': kLocalForward, 'R': kRemoteForward, 'D': kDynamicForward}[listen[0]]
	spec := bindAddress(listen[1:], family, wide[listen[0]])
	if k == kLocalForward && len(ends) == 2 && ends[1] == "D" {
		k = kDynamicForward
	}
	if k != kDynamicForward {
		if len(ends) < 2 || ends[1] == "" {
			return Assignment{}, false
		}
		spec += ":" + ends[1]
	}
	line, ok := forwardLine(spec, k)
	if !known || !ok || !validHost(spec) || strings.ContainsAny(spec, "%/") || k != kDynamicForward && !strings.Contains(line, " ") {
		return Assignment{}, false
	}
	return Assignment{keywords[k].name, line}, true
}

// bindAddress puts the address before a port that PuTTY would listen at, where
// ssh might choose another one.
func bindAddress(listen, family string, wide bool) string {
	if strings.Contains(listen, ":") {
		return listen
	}
	address := map[string]string{"4": "127.0.0.1:", "6": "[::1]:"}[family]
	if wide {
		address = map[string]string{"": "*:", "4": "0.0.0.0:", "6": "[::]:"}[family]
	}
	return address + listen
}

// splitEscaped parts a text at a character that no backslash stands before.
func splitEscaped(s string, at byte) (parts []string) {
	start := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case at:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

func unescapeComma(s string) string {
	return strings.NewReplacer(`\\`, `\`, `\,`, `,`, `\=`, `=`).Replace(s)
}
