package config

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// checkProblems repeats what ssh says of single lines.
func (k *checker) checkProblems() {
	for _, p := range k.problems {
		at, known := k.at(p.Origin)
		switch {
		case known && !p.Fatal && !at.file.user: // not in the reader's hands
		case p.Message == saysLong:
			f, _ := k.find(lengthyLine, p.Origin, "")
			f.Message, f.Fix = p.Message, "Shorten it; a long command can stand in a script of its own."
		case p.Message == saysNotUTF8:
			f, _ := k.find(notUTF8Line, p.Origin, "")
			f.Message, f.Fix = p.Message, "Save the file as UTF-8, or write the line anew."
		case !known && p.Fatal:
			f, _ := k.find(refusedLine, p.Origin, p.Message)
			f.Message, f.Fix = p.Message, "Make the file readable for you, and writable for nobody else: chmod go-w "+Printable(p.Origin.File)
			f.Why = "ssh stops before it has read a line."
		case !known:
			f, _ := k.find(ignoredText, p.Origin, p.Message)
			f.Message, f.Fix = p.Message, "Remove what ssh does not read."
		case at.key() == kUnknown && p.Fatal:
			k.unknownKeyword(at, p)
		case !p.Fatal && (at.key() == kDeprecated || at.key() == kUnsupported):
			f, _ := k.find(deprecatedKeyword, p.Origin, "")
			f.Message, f.Fix = p.Message, "Remove the line."
			f.Hosts = at.names()
		case !p.Fatal:
			f, _ := k.find(ignoredText, p.Origin, p.Message)
			f.Message, f.Fix = p.Message, "Correct the line."
		default:
			f, _ := k.find(refusedLine, p.Origin, p.Message)
			f.Message, f.Fix = p.Message, k.correction(at.key())
			f.Hosts = at.names()
		}
	}
}

// at is the line of an Origin, false where there is none with a keyword.
func (k *checker) at(o Origin) (place, bool) {
	for _, user := range []bool{true, false} {
		f := k.parsed[fileKey{o.File, user}]
		if f == nil {
			continue
		}
		i := sort.Search(len(f.directives), func(i int) bool { return int(f.directives[i].line) >= o.Line })
		if i == len(f.directives) || int(f.directives[i].line) != o.Line {
			continue
		}
		return f.place(int32(i)), true
	}
	return place{}, false
}

func (p place) key() key { return p.file.directives[p.line].key }

// names are the aliases of the Host line in force.
func (p place) names() []string {
	b := p.file.blocks[p.block]
	if b.kind != kHost {
		return nil
	}
	all, _ := splitWords(p.file.directives[b.from].rest, nil)
	return slices.DeleteFunc(all, func(name string) bool { return !plain(name) })
}

func (k *checker) unknownKeyword(at place, p Problem) {
	f, _ := k.find(unknownKeyword, p.Origin, "")
	f.Message, f.Hosts = p.Message, at.names()
	word := at.keyword()
	if known := lookup(word); known != kUnknown {
		since := keywords[known].since
		if since > k.dialect.version {
			f.Why = fmt.Sprintf("%s came with OpenSSH %d.%d and the ssh here is %s, which refuses the whole configuration because of it.", keywords[known].name, since/100, since%100, k.dialect.release)
		}
		f.Fix = fmt.Sprintf("Put \"IgnoreUnknown %s\" at the top of the file, or remove the line.", keywords[known].name)
		return
	}
	if near := nearest(lower(word)); near != "" {
		f.Fix = fmt.Sprintf("Write %s, if that was meant.", near)
		return
	}
	f.Fix = fmt.Sprintf("Remove the line, or put \"IgnoreUnknown %s\" at the top of the file.", word)
}

// correction is how to mend a value, as far as the keyword tells.
func (k *checker) correction(option key) string {
	choice := k.dialect.choice(option)
	if len(choice) == 0 {
		return "Correct or remove the line."
	}
	return fmt.Sprintf("Give %s one of %s.", keywords[option].name, strings.Join(sortedNames(choice), ", "))
}

func sortedNames(c choices) []string {
	var names []string
	for name := range c {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// farthest is how many letters a mistyped keyword may be off.
const farthest = 2

// nearest is the keyword that somebody may have meant, "" if none is near.
func nearest(word string) string {
	best, name := farthest+1, ""
	for k := kHost; k < keyCount; k++ {
		if keywords[k].lower == "" || abs(len(keywords[k].lower)-len(word)) > farthest {
			continue
		}
		if d := distance(word, keywords[k].lower); d < best {
			best, name = d, keywords[k].name
		}
	}
	return name
}

func abs(n int) int { return max(n, -n) }

// distance is Levenshtein's: how many letters to put in, take out or change.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			changed := diagonal
			if a[i] != b[j] {
				changed++
			}
			diagonal = row[j+1]
			row[j+1] = min(changed, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// checkOldNames looks for keywords that ssh takes without a word, though they
// mean nothing or have another name now.
func (k *checker) checkOldNames() {
	k.users(func(at place, d *directive) {
		name := keywords[d.key].name
		if d.key == kDeprecated || d.key == kUnsupported || d.key == kUnknown || name == "" {
			return
		}
		if d.key != kIgnored && at.file.spelled(d, name) {
			return
		}
		word := at.keyword()
		switch {
		case d.key == kIgnored:
			f, _ := k.find(deprecatedKeyword, at.origin(), "")
			f.Message, f.Fix = fmt.Sprintf("%q says nothing any more", word), "Remove the line."
			f.Hosts = at.names()
		case !equalFold(word, name):
			f, isNew := k.findAt(deprecatedKeyword, at)
			if isNew {
				f.Message = fmt.Sprintf("%q is an old name of %s", word, name)
				f.Why = "ssh takes it, without a word about it in its manual."
				f.Fix = fmt.Sprintf("Write %s.", name)
			}
		}
	})
}

// spelled tells in one look whether a line begins with a keyword's own name.
func (f *file) spelled(d *directive, name string) bool {
	line := strings.TrimLeft(f.text[d.at:], white)
	return len(line) > len(name) && equalFold(line[:len(name)], name) && !alnum(line[len(name)])
}

// refusal is what ssh refuses for one host, which no single line shows.
type refusal struct {
	host string
	Problem
}

// noteRefusals keeps what is refused for a host until it is known what other
// rules make of it.
func (k *checker) noteRefusals(h *Host) {
	for _, f := range h.r.findings {
		if deliberate(f.Problem) {
			continue
		}
		if f.Origin == (Origin{}) {
			f.Origin = k.aliases[h.Name].Origin
			if !validHost(h.Name) { // unmatchedBlock says it better
				continue
			}
		}
		k.refused = append(k.refused, refusal{h.Name, f.Problem})
	}
}

// checkRefusals reports them, but for what is found already.
func (k *checker) checkRefusals() {
	for _, r := range k.refused {
		if k.has(jumpLoop, r.Origin) {
			continue
		}
		f, isNew := k.find(refusedLine, r.Origin, r.Message)
		f.touch(r.host)
		if !isNew {
			continue
		}
		f.Message, f.Why = r.Message, "ssh refuses to open the hosts to which this applies."
		f.Fix = "Correct or remove the line."
		if at, ok := k.at(r.Origin); ok {
			f.Fix = k.correction(at.key())
		}
	}
}

// has tells whether a rule has found something at a line.
func (k *checker) has(r *rule, o Origin) bool {
	_, ok := k.found[findingKey{r, o.File, o.Line, ""}]
	return ok
}
