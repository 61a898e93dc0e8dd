package config

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// PathLine is a line of a configuration that names a path of one machine.
type PathLine struct {
	Origin  Origin `json:"origin"`
	Keyword string `json:"keyword"` // as it is written
	Path    string `json:"path"`    // "/home/jon/.ssh/id_lab"
	Now     string `json:"now"`     // what stands in its place: "~/.ssh/id_lab"; "" for the path itself
}

// tildeWords are the keywords in whose values ssh of every version puts the home in
// the place of a ~: in the others it would be one letter of a name (tilde_expand in
// ssh.c and readconf.c).
var tildeWords = []string{"identityfile", "certificatefile", "controlpath", "identityagent", "userknownhostsfile", "include"}

// Carry is the text of a file of ssh_config for a machine with another home: a
// path below home is written with a ~ where ssh reads that as the same, and all else
// stays the same to the byte. The lines that name the home are told, also those that
// could not be changed.
func Carry(file string, text []byte, home string) (carried []byte, lines []PathLine) {
	home = strings.TrimRight(home, "/")
	number := 0
	for line := range bytes.Lines(text) {
		number++
		at := Origin{File: file, Line: number}
		changed, found := carryLine(at, string(line), home)
		carried = append(carried, changed...)
		lines = append(lines, found...)
	}
	return carried, lines
}

func carryLine(at Origin, line, home string) (changed string, found []PathLine) {
	trimmed := trimLine(line)
	keyword, rest, _ := splitKeyword(trimmed)
	if home == "" || !namesHome(rest, home) {
		return line, nil
	}
	told := PathLine{Origin: at, Keyword: keyword, Path: home}
	if !slices.Contains(tildeWords, lower(keyword)) {
		return line, []PathLine{told}
	}
	from := len(trimmed) - len(rest)
	var b strings.Builder
	b.WriteString(line[:from])
	for i := from; i < len(trimmed); {
		if line[i] == ' ' || line[i] == '\t' {
			b.WriteByte(line[i])
			i++
			continue
		}
		word, end, _ := splitWord(trimmed, i)
		raw := line[i:end]
		if now, ok := atTilde(raw, home); ok {
			raw = now
			after, _, _ := splitWord(raw, 0)
			found = append(found, PathLine{Origin: at, Keyword: keyword, Path: word, Now: after})
		}
		b.WriteString(raw)
		i = end
	}
	b.WriteString(line[len(trimmed):])
	if namesHome(strings.TrimPrefix(b.String(), line[:from]), home) {
		found = append(found, told)
	}
	return b.String(), found
}

// atTilde puts a ~ in the place of the home at the start of a word, which may be
// quoted.
func atTilde(raw, home string) (string, bool) {
	quote := ""
	if raw[0] == '"' || raw[0] == '\'' {
		quote, raw = raw[:1], raw[1:]
	}
	rest, ok := strings.CutPrefix(raw, home+"/")
	return quote + "~/" + strings.TrimLeft(rest, "/"), ok
}

// namesHome tells whether a text has the home as a path, and not as the beginning
// of another name.
func namesHome(text, home string) bool {
	for {
		_, after, found := strings.Cut(text, home)
		if !found {
			return false
		}
		if after == "" || strings.ContainsRune("/ \t\"':,;)", rune(after[0])) {
			return true
		}
		text = after
	}
}

// Strange are the lines of a file of ssh_config that name a path in a directory
// which this machine does not have: what has come from another one.
func Strange(file string, text []byte) (lines []PathLine) {
	number := 0
	for line := range bytes.Lines(text) {
		number++
		keyword, rest, _ := splitKeyword(trimLine(string(line)))
		words, _ := splitWords(rest, nil)
		for _, word := range words {
			if strange(word) {
				lines = append(lines, PathLine{Origin: Origin{File: file, Line: number}, Keyword: keyword, Path: word})
			}
		}
	}
	return lines
}

// strange tells whether a word is a path in no directory. One with tokens is made
// when it is used.
func strange(word string) bool {
	if !filepath.IsAbs(word) || strings.ContainsAny(word, "%$*?[") {
		return false
	}
	_, err := os.Stat(filepath.Dir(word))
	return os.IsNotExist(err)
}
