//go:build darwin || freebsd

package brisk

import (
	"os"

	"golang.org/x/sys/unix"
)

// localPeercred is LOCAL_PEERCRED at level SOL_LOCAL (0), unix(4).
const localPeercred = 1

// peer asks for the user. How to ask for the process is not the same on all of
// these systems.
func peer(fd uintptr) (pid, uid int, err error) {
	of, err := unix.GetsockoptXucred(int(fd), 0, localPeercred)
	if err != nil {
		return 0, -1, os.NewSyscallError("getsockopt", err)
	}
	return 0, int(of.Uid), nil
}
