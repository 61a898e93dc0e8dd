//go:build unix

package transport

import "golang.org/x/sys/unix"

// posixModes tells that the mode of a file says who can reach it.
const posixModes = true

// roomLeft is what a user who is not root may still write below dir, in bytes.
func roomLeft(dir string) (room uint64, known bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil || s.Blocks == 0 { // some network file systems do not tell
		return 0, false
	}
	return uint64(max(s.Bavail, 0)) * uint64(s.Bsize), true
}
