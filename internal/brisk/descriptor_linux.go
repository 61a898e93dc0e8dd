package brisk

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ReadMsgUnix is that of a [net.UnixConn], for who needs descriptors. They are
// closed when this process executes another program.
func (c *Conn) ReadMsgUnix(p, oob []byte) (n, oobn, flags int, from *net.UnixAddr, err error) {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	piece := unix.Iovec{Base: unsafe.SliceData(p)}
	piece.SetLen(len(p))
	message := unix.Msghdr{Iov: &piece, Control: unsafe.SliceData(oob)}
	message.SetIovlen(1)
	message.SetControllen(len(oob))
	var errno syscall.Errno
	err = c.raw.Read(func(fd uintptr) bool {
		n, errno = now(unix.SYS_RECVMSG, fd, unsafe.Pointer(&message), unix.MSG_CMSG_CLOEXEC)
		return errno != unix.EAGAIN
	})
	if err == nil && errno != 0 {
		err = os.NewSyscallError("recvmsg", errno)
	}
	if err != nil {
		return 0, 0, 0, nil, c.told("read", err)
	}
	if n == 0 && len(p) > 0 {
		err = io.EOF
	}
	return n, int(message.Controllen), int(message.Flags), nil, err
}

// Pipe is a pipe to read from and to write to, which no other program inherits.
func Pipe() (ends [2]Descriptor, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return ends, os.NewSyscallError("pipe2", err)
	}
	return [2]Descriptor{{fds[0], unix.S_IFIFO}, {fds[1], unix.S_IFIFO}}, nil
}

// Poll tells how many of some descriptors are ready now, as poll(2).
func Poll(fds []unix.PollFd) int {
	var none unix.Timespec
	n, _, errno := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(unsafe.SliceData(fds))), uintptr(len(fds)), uintptr(unsafe.Pointer(&none)), 0, 0, 0)
	if errno != 0 {
		return 0 // who waits will see
	}
	return int(n)
}

// kindOf is the type of a descriptor's file, 0 if it cannot be told.
func kindOf(fd int) uint32 {
	var of unix.Statx_t
	var path [1]byte // empty
	_, _, errno := syscall.RawSyscall6(unix.SYS_STATX, uintptr(fd), uintptr(unsafe.Pointer(&path)), unix.AT_EMPTY_PATH, unix.STATX_TYPE, uintptr(unsafe.Pointer(&of)), 0)
	if errno != 0 {
		return 0
	}
	return uint32(of.Mode) & unix.S_IFMT
}

// Read reads what poll has said is there. EAGAIN says that somebody else has read
// it.
func (d Descriptor) Read(p []byte) (int, error) {
	if d.Brief() {
		piece := unix.Iovec{Base: unsafe.SliceData(p)}
		piece.SetLen(len(p))
		const here = ^uintptr(0) // as an offset: where it is
		n, _, errno := syscall.RawSyscall6(unix.SYS_PREADV2, uintptr(d.FD), uintptr(unsafe.Pointer(&piece)), 1, here, here, unix.RWF_NOWAIT)
		switch errno {
		case 0:
			return int(n), nil
		case unix.EAGAIN, unix.EINTR:
			return 0, errno
		} // it cannot be asked, as a pipe before Linux 6.5; or that call says what is wrong
	}
	return unix.Read(d.FD, p)
}

// Close closes it.
func (d Descriptor) Close() error {
	if !d.Brief() {
		return unix.Close(d.FD)
	}
	if _, _, errno := syscall.RawSyscall(unix.SYS_CLOSE, uintptr(d.FD), 0, 0); errno != 0 {
		return errno
	}
	return nil
}
