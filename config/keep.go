package config

import (
	"crypto/sha1"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// kept is how many old texts of a file are kept.
const kept = 10

// keepCopy writes the old text of a file into a directory for us alone, and
// takes the oldest away. Its name is that of the file, a hash of its path, and
// the time.
func keepCopy(dir, real string, text []byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	sum := sha1.Sum([]byte(real))
	prefix := filepath.Base(real) + "-" + hex.EncodeToString(sum[:4]) + "-"
	name := prefix + time.Now().UTC().Format("20060102T150405.000000000")
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return prune(dir, prefix)
}

// prune leaves the newest copies of a file: their names sort by time.
func prune(dir, prefix string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	for _, name := range names[:max(len(names)-kept, 0)] {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}
