package keys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	privateMode = 0o600
	publicMode  = 0o644
)

// Create writes a new key pair, path and path.pub. It writes over nothing, and
// each file is there whole or not at all.
func Create(path string, private, public []byte) error {
	for _, taken := range []string{path, path + ".pub"} {
		if _, err := os.Lstat(taken); err == nil {
			return exists(taken)
		}
	}
	if err := create(path, private, privateMode); err != nil {
		return err
	}
	if err := create(path+".pub", public, publicMode); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// CreatePrivate writes a new file that only its owner can read, over nothing.
func CreatePrivate(path string, text []byte) error { return create(path, text, privateMode) }

func exists(path string) error {
	return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
}

// create links the whole file to its name, which fails where there is a file
// of that name.
func create(path string, text []byte, mode fs.FileMode) error {
	temporary, err := writeBeside(path, text, mode)
	if err != nil {
		return err
	}
	defer os.Remove(temporary)
	err = os.Link(temporary, path)
	switch {
	case errors.Is(err, fs.ErrExist):
		return exists(path)
	case err != nil:
		return createSlowly(path, text, mode)
	}
	return syncDir(filepath.Dir(path))
}

// createSlowly is for file systems without hard links, as of memory cards.
func createSlowly(path string, text []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if err := fill(f, text, mode); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// writeBeside writes a file in the directory of path that only its owner can
// read until it is whole.
func writeBeside(path string, text []byte, mode fs.FileMode) (temporary string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".sallyport-*") // mode 0600
	if err != nil {
		return "", err
	}
	if err := fill(f, text, mode); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// fill writes, brings to the disk and closes f.
func fill(f *os.File, text []byte, mode fs.FileMode) error {
	_, err := f.Write(text)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing %q: %w", f.Name(), err)
	}
	return nil
}

// syncDir brings the names in a directory to the disk.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	// A directory can't be synced everywhere, and its files are there.
	_ = d.Sync()
	return nil
}
