package tunnels

import (
	"net"
	"syscall"
)

// peerPID is the process at the other end of a unix socket (SO_PEERCRED,
// unix(7)); 0 if that cannot be told.
func peerPID(c *net.UnixConn) (pid int) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) { // of a connection that is closed: pid stays 0
		if cred, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED); err == nil {
			pid = int(cred.Pid)
		}
	})
	return pid
}
