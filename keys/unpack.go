package keys

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// asideDir takes the files that are there already and say something else. It
// does not match "Include config.d/*".
const asideDir = "unpacked"

// The states of a Placement.
const (
	PlaceNew     = "new"     // it goes where it belongs
	PlaceSame    = "same"    // it is there already
	PlaceAside   = "aside"   // another one is there, and stays; it goes beside
	PlaceSkipped = "skipped" // and another one is there too
)

// Placement is what becomes of a file of a pack.
type Placement struct {
	Name  string `json:"name"`
	State string `json:"state"`
	Path  string `json:"path"` // where it goes, or what is in its way
	Size  int    `json:"size"`

	file PackedFile
}

// Place decides where the files of a pack go in the directory dir. It changes
// nothing.
func Place(dir string, files []PackedFile) []Placement {
	var all []Placement
	for _, f := range files {
		p := Placement{Name: f.Name, State: PlaceNew, Path: filepath.Join(dir, filepath.FromSlash(f.Name)), Size: len(f.Text), file: f}
		switch look(p.Path, f.Text) {
		case equals:
			p.State = PlaceSame
		case differs:
			p.aside(filepath.Join(dir, asideDir, filepath.FromSlash(f.Name)))
		}
		all = append(all, p)
	}
	return all
}

// aside sends a file to another place, if that is not taken too.
func (p *Placement) aside(path string) {
	if look(path, p.file.Text) == differs {
		p.State = PlaceSkipped
		return
	}
	p.State, p.Path = PlaceAside, path
}

// The answers of look.
const (
	vacant = iota
	equals
	differs
)

// look compares what is at a path with a text. A link that leads nowhere, and a
// file in the place of a directory, are in the way too.
func look(path string, text []byte) int {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return vacant
	}
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() != int64(len(text)) {
		return differs
	}
	if there, err := os.ReadFile(path); err != nil || !bytes.Equal(there, text) {
		return differs
	}
	return equals
}

// Put writes the file where it goes, with its mode and the directories above it.
// It writes over nothing, also over what has come there since.
func (p Placement) Put() error {
	if p.State != PlaceNew && p.State != PlaceAside {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(p.Path), 0o700); err != nil {
		return err
	}
	err := create(p.Path, p.file.Text, p.file.mode())
	if errors.Is(err, fs.ErrExist) && p.State == PlaceAside {
		if look(p.Path, p.file.Text) == equals {
			return nil // an earlier one has put it there
		}
	}
	return err
}
