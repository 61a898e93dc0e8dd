//go:build !unix

package keys

import (
	"io/fs"
	"os"
)

// tooOpen is false: the mode does not say here who can reach a file.
func tooOpen(fs.FileInfo) bool { return false }

// owner is not told here: it is no single user.
func owner(fs.FileInfo) string { return "" }

// hardLinks is not told here.
func hardLinks(fs.FileInfo) uint64 { return 1 }

// like gives a new file the mode of another one.
func like(f *os.File, original fs.FileInfo) error { return f.Chmod(original.Mode().Perm()) }
