package api

import (
	"slices"
	"strings"

	"sallyport/config"
)

// Query chooses hosts by words, all of which must fit. A word is
//
//	tag:NAME  user:NAME  via:NAME  file:NAME   what the host's field is, in any case
//	web*                                       a pattern of ssh_config(5) for the alias
//	web                                        the alias, or with Finds a part of any text
//
// and the NAME of a field may be a pattern, too.
type Query []string

// ParseQuery takes a query apart.
func ParseQuery(text string) Query { return strings.Fields(text) }

// Names tells whether a host is one that the query names. An empty query names
// none.
func (q Query) Names(h Host) bool {
	return len(q) > 0 && q.fits(h, func(word string) bool { return word == h.Name })
}

// Finds tells whether a search for the query finds a host: a word that names
// nothing more special may be anywhere in the host's texts, in any case. An
// empty query finds all.
func (q Query) Finds(h Host) bool {
	text := strings.ToLower(strings.Join(append(h.Fields(), h.Name), "\n"))
	return q.fits(h, func(word string) bool { return strings.Contains(text, strings.ToLower(word)) })
}

// fits tells whether all words fit; plain judges those that are neither a
// field nor a pattern.
func (q Query) fits(h Host, plain func(string) bool) bool {
	for _, word := range q {
		fits := plain(word)
		if values, pattern, ok := field(h, word); ok {
			fits = pattern != "" && slices.ContainsFunc(values, func(v string) bool {
				return config.MatchPattern(strings.ToLower(v), strings.ToLower(pattern))
			})
		} else if strings.ContainsAny(word, "*?") {
			fits = config.MatchPattern(h.Name, word)
		}
		if !fits {
			return false
		}
	}
	return true
}

// Plain parts a query into the words that are about a field or a pattern, and
// the others, which are for a search by letters. A field without a NAME yet is
// neither.
func (q Query) Plain() (special, plain Query) {
	for _, word := range q {
		_, pattern, isField := field(Host{}, word)
		switch {
		case isField && pattern == "":
		case isField || strings.ContainsAny(word, "*?"):
			special = append(special, word)
		default:
			plain = append(plain, word)
		}
	}
	return special, plain
}

// field is what a word with a colon is about. An address with colons is none.
func field(h Host, word string) (values []string, pattern string, ok bool) {
	name, pattern, ok := strings.Cut(word, ":")
	switch {
	case !ok:
	case name == "tag":
		return h.Tags, pattern, true
	case name == "user":
		return []string{h.User}, pattern, true
	case name == "via":
		return h.Via, pattern, true
	case name == "file":
		return []string{h.File}, pattern, true
	}
	return nil, "", false
}
