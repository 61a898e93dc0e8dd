//go:build darwin || freebsd

package mux

import "golang.org/x/sys/unix"

// localPeercred is LOCAL_PEERCRED at level SOL_LOCAL (0), unix(4).
const localPeercred = 1

// peerUID is the uid of the process at the other end of a unix socket.
func peerUID(fd int) (int, error) {
	cred, err := unix.GetsockoptXucred(fd, 0, localPeercred)
	if err != nil {
		return -1, err
	}
	return int(cred.Uid), nil
}

// peerPID is not the same on all of these systems, so it is not asked for.
func peerPID(int) int { return 0 }
