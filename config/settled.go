package config

import (
	"path/filepath"
	"slices"
	"strings"
)

// unsettling are the criteria of Match whose answer is not in the files, the
// environment and the words before the command.
var unsettling = []string{"exec", "localnetwork", "command"}

// Settled lists the files and directories that decide what the host is: while
// each is as it is, or as missing as it is, the same words in the same
// environment mean the same, whatever the command. ok is false where more
// decides: a program, the network, the command, or what an Include line finds
// in directories that it looks for by a pattern.
func (h *Host) Settled() (paths []string, ok bool) {
	if canonicalize := h.r.text(kCanonicalizeHostname); canonicalize != "" && canonicalize != "false" {
		return nil, false
	}
	c := h.r.Config
	paths = append(c.Files(), c.Dirs()...)
	for _, f := range c.reading {
		if f.unsettled() {
			return nil, false
		}
		for _, d := range f.directives {
			if d.key == kInclude {
				named, ok := c.includedByName(f, d.rest)
				if !ok {
					return nil, false
				}
				paths = append(paths, named...)
			}
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths), true
}

func (f *file) unsettled() bool {
	for _, cond := range f.conditions {
		if slices.ContainsFunc(cond.criteria, func(c criterion) bool { return slices.Contains(unsettling, c.name) }) {
			return true
		}
	}
	return false
}

// includedByName are the files that an Include line names without a pattern:
// one that is missing may come. ok is false for names that are not plain.
func (c *Config) includedByName(f *file, rest string) (paths []string, ok bool) {
	args, _ := splitWords(rest, nil)
	for _, arg := range args {
		switch {
		case strings.ContainsAny(arg, "%$") || magic(filepath.Dir(arg)):
			return nil, false
		case arg != "" && !magic(arg):
			paths = append(paths, expandTilde(f.anchor(arg), c.includeHome()))
		}
	}
	return paths, true
}
