package daemon

import (
	"net"
	"syscall"

	"sallyport/internal/brisk"
)

// peerUID is the uid of the process at the other end of a unix socket.
func peerUID(fd int) (int, error) {
	_, uid, err := brisk.Peer(uintptr(fd))
	return uid, err
}

// peerPID is the process at the other end of a unix socket, as it is called
// here; 0 if it has no name here.
func peerPID(c net.Conn) (pid int) {
	socket, ok := c.(syscall.Conn)
	if !ok {
		return 0
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) { pid, _, _ = brisk.Peer(fd) }) // fails only on what is closed
	return pid
}
