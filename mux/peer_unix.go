//go:build linux || darwin || freebsd

package mux

import (
	"fmt"
	"os"
	"syscall"

	"sallyport/internal/brisk"
)

const supported = true

// checkPeer fails unless the process at the other end is the user's own, or
// root's (channel_post_mux_listener in channels.c).
func checkPeer(c syscall.Conn) error {
	_, uid, err := brisk.Peer(c)
	if us := os.Geteuid(); err == nil && uid != 0 && uid != us {
		err = fmt.Errorf("the process at the other end belongs to uid %d, not to you (uid %d)", uid, us)
	}
	return err
}
