//go:build unix

package tunnels

import "syscall"

// ownerOnly gives a socket its mode before it has a name, so that there is no
// moment in which others could connect. Linux takes it; where the kernel does
// not, the chmod after bind must do.
func ownerOnly(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		_ = syscall.Fchmod(int(fd), 0o600) // EINVAL on the BSDs
	})
}
