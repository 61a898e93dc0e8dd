//go:build !unix

package keys

import "io/fs"

// tooOpen is false: the mode does not say here who can reach a file.
func tooOpen(fs.FileInfo) bool { return false }

// owner is not told here: it is no single user.
func owner(fs.FileInfo) string { return "" }
