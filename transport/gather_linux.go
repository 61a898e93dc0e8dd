package transport

import (
	"net"

	"golang.org/x/sys/unix"
)

const gathers = true

// tellFrom has a socket be readable only with so many bytes (SO_RCVLOWAT of
// socket(7), which poll and epoll follow for TCP).
func tellFrom(socket *net.TCPConn, n int) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return // it is closed
	}
	_ = raw.Control(func(fd uintptr) { // a socket that is closed tells of that
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, n)
	})
}
