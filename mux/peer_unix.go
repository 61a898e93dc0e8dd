//go:build linux || darwin || freebsd

package mux

import (
	"fmt"
	"os"
	"syscall"
)

const supported = true

// checkPeer fails unless the process at the other end is the user's own, or
// root's (channel_post_mux_listener in channels.c).
func checkPeer(c syscall.Conn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	peer, us := -1, os.Geteuid()
	if ctlErr := raw.Control(func(fd uintptr) { peer, err = peerUID(int(fd)) }); ctlErr != nil {
		return ctlErr
	}
	if err != nil {
		return fmt.Errorf("asking for the peer's uid: %w", err)
	}
	if peer != 0 && peer != us {
		return fmt.Errorf("the process at the other end belongs to uid %d, not to you (uid %d)", peer, us)
	}
	return nil
}

// PeerPID is the process at the other end of a unix socket, 0 where the system
// does not tell.
func PeerPID(c syscall.Conn) (pid int) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) { pid = peerPID(int(fd)) }) // of a closed one it stays 0
	return pid
}
