//go:build linux || darwin || freebsd

package cli

import (
	"os"

	"golang.org/x/sys/unix"
)

const canDetach = true

func closeOnExec(fd int) { unix.CloseOnExec(fd) }

// detach leaves the terminal as daemon(3) does with nochdir. quiet lets go of
// the standard streams too, but for standard error where keepErr: with a
// session they are the command's.
func detach(quiet, keepErr bool) error {
	if _, err := unix.Setsid(); err != nil {
		return os.NewSyscallError("setsid", err)
	}
	if !quiet {
		return nil
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	streams := []*os.File{os.Stdout, os.Stderr}
	if keepErr {
		streams = streams[:1]
	}
	for _, f := range streams {
		if err := replace(null, f); err != nil {
			return os.NewSyscallError("dup2", err)
		}
	}
	return nil
}
