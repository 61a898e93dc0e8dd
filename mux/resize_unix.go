//go:build linux || darwin || freebsd

package mux

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// signalResize sends SIGWINCH to a master (control_client_sigrelay in mux.c).
func signalResize(pid int) error {
	if pid <= 1 {
		return fmt.Errorf("no master has the process number %d", pid)
	}
	return unix.Kill(pid, unix.SIGWINCH)
}
