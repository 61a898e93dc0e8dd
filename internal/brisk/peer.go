package brisk

import (
	"net"
	"syscall"
)

// Peer is the process at the other end of a unix socket, and its user. The
// process is 0 where the system does not tell, or where it has no name here.
func Peer(c syscall.Conn) (pid, uid int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, -1, err
	}
	if notOpen := raw.Control(func(fd uintptr) { pid, uid, err = peer(fd) }); notOpen != nil {
		return 0, -1, notOpen
	}
	return pid, uid, err
}

// PeerPID is the process alone, 0 if it is not known.
func PeerPID(c net.Conn) int {
	socket, ok := c.(syscall.Conn)
	if !ok {
		return 0
	}
	pid, _, _ := Peer(socket)
	return pid
}
