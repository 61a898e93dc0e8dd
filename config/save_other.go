//go:build !unix || aix || solaris

package config

import (
	"context"
	"io/fs"
	"os"
)

func hardLinks(fs.FileInfo) uint64 { return 1 }

// likeOriginal keeps what there is of a mode: the directory's access list
// holds for a new file, too.
func likeOriginal(f *os.File, _ string, info fs.FileInfo) error {
	return os.Chmod(f.Name(), info.Mode().Perm())
}

// lockFile does nothing where there is no flock: what another program has
// changed is still found by comparing.
func lockFile(context.Context, *os.File) error { return nil }
