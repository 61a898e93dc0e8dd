package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Check tells whether the change could be applied now: whether the file may be
// written and is still what was read, and whether the ssh that is installed
// understands the result as it was meant. It changes nothing.
func (c *Change) Check(ctx context.Context) error {
	if c.Empty() {
		return nil
	}
	if _, err := c.current(); err != nil {
		return err
	}
	if c.judged {
		return nil
	}
	if err := c.judge(ctx); err != nil {
		return err
	}
	c.judged = true
	return nil
}

// Apply checks the change and writes it: into a new file beside the real one,
// with its mode and owner, which then takes its place in one step. The old text
// is kept in the directory keep, as one of the last ten. A file that somebody
// else has changed in between is left as it is.
func (c *Change) Apply(ctx context.Context, keep string) error {
	if c.Empty() {
		return nil
	}
	if err := c.Check(ctx); err != nil {
		return err
	}
	if c.create {
		return c.createFile()
	}
	real := realPath(c.File)
	unlock, err := lockBeside(ctx, real)
	if err != nil {
		return err
	}
	defer unlock()
	removeStale(real)
	return c.replaceFile(real, keep)
}

// current is the real file, if it may be replaced and holds what was read.
func (c *Change) current() (fs.FileInfo, error) {
	real := realPath(c.File)
	if within(real, systemDir) {
		return nil, refuse("", "%s is the system's, and is not edited", quotePath(real))
	}
	info, err := os.Stat(real)
	switch {
	case c.create && errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case c.create && err == nil:
		return nil, c.changed()
	case errors.Is(err, fs.ErrNotExist):
		return nil, c.changed()
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, refuse("", "%s is no ordinary file", quotePath(real))
	case info.Mode().Perm()&0o200 == 0:
		return nil, refuse("chmod u+w "+Printable(real)+", if it is yours to edit and no program writes it", "%s is read-only (mode %04o)", quotePath(real), info.Mode().Perm())
	}
	if n := hardLinks(info); n > 1 {
		return nil, refuse("edit it in place, or make the others symbolic links", "%s has %d names (hard links), which a new file would part", quotePath(real), n)
	}
	text, err := os.ReadFile(real)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(text, c.Before) {
		return nil, c.changed()
	}
	return info, nil
}

func (c *Change) changed() error {
	return refuse("look at it and try again", "%s was changed by another program in the meantime, and was left as it is", quotePath(c.File))
}

// replaceFile replaces the file, with its old text in the directory keep.
func (c *Change) replaceFile(real, keep string) error {
	return c.replace(real, func() error { return keepCopy(keep, real, c.Before) })
}

// replace writes the new text beside the file and, once the old one is kept,
// puts it in its place.
func (c *Change) replace(real string, keep func() error) error {
	info, err := c.current()
	if err != nil {
		return err
	}
	temporary, err := writeBeside(real, c.After, func(f *os.File) error { return likeOriginal(f, real, info) })
	if err != nil {
		return err
	}
	defer os.Remove(temporary) // gone already if all went well
	// Whoever locks the file that is in place, as the writers of known_hosts
	// do, would else have the new one while it is not sure yet to stay.
	held, err := lockNew(temporary)
	if err != nil {
		return err
	}
	defer held.Close()
	if err := keep(); err != nil {
		return fmt.Errorf("keeping a copy of %s: %w", quotePath(real), err)
	}
	now, err := c.current()
	if err != nil {
		return err
	}
	if !os.SameFile(info, now) {
		return c.changed()
	}
	if err := c.exchange(temporary, real); err != nil {
		return err
	}
	return syncDir(filepath.Dir(real))
}

// exchange puts the new file in the place of the old, and looks whether what it
// displaced is what was read: another program may have come in between. Then
// that comes back. Where the two cannot change places in one step, the moment
// between the look and the rename remains.
func (c *Change) exchange(temporary, real string) error {
	switch err := swap(temporary, real); {
	case errors.Is(err, errors.ErrUnsupported):
		return os.Rename(temporary, real)
	case err != nil:
		return err
	}
	displaced, err := os.ReadFile(temporary)
	if err == nil && bytes.Equal(displaced, c.Before) {
		return nil
	}
	for range swapsBack {
		if err := swap(temporary, real); err != nil {
			return fmt.Errorf("putting %s back, which is now %s: %w", quotePath(real), quotePath(temporary), err)
		}
		if ours, err := os.ReadFile(temporary); err == nil && bytes.Equal(ours, c.After) {
			break // else somebody wrote once more: the later one stays
		}
	}
	return c.changed()
}

// swapsBack bounds a race that each turn makes less likely.
const swapsBack = 5

// createFile writes the user's first configuration. A file that appears in the
// meantime is left alone.
func (c *Change) createFile() error {
	dir := filepath.Dir(c.File)
	if dir == filepath.Join(c.home, ".ssh") {
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	temporary, err := writeBeside(c.File, c.After, func(*os.File) error { return nil })
	if err != nil {
		return err
	}
	defer os.Remove(temporary)
	if err := os.Link(temporary, c.File); errors.Is(err, fs.ErrExist) {
		return c.changed()
	} else if err != nil {
		return err
	}
	return syncDir(dir)
}

// temporaryMark is in the names of files that are being written. They begin
// with a dot, which patterns of Include do not match.
const temporaryMark = ".sallyport-new-"

// writeBeside writes a file in the directory of another one, for us alone
// until finish has given it its mode.
func writeBeside(path string, text []byte, finish func(*os.File) error) (name string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+temporaryMark)
	if err != nil {
		return "", err
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if _, err := f.Write(text); err != nil {
		return "", err
	}
	if err := finish(f); err != nil {
		return "", err
	}
	return f.Name(), f.Sync()
}

// removeStale takes away what a killed save left. The lock is held: nobody is
// writing.
func removeStale(real string) {
	entries, err := os.ReadDir(filepath.Dir(real))
	if err != nil {
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "."+filepath.Base(real)+temporaryMark) {
			os.Remove(filepath.Join(filepath.Dir(real), e.Name())) // one that stays does no harm
		}
	}
}

// lockBeside holds a lock file beside a file, so that two of us do not save at
// once. It is removed again.
func lockBeside(ctx context.Context, real string) (unlock func(), err error) {
	path := filepath.Join(filepath.Dir(real), "."+filepath.Base(real)+".sallyport-lock")
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		if err := lockFile(ctx, f); err != nil {
			f.Close()
			return nil, fmt.Errorf("waiting for %s: %w", quotePath(path), err)
		}
		if here, err := os.Stat(path); err == nil {
			if held, err := f.Stat(); err == nil && os.SameFile(here, held) {
				return func() { os.Remove(path); f.Close() }, nil
			}
		}
		f.Close() // its holder has removed it: there is another
	}
}

// lockPause is how long to wait before a lock is asked for again.
const lockPause = 10 * time.Millisecond

// syncDir makes a rename last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) {
		return err
	}
	return nil
}
