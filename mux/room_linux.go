package mux

import "golang.org/x/sys/unix"

// pipeBuf is what a pipe takes at once if it takes anything, in bytes
// (PIPE_BUF, pipe(7)).
const pipeBuf = 4096

// pipeSize is what an empty pipe takes at once.
func pipeSize(fd int) int {
	size, err := unix.FcntlInt(uintptr(fd), unix.F_GETPIPE_SZ, 0)
	if err != nil {
		return pipeBuf
	}
	return size
}

// isEmpty tells whether all of a pipe has been read. Large writes cost half
// the time of many small ones.
func isEmpty(fd int) bool {
	n, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
	return err == nil && n == 0
}
