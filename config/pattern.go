package config

import "strings"

// MatchPattern tells whether s matches a pattern of ssh_config(5), PATTERNS:
// one with * and ?, without a list's commas and negations.
func MatchPattern(s, pattern string) bool { return matchPattern(s, pattern) }

// matchPattern tells whether s matches a pattern in which * stands for any
// bytes and ? for one (match_pattern of match.c). Its cost is at most the
// product of both lengths.
func matchPattern(s, pattern string) bool {
	si, pi := 0, 0
	star, mark := -1, 0
	for si < len(s) {
		switch {
		case pi < len(pattern) && pattern[pi] == '*':
			star, mark = pi, si
			pi++
		case pi < len(pattern) && (pattern[pi] == '?' || pattern[pi] == s[si]):
			si++
			pi++
		case star >= 0:
			mark++
			si, pi = mark, star+1
		default:
			return false
		}
	}
	return strings.Trim(pattern[pi:], "*") == ""
}

// longestSubpattern is the limit of match_pattern_list: a longer one makes the
// whole list match nothing.
const longestSubpattern = 1023

// matchList matches s against comma-separated patterns, each of which may be
// negated with !. It is true if one matched and no negated one did.
func matchList(s, list string, fold bool) bool { return listMatch(s, list, fold) == 1 }

// listMatch is match_pattern_list of match.c: 1 for a match, -1 for a negated
// match, 0 for none.
func listMatch(s, list string, fold bool) int {
	if fold {
		list = lower(list)
	}
	found := 0
	for list != "" {
		negated := list[0] == '!'
		if negated {
			list = list[1:]
		}
		sub, rest, _ := strings.Cut(list, ",")
		list = rest
		if len(sub) >= longestSubpattern {
			return 0
		}
		if !matchPattern(s, sub) {
			continue
		}
		if negated {
			return -1
		}
		found = 1
	}
	return found
}

// matchHost is matchList for host names, in which case does not count.
func matchHost(host, list string) bool { return matchList(lower(host), list, true) }

// plain tells whether a Host pattern is just a name.
func plain(pattern string) bool {
	for i := 0; i < len(pattern); i++ {
		if c := pattern[i]; c == '*' || c == '?' || c == '!' {
			return false
		}
	}
	return true
}
