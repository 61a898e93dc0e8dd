//go:build !linux

package api

// remote is taken for granted where file systems are not told apart: the
// files are looked at besides.
func remote(string) bool { return true }
