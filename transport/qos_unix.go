//go:build unix

package transport

import "syscall"

// mark sets the TOS byte or the traffic class of a socket.
func mark(c syscall.RawConn, ipv6 bool, value int) error {
	if value == unmarked {
		return nil
	}
	level, option := syscall.IPPROTO_IP, syscall.IP_TOS
	if ipv6 {
		level, option = syscall.IPPROTO_IPV6, syscall.IPV6_TCLASS
	}
	// An error means that the system knows no marks: packets go without.
	return c.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), level, option, value) })
}
