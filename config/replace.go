package config

import "os"

// Replace puts a new text in the place of a file's old one, in one step: a
// reader sees one or the other, whatever happens in between. The file keeps
// its mode and owner, and its name if that is a symbolic link. Its old text
// stays beside it under the suffix ".old", as ssh-keygen leaves it.
//
// A file that does not hold before, or may not be written, is left as it is;
// the error is a *Refusal then. Those who write it with Replace at the same
// time have to hold a lock.
func Replace(path string, before, after []byte) error {
	c := &Change{File: path, Before: before, After: after}
	if c.Empty() {
		return nil
	}
	real := realPath(path)
	removeStale(real)
	return c.replace(real, func() error { return keepOld(real, before) })
}

// keepOld writes the old text of a file beside it, for us alone.
func keepOld(real string, text []byte) error {
	temporary, err := writeBeside(real, text, func(*os.File) error { return nil })
	if err != nil {
		return err
	}
	if err := os.Rename(temporary, real+".old"); err != nil {
		os.Remove(temporary)
		return err
	}
	return nil
}
