//go:build unix && !aix && !solaris

package transport

import (
	"os"

	"golang.org/x/sys/unix"
)

// locking tells whether lockFile locks.
const locking = true

// lockFile waits for the exclusive lock of f, which its Close gives back.
func lockFile(f *os.File) error {
	for {
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != unix.EINTR {
			return err
		}
	}
}
