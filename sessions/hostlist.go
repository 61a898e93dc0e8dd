package sessions

import (
	"fmt"
	"strconv"
	"strings"
)

// hostsLimit is the most names that a list of hosts is good for.
const hostsLimit = 4096

// hosts are the names in a list as Slurm writes it (squeue(1), %N): commas
// between names, and in brackets numbers and ranges of them, as in
// "gpu7,r[1-2]n[01-04,09]". What is no name of a host is left out.
func hosts(list string) (all []string) {
	for len(list) > 0 && len(all) < hostsLimit {
		end := outside(list, ',')
		for _, name := range expand(list[:end]) {
			if isHostName(name) {
				all = append(all, name)
			}
		}
		list = strings.TrimPrefix(list[end:], ",")
	}
	return all
}

// outside is where a character first stands outside of brackets, or the end.
func outside(s string, char byte) int {
	inside := false
	for i := range len(s) {
		switch {
		case s[i] == '[':
			inside = true
		case s[i] == ']':
			inside = false
		case !inside && s[i] == char:
			return i
		}
	}
	return len(s)
}

// expand gives the names of one item of a list, hostsLimit at most. What it
// cannot read stays in brackets.
func expand(item string) []string {
	before, rest, found := strings.Cut(item, "[")
	within, after, closed := strings.Cut(rest, "]")
	if !found || !closed {
		return []string{item}
	}
	var all []string
	tails := expand(after)
	for part := range strings.SplitSeq(within, ",") {
		for _, number := range numbers(part) {
			for _, tail := range tails {
				if len(all) == hostsLimit {
					return all
				}
				all = append(all, before+number+tail)
			}
		}
	}
	return all
}

// numbers are those of "7" or "01-03", as wide as the first.
func numbers(part string) (all []string) {
	low, high, ranged := strings.Cut(part, "-")
	if !ranged {
		return []string{part}
	}
	from, err := strconv.Atoi(low)
	to, err2 := strconv.Atoi(high)
	if err != nil || err2 != nil {
		return nil
	}
	for n := from; n <= to && len(all) < hostsLimit; n++ {
		all = append(all, fmt.Sprintf("%0*d", len(low), n))
	}
	return all
}
