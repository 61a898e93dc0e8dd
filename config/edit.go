package config

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Edit is one thing to change in a configuration: AddHost, RemoveHost,
// RenameHost, SetOption, AddOption, ChangeOption, RemoveOption, AddForward,
// RemoveForward, SetTags or an *Import.
type Edit interface {
	// apply splices the lines of the edit into a draft. It ends in a Refusal,
	// or in a draft in which the host says what was meant.
	apply(d *draft) error
}

// Change is what an edit makes of one file. It was resolved: no host but the
// edited ones says anything else than before. Nothing is written until Apply.
type Change struct {
	File   string // as the configuration names it; it may be a symbolic link
	Before []byte // nil for a file that is to be created
	After  []byte
	Hosts  []string // those that were edited, by the names they have now

	home   string // whose .ssh may be created
	create bool
	judged bool // the installed ssh agrees
}

// Empty tells that there is nothing to do.
func (c *Change) Empty() bool { return bytes.Equal(c.Before, c.After) && !c.create }

// Diff is the change as a unified diff, "" if there is none. Its lines hold
// the file's own bytes.
func (c *Change) Diff() string { return unified(c.File, string(c.Before), string(c.After), c.create) }

// Refusal is why an edit was not made.
type Refusal struct {
	Message string // one sentence
	Hint    string // what to do; may be empty
}

func (r *Refusal) Error() string { return r.Message }

func refuse(hint, format string, args ...any) error {
	return &Refusal{Message: fmt.Sprintf(format, args...), Hint: hint}
}

// Edit makes edits one after the other and proves their result. All must
// change the same file. It reads only what c has read; nothing is written.
// The error is a *Refusal.
func (c *Config) Edit(edits ...Edit) (*Change, error) {
	d := &draft{before: c, now: c}
	for _, e := range edits {
		if err := e.apply(d); err != nil {
			return nil, err
		}
	}
	if err := d.proveOthers(); err != nil {
		return nil, err
	}
	change := &Change{File: d.path, After: []byte(d.text), Hosts: d.edited, home: c.paths.Home, create: d.create}
	if !d.create {
		change.Before = []byte(d.old)
	}
	return change, nil
}

// overlay is a text that is read in place of a file's own.
type overlay struct {
	path, real string // as named, and without symbolic links
	text       string
}

// covers tells whether a path leads to the file.
func (o *overlay) covers(path string) bool {
	return o != nil && (path == o.path || realPath(path) == o.real)
}

// realPath is the path without symbolic links, or itself where it leads
// nowhere.
func realPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// draft is an edit in the making: one file with its new text, and the
// configuration as it would be read then.
type draft struct {
	before *Config
	now    *Config
	path   string // of the file; "" until an edit has changed one
	old    string // its text as read
	text   string
	create bool

	edited  []string          // hosts that may say something else than before
	renamed map[string]string // hosts by their new names
}

// touch notes that a host is meant to change.
func (d *draft) touch(host string) {
	if !slices.Contains(d.edited, host) {
		d.edited = append(d.edited, host)
	}
}

// splice puts text in place of the bytes from..to of a file and reads the
// result. A refusal leaves the draft as it was.
func (d *draft) splice(f *file, from, to int, text string) error {
	if f.text[from:to] == text {
		return nil
	}
	if err := d.open(f); err != nil {
		return err
	}
	return d.replace(f.path, f.text[:from]+text+f.text[to:])
}

// open makes f the file of the draft.
func (d *draft) open(f *file) error {
	switch {
	case f.system():
		return refuse("set it in "+d.before.paths.User+", which comes first", "%s is the system's, and is not edited", quotePath(f.path))
	case d.path == "":
		d.path, d.old, d.text = f.path, f.text, f.text
	case d.path != f.path && realPath(d.path) != realPath(f.path):
		return refuse("make the edits one by one", "the edits are in two files, %s and %s", quotePath(d.path), quotePath(f.path))
	}
	return nil
}

// system tells a file that is not a person's to edit.
func (f *file) system() bool { return !f.user || within(realPath(f.path), systemDir) }

// System tells whether the file at a path, one of those that are read, is the
// system's: no edit changes it.
func (c *Config) System(path string) bool {
	f := c.file(path)
	return f != nil && f.system()
}

// replace reads the configuration with a new text of the file, and refuses a
// text that ssh would refuse.
func (d *draft) replace(path, text string) error {
	now := loadWith(d.before.paths, d.before.dialect, &overlay{path: path, real: realPath(path), text: text})
	if why, ok := fresh(now.problems, d.before.problems); ok {
		return refuse("", "ssh would refuse the result: %s", why.Error())
	}
	d.now, d.text = now, text
	return nil
}

// fresh is the first problem that stops ssh and was not there before. Lines
// may have moved, so they do not count.
func fresh(now, before []Problem) (Problem, bool) {
	known := map[string]int{}
	for _, p := range before {
		known[p.Origin.File+"\n"+p.Message]++
	}
	for _, p := range now {
		if known[p.Origin.File+"\n"+p.Message]--; p.Fatal && known[p.Origin.File+"\n"+p.Message] < 0 {
			return p, true
		}
	}
	return Problem{}, false
}

// undo takes the draft back to an earlier state.
func (d *draft) undo(earlier draft) { *d = earlier }

// file is the file that is now read at a path.
func (c *Config) file(path string) *file {
	for _, f := range c.reading {
		if f.path == path {
			return f
		}
	}
	return nil
}

func within(path, dir string) bool {
	return strings.HasPrefix(path, dir+string(filepath.Separator))
}

func quotePath(path string) string { return `"` + Printable(path) + `"` }
