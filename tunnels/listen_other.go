//go:build !unix

package tunnels

import (
	"io/fs"
	"os"
	"syscall"
)

// withMode leaves the socket to the rights of its directory.
func withMode(fs.FileMode) func(_, _ string, _ syscall.RawConn) error { return nil }

// unlink removes a file.
func unlink(path string) error { return os.Remove(path) }
