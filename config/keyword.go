package config

import (
	"fmt"
	"slices"
	"strings"
)

// Keyword is what a person needs to know of an option to give it a value.
type Keyword struct {
	Name    string
	Help    string   // what it is good for, in one or two sentences
	Format  string   // how a value is written: "yes, no or ask"
	Choices []string // the words that it takes, if these can be listed
	Several bool     // each line with it gives one more value
	Lacking string   // why the installed ssh does not take it; "" if it does
}

// Keywords lists every option of the newest release, in the order of ssh -G.
func (c *Config) Keywords() []Keyword {
	all := make([]Keyword, 0, keyCount-kUser)
	for k := kUser; k < kForwardAgentPath; k++ {
		row := Keyword{
			Name:    keywords[k].name,
			Help:    helps[k].about,
			Format:  helps[k].format.hint,
			Choices: c.dialect.choice(k).words(),
			Several: k.accumulates(),
		}
		if len(row.Choices) > 0 {
			row.Format = orList(row.Choices)
		}
		if !c.dialect.knows(k, keywords[k].lower) {
			row.Lacking = c.dialect.lacks(k)
		}
		all = append(all, row)
	}
	return all
}

// Canonical is a keyword as ssh_config(5) spells it, also for an older name of
// it; one that is no option stays as it is.
func (c *Config) Canonical(keyword string) string {
	if k := c.dialect.lookup(keyword); k >= kUser {
		return keywords[k].name
	}
	return keyword
}

// Judge is why ssh would refuse a value of an option, in its own words; "" if
// it would not. Tokens and what depends on other lines are not looked at.
func (c *Config) Judge(keyword, value string) string {
	_, _, line, err := (&draft{before: c, now: c}).assignment(keyword, value)
	if err != nil {
		return err.Error()
	}
	k := c.dialect.lookup(keyword)
	if k == kUnknown {
		return badOption(keyword)
	}
	args, ok := splitWords(line, nil)
	if !ok {
		return "invalid quotes"
	}
	return (&words{key: k, name: lower(keyword), rest: line, args: args, dialect: c.dialect}).readAll()
}

// readAll reads the words of a line with an option. It is why ssh refuses it.
func (w *words) readAll() (refusal string) {
	if why := keywords[w.key].read(w); why != "" {
		return why
	}
	if len(w.args) > 0 {
		return "keyword " + w.name + " extra arguments at end of line"
	}
	return ""
}

// accumulates tells the options of which every line counts.
func (k key) accumulates() bool {
	return keywords[k].policy == every || keywords[k].policy == appended
}

// words are those that a person would write: yes and no first, and nothing
// that only says the same again.
func (c choices) words() []string {
	_, yes := c["yes"]
	var all, rest []string
	for word := range c {
		switch {
		case word == "yes" || word == "no":
			all = append(all, word)
		case word != "true" && word != "false" && word != "off" || !yes:
			rest = append(rest, word)
		}
	}
	slices.Sort(all)
	slices.Reverse(all)
	slices.Sort(rest)
	return append(all, rest...)
}

// orList is "yes, no or ask".
func orList(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// lacks says why this build does not have an option.
func (d *dialect) lacks(k key) string {
	if since := keywords[k].since; since > d.version {
		return fmt.Sprintf("needs OpenSSH %d.%d; the ssh of this computer is %d.%d", since/100, since%100, d.version/100, d.version%100)
	}
	return "the ssh of this computer was built without GSSAPI key exchange"
}
