package demo

import (
	"path"
	"slices"
	"strings"
)

// tree is the content of the files below a home directory, by their path in
// it. Directories are there because files are in them.
type tree map[string]string

// list is what stands in the directory dir ("" is the home itself), sorted,
// directories with a slash at the end. It reports false if dir is none.
func (t tree) list(dir string) ([]string, bool) {
	var names []string
	for file := range t {
		rest, within := strings.CutPrefix(file, prefix(dir))
		if !within {
			continue
		}
		name, _, deeper := strings.Cut(rest, "/")
		if deeper {
			name += "/"
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, dir == "" || len(names) > 0
}

func prefix(dir string) string {
	if dir == "" {
		return ""
	}
	return dir + "/"
}

// find turns a path as a person writes it into one of the tree, seen from the
// directory cwd of the home. It reports false for paths outside the home.
func find(home, cwd, name string) (string, bool) {
	if !path.IsAbs(name) {
		name = path.Join(home, cwd, name)
	}
	name = path.Clean(name)
	if name == home {
		return "", true
	}
	return strings.CutPrefix(name, home+"/")
}
