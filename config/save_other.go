//go:build !unix || aix || solaris

package config

import (
	"context"
	"io"
	"io/fs"
	"os"
)

func hardLinks(fs.FileInfo) uint64 { return 1 }

// likeOriginal keeps what there is of a mode: the directory's access list
// holds for a new file, too.
func likeOriginal(f *os.File, _ string, info fs.FileInfo) error {
	return os.Chmod(f.Name(), info.Mode().Perm())
}

// lockNew does nothing either; an open file could not be renamed.
func lockNew(string) (io.Closer, error) { return io.NopCloser(nil), nil }

// lockFile does nothing where there is no flock: what another program has
// changed is still found by comparing.
func lockFile(context.Context, *os.File) error { return nil }
