package brisk

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// peer asks for SO_PEERCRED (unix(7)).
func peer(fd uintptr) (pid, uid int, err error) {
	var of unix.Ucred
	size := uint32(unsafe.Sizeof(of))
	_, _, errno := syscall.RawSyscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_PEERCRED, uintptr(unsafe.Pointer(&of)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0, -1, os.NewSyscallError("getsockopt", errno)
	}
	return int(of.Pid), int(of.Uid), nil
}
