package transport

import (
	"net"

	"golang.org/x/sys/unix"
)

// acknowledge has the kernel acknowledge what was received without delay. The
// setting is not permanent (tcp(7)), so it is made after each read.
func acknowledge(c net.Conn) {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { // it saves time, nothing depends on it
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1)
	})
}
