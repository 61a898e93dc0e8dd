package daemon

import "io/fs"

// Windows guards the profile directory by access lists, which Go's file modes
// do not show.
func ownedByUs(string, fs.FileInfo, bool) error { return nil }

func othersMay(fs.FileMode, fs.FileMode) bool { return false }
