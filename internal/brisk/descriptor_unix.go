//go:build darwin || freebsd

package brisk

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Pipe is a pipe to read from and to write to, which no other program inherits.
func Pipe() (ends [2]Descriptor, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	var fds [2]int
	if err := unix.Pipe(fds[:]); err != nil {
		return ends, os.NewSyscallError("pipe", err)
	}
	for i, fd := range fds {
		unix.CloseOnExec(fd)
		ends[i] = Descriptor{fd, unix.S_IFIFO}
	}
	return ends, nil
}

// Poll tells how many of some descriptors are ready now, as poll(2).
func Poll(fds []unix.PollFd) int {
	n, err := unix.Poll(fds, 0)
	if err != nil {
		return 0 // who waits will see
	}
	return n
}

// kindOf is the type of a descriptor's file, 0 if it cannot be told.
func kindOf(fd int) uint32 {
	var of unix.Stat_t
	if unix.Fstat(fd, &of) != nil {
		return 0
	}
	return uint32(of.Mode) & unix.S_IFMT
}

// Read reads what poll has said is there.
func (d Descriptor) Read(p []byte) (int, error) { return unix.Read(d.FD, p) }

// Close closes it.
func (d Descriptor) Close() error { return unix.Close(d.FD) }
