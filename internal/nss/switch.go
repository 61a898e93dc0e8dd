package nss

import "strings"

// source is one word of a line of nsswitch.conf(5): where to look.
type source struct {
	name  string
	usual bool // its actions in brackets say what holds without them
}

// parseSwitch reads the sources of each database. What cannot be understood is
// the C library's affair.
func parseSwitch(text string) (databases map[string][]source, understood bool) {
	databases = map[string][]source{}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		database, rest, ok := strings.Cut(line, ":")
		if !ok {
			return nil, false
		}
		sources, ok := parseSources(rest)
		if !ok {
			return nil, false
		}
		database = strings.TrimSpace(database)
		databases[database] = append(databases[database], sources...)
	}
	return databases, true
}

// parseSources reads "files dns [!UNAVAIL=return] myhostname".
func parseSources(text string) ([]source, bool) {
	var sources []source
	words := strings.Fields(strings.NewReplacer("[", " [ ", "]", " ] ").Replace(text))
	for len(words) > 0 {
		if words[0] != "[" {
			sources = append(sources, source{words[0], true})
			words = words[1:]
			continue
		}
		actions := words[1:]
		for words = actions; len(words) > 0 && words[0] != "]"; {
			words = words[1:]
		}
		if len(words) == 0 || len(sources) == 0 {
			return nil, false
		}
		actions, words = actions[:len(actions)-len(words)], words[1:]
		for _, action := range actions {
			latest := &sources[len(sources)-1]
			latest.usual = latest.usual && isUsual(action, len(words) == 0)
		}
	}
	return sources, true
}

// isUsual tells whether an action changes nothing. After the last source there
// is nothing to continue with.
func isUsual(action string, last bool) bool {
	switch strings.ToLower(action) {
	case "success=return", "notfound=continue", "unavail=continue", "tryagain=continue":
		return true
	case "notfound=return", "unavail=return", "tryagain=return":
		return last
	}
	return false
}
