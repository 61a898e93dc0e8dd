package config

import (
	"errors"
	"os"
	"path"
	"slices"
	"strings"

	"sallyport/internal/nss"
)

// magic tells whether a path holds what glob(3) looks for.
func magic(pattern string) bool { return strings.ContainsAny(pattern, "*?[") }

// glob is glob(3) with GLOB_TILDE, as Include uses it: the paths that exist
// and match, in the order of their bytes. Unlike filepath.Glob it leaves
// hidden files to patterns that begin with a dot.
func glob(pattern, home string) []string {
	pattern = expandTilde(pattern, home)
	dir := ""
	if strings.HasPrefix(pattern, "/") {
		dir = "/"
	}
	found := []string{dir}
	for rest := strings.TrimLeft(pattern, "/"); rest != ""; {
		name, more, last := rest, "", true
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			name, more, last = rest[:i], strings.TrimLeft(rest[i:], "/"), false
		}
		var next []string
		for _, dir := range found {
			next = append(next, globName(dir, name, last)...)
		}
		found, rest = next, more
	}
	slices.Sort(found)
	return found
}

// globName finds one component of a path below dir. A directory that cannot be
// read has nothing in it, as for glob(3) without GLOB_ERR.
func globName(dir, name string, last bool) []string {
	if !magic(name) {
		return existing(dir+unescape(name), last)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var found []string
	for _, entry := range entries {
		if entry.Name()[0] == '.' && name[0] != '.' || !fnmatch(name, entry.Name()) {
			continue
		}
		found = append(found, existing(dir+entry.Name(), last)...)
	}
	return found
}

// existing is the path if there is something, with a slash if it must be a
// directory.
func existing(path string, last bool) []string {
	if last {
		if _, err := os.Lstat(path); err != nil {
			return nil
		}
		return []string{path}
	}
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return nil
	}
	return []string{path + "/"}
}

// fnmatch matches a name with path.Match, whose [^a] is also written [!a]
// here.
func fnmatch(pattern, name string) bool {
	ok, err := path.Match(strings.ReplaceAll(pattern, "[!", "[^"), name)
	return ok && err == nil
}

func unescape(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] == '\\' && i+1 < len(name) {
			i++
		}
		b.WriteByte(name[i])
	}
	return b.String()
}

// expandTilde puts home, or that of a named user, in place of ~. A user that
// does not exist is left as it is.
func expandTilde(s, home string) string {
	expanded, err := tilde(s, home)
	if err != nil {
		return s
	}
	return expanded
}

// tilde is tilde_expand of misc.c.
func tilde(s, home string) (string, error) {
	if !strings.HasPrefix(s, "~") {
		return s, nil
	}
	name, rest, _ := strings.Cut(s[1:], "/")
	if name != "" {
		u, err := nss.LookupUser(name)
		if err != nil {
			return "", errors.New("tilde_expand: No such user " + Printable(name))
		}
		home = u.HomeDir
	}
	if !strings.HasSuffix(home, "/") {
		home += "/"
	}
	return home + strings.TrimLeft(rest, "/"), nil
}

// includeHome is where Include looks for ~: glob(3) takes $HOME before the
// passwd entry, unlike all else in ssh.
func (c *Config) includeHome() string {
	if pw, err := passwd(); err != nil || pw.HomeDir != c.paths.Home {
		return c.paths.Home
	}
	if home := os.Getenv("HOME"); home != "" {
		return home
	}
	return c.paths.Home
}
