package config

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Saved is a session that another program has saved, in the words of
// ssh_config: what Import makes a host of.
type Saved struct {
	title   string // as the program names it
	folders string // above the title, with slashes between
	alias   string

	user, hostName, port string
	way                  way
	key                  string // the key's path, as the program has it
	options              []Assignment
	own                  int // how many of them, at the start, say where the host is
	tags                 []string
	notes                []string // what is not imported, or has to be done yet
	refused              string   // why there can be no such host, "" if there can
}

// way is how a saved session reaches its host. At most one is set: with none
// it dials by itself.
type way struct {
	session string   // the title of the session that is the way, or else the host of it
	jump    string   // as ProxyJump has it, where no session has that title
	hosts   []string // the names of its hops
	user    string   // there, in place of what the session says
	command string   // as ProxyCommand has it
}

// Name is what the other program shows for the session.
func (s *Saved) Name() string {
	if s.folders != "" {
		return Printable(s.folders + "/" + s.title)
	}
	return Printable(s.title)
}

// refuse leaves the session out. The first reason stays.
func (s *Saved) refuse(format string, args ...any) {
	if s.refused == "" {
		s.refused = fmt.Sprintf(format, args...)
	}
}

func (s *Saved) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

// set adds an option, whose value is a word.
func (s *Saved) set(k key, word string) {
	s.options = append(s.options, Assignment{Keyword: keywords[k].name, Value: Quote(word)})
}

// longestSaved bounds a list of sessions, in bytes. An export of PuTTY has 10 KiB
// for each.
const longestSaved = 64 << 20

// ReadSaved reads the sessions that another program has saved: an export of
// PuTTY's registry, a file or the directory of PuTTY on Unix, WinSCP.ini, or
// bookmarks of MobaXterm. What a file is, its text tells.
func ReadSaved(path string) ([]*Saved, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return readSavedFiles(path)
	}
	text, err := readSavedText(path, info)
	if err != nil {
		return nil, err
	}
	list, ok := parseSaved(filepath.Base(path), text)
	if !ok {
		return nil, refuse("export the sessions anew: sallyport host import --help says how", "%s is no list of sessions that is known here", quotePath(path))
	}
	return list, nil
}

// parseSaved reads a list by what it is. The name is that of the file: a
// session of PuTTY on Unix has no other.
func parseSaved(name string, text []byte) (list []*Saved, ok bool) {
	words := plainText(text)
	switch sections := parseSections(words); {
	case isRegistry(words):
		list = puttyRegistry(parseRegistry(words))
	case slices.ContainsFunc(sections, isBookmarks):
		list = mobaBookmarks(sections)
	case slices.ContainsFunc(sections, isWinSCP):
		list = winscpSessions(sections)
	case len(sections) == 1 && sections[0].has("HostName"):
		list = puttySessions([]savedSection{{name: unescapeName(name), values: sections[0].values}})
	default:
		return nil, false
	}
	return list, true
}

// readSavedFiles reads the sessions of PuTTY on Unix: each is a file.
func readSavedFiles(dir string) ([]*Saved, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var sections []savedSection
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			continue // PuTTY does not list them either
		}
		text, err := readSavedText(path, info)
		if err != nil {
			return nil, err
		}
		for _, s := range parseSections(plainText(text)) {
			sections = append(sections, savedSection{name: unescapeName(e.Name()), values: s.values})
		}
	}
	return puttySessions(sections), nil
}

func readSavedText(path string, info fs.FileInfo) ([]byte, error) {
	switch {
	case !info.Mode().IsRegular():
		return nil, refuse("", "%s is no ordinary file", quotePath(path))
	case info.Size() > longestSaved:
		return nil, refuse("", "%s is too large for a list of sessions", quotePath(path))
	}
	return os.ReadFile(path)
}

// PuttyDirectory is where PuTTY on Unix keeps its sessions for a person (its
// unix/storage.c).
func PuttyDirectory(home string) string {
	if dir := os.Getenv("PUTTYSESSIONS"); dir != "" {
		return dir
	}
	if dir := os.Getenv("PUTTYDIR"); dir != "" {
		return filepath.Join(dir, "sessions")
	}
	settings := os.Getenv("XDG_CONFIG_HOME")
	if settings == "" {
		settings = filepath.Join(home, ".config")
	}
	if dir := filepath.Join(settings, "putty"); exists(dir) {
		return filepath.Join(dir, "sessions")
	}
	return filepath.Join(home, ".putty", "sessions")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
