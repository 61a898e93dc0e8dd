//go:build unix

package tunnels

import (
	"io/fs"
	"syscall"
)

// withMode gives a socket its mode before it has a name, so that there is no
// moment in which others could connect. Linux takes it; where the kernel does
// not, the chmod after bind must do.
func withMode(mode fs.FileMode) func(_, _ string, _ syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			_ = syscall.Fchmod(int(fd), uint32(mode)) // EINVAL on the BSDs
		})
	}
}

// unlink removes a file, and unlike os.Remove never a directory.
func unlink(path string) error { return syscall.Unlink(path) }
