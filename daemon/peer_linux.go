package daemon

import (
	"net"

	"golang.org/x/sys/unix"

	"sallyport/transport"
)

// peerUID is the uid of the process at the other end of a unix socket
// (SO_PEERCRED, unix(7)).
func peerUID(fd int) (int, error) {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return -1, err
	}
	return int(cred.Uid), nil
}

// peerPID is the process at the other end of a unix socket, as it is called
// here; 0 if it has no name here.
func peerPID(c net.Conn) (pid int) {
	brisk, ok := c.(*transport.Brisk)
	if !ok {
		return 0
	}
	raw, err := brisk.Conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) { // fails only on what is closed
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			pid = int(cred.Pid)
		}
	})
	return pid
}
