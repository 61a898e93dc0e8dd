package keys

import (
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
)

// peerProcess is the name of the process that began to listen at the other end
// of a unix socket (SO_PEERCRED, unix(7)), as far as proc(5) has it; "" if it
// has gone.
func peerProcess(c *net.UnixConn) string {
	raw, err := c.SyscallConn()
	if err != nil {
		return ""
	}
	pid := int32(0)
	_ = raw.Control(func(fd uintptr) { // of a connection that is closed: pid stays 0
		if cred, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED); err == nil {
			pid = cred.Pid
		}
	})
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(name), "\n")
}
