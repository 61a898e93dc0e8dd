package keys

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Keep moves files out of use: into a new directory in dir for us alone, which
// is named by the first of them and the time.
func Keep(dir string, paths ...string) (kept string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	kept = filepath.Join(dir, filepath.Base(paths[0])+"-"+time.Now().UTC().Format("20060102T150405.000000000"))
	if err := os.Mkdir(kept, 0o700); err != nil {
		return "", err
	}
	for _, path := range paths {
		if err := move(path, filepath.Join(kept, filepath.Base(path))); err != nil {
			return kept, fmt.Errorf("keeping %q in %q: %w", path, kept, err)
		}
	}
	return kept, nil
}

// move gives a file a name where there is none. Between file systems it is
// copied, and goes only once the copy is on the disk.
func move(from, to string) error {
	renamed := os.Rename(from, to)
	if renamed == nil {
		return errors.Join(syncDir(filepath.Dir(to)), syncDir(filepath.Dir(from)))
	}
	if err := copyFile(from, to); err != nil {
		return errors.Join(renamed, err)
	}
	return os.Remove(from)
}

func copyFile(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	data, err := readFile(from)
	defer clear(data)
	if err != nil {
		return err
	}
	return create(to, data, info.Mode().Perm())
}
