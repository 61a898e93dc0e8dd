package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// deepestInclude is READCONF_MAX_DEPTH.
const deepestInclude = 16

const tooDeep = "Too many recursive configuration includes"

// include reads the files of an Include line.
func (l *loader) include(f *file, depth int) string {
	index := int32(len(f.directives) - 1)
	args := slices.Clone(l.words.args)
	l.words.consume()
	words := l.words
	defer func() { l.words = words }() // the files have used them
	if l.dialect.version >= v9_9 && slices.ContainsFunc(args, namesHost) {
		f.later(index)
		return checkTokens(args, l.dialect)
	}
	for _, arg := range args {
		paths, why := l.find(f, arg, machineTokens(l.paths.Home))
		if why != "" {
			return why
		}
		for _, path := range paths {
			if why := l.included(f, index, path, depth+1); why != "" {
				return why
			}
		}
	}
	return ""
}

// find are the files that a word of an Include line names. Tokens are expanded
// since 9.9; a variable that is not set drops the word.
func (l *loader) find(f *file, arg string, t tokens) (paths []string, why string) {
	if arg == "" {
		return nil, "keyword include empty argument"
	}
	path := arg
	if l.dialect.version >= v9_9 {
		var err error
		if path, err = expand(arg, t, os.LookupEnv); errors.Is(err, errNoVariable) {
			l.problem(f, fmt.Sprintf("Unable to expand user config file '%s'", Printable(arg)), false)
			return nil, ""
		} else if err != nil {
			return nil, err.Error()
		}
	}
	if path[0] == '~' && !f.user {
		return nil, fmt.Sprintf("bad include path %s.", Printable(path))
	}
	return glob(f.anchor(path), l.home), ""
}

// anchor makes a relative path one below ~/.ssh or /etc/ssh.
func (f *file) anchor(path string) string {
	switch {
	case path[0] == '/' || path[0] == '~':
		return path
	case f.user:
		return "~/.ssh/" + path
	}
	return systemDir + "/" + path
}

// machineTokens are those that are the same for every host.
func machineTokens(home string) tokens {
	local, err := passwd()
	return func(letter byte) (string, bool) {
		switch {
		case letter == 'd':
			return home, true
		case letter == 'l':
			return thisHost(), true
		case letter == 'L':
			name, _, _ := strings.Cut(thisHost(), ".")
			return name, true
		case letter == 'u' && err == nil:
			return local.Username, true
		case letter == 'i' && err == nil:
			return local.Uid, true
		}
		return "", false
	}
}

// namesHost tells whether a word of an Include line has tokens that depend on
// the host.
func namesHost(arg string) bool {
	arg = strings.ReplaceAll(arg, "%%", "")
	for i := 0; i+1 < len(arg); i++ {
		if arg[i] == '%' && strings.IndexByte("Chjknpr", arg[i+1]) >= 0 {
			return true
		}
	}
	return false
}

// checkTokens refuses tokens that mean nothing.
func checkTokens(args []string, d *dialect) string {
	for _, arg := range args {
		if _, err := expand(arg, execTokens(d), nil); err != nil {
			return err.Error()
		}
	}
	return ""
}

// later leaves an Include line to the resolution of each host.
func (f *file) later(index int32) {
	if f.perHost == nil {
		f.perHost = map[int32]bool{}
	}
	f.perHost[index] = true
	f.blocks[len(f.blocks)-1].loud = true
}

// included reads one file of an Include line, once however often it is
// included. ssh finds a file that includes itself by the depth; here it is one
// that is still being read.
func (l *loader) included(f *file, index int32, path string, depth int) string {
	if child, ok := l.parsed[fileKey{path, f.user}]; ok {
		if child.reading || depth+child.height > deepestInclude {
			return tooDeep
		}
		f.add(index, child)
		return ""
	}
	if depth > deepestInclude {
		return tooDeep
	}
	text, err := l.read(path, true)
	switch {
	case errors.Is(err, fs.ErrNotExist): // a dangling link: ssh goes on
		return ""
	case errors.Is(err, errInsecure):
		return insecure(path)
	case err != nil:
		return cannotOpen(path, err)
	}
	partial := !f.unconditional()
	if partial {
		l.partial++
	}
	f.add(index, l.parse(path, f.user, text, depth))
	if partial {
		l.partial--
	}
	return ""
}

// add makes child part of f.
func (f *file) add(index int32, child *file) {
	if f.includes == nil {
		f.includes = map[int32][]*file{}
	}
	f.includes[index] = append(f.includes[index], child)
	f.height = max(f.height, child.height+1)
	if child.loud {
		f.blocks[len(f.blocks)-1].loud = true
	}
}

// include reads the files of an Include line, where they are known.
func (r *resolution) include(at place, active bool) {
	if at.file.perHost[at.line] && !r.circle {
		r.includeForHost(at, active)
	}
	for _, child := range at.file.includes[at.line] {
		r.walk(child, active)
	}
}

// includeForHost reads files that the tokens of a host name. They are read for
// each resolution, since they are not part of what all hosts share.
func (r *resolution) includeForHost(at place, active bool) {
	own := &Config{paths: r.paths, dialect: r.dialect, parsed: map[fileKey]*file{}, overlay: r.overlay}
	l := &loader{Config: own, words: words{dialect: r.dialect}, home: r.includeHome()}
	host := r.currentHost()
	alias := r.text(kHostKeyAlias)
	if alias == "" {
		alias = host
	}
	args, _ := splitWords(at.file.directives[at.line].rest, nil)
	parent := &file{path: at.file.path, user: at.file.user, blocks: []block{{}}, directives: []directive{{}}}
	var problem string
	for _, arg := range args {
		paths, why := l.find(parent, arg, r.tokens(host, alias))
		for _, path := range paths {
			if why == "" {
				why = l.included(parent, 0, path, r.depth+1)
			}
		}
		if problem == "" {
			problem = why
		}
	}
	if problem != "" {
		r.failLine(at, problem)
	}
	for _, f := range own.fatal {
		f.seq = at.file.directives[at.line].seq
		r.findings = append(r.findings, f)
	}
	r.final = r.final || own.final
	for _, child := range parent.includes[0] {
		r.walk(child, active)
	}
}

// Dirs lists the directories in which Include looked for files by pattern: a
// file that appears there may belong to the configuration.
func (c *Config) Dirs() []string {
	var dirs []string
	for _, f := range c.reading {
		for _, d := range f.directives {
			if d.key == kInclude {
				dirs = append(dirs, c.globDirs(f, d.rest)...)
			}
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

func (c *Config) globDirs(f *file, rest string) (dirs []string) {
	args, _ := splitWords(rest, nil)
	for _, arg := range args {
		if arg != "" && magic(arg) {
			dirs = append(dirs, filepath.Dir(expandTilde(f.anchor(arg), c.includeHome())))
		}
	}
	return dirs
}
