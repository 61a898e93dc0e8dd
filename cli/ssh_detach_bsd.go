//go:build darwin || freebsd

package cli

import (
	"os"

	"golang.org/x/sys/unix"
)

// replace makes old the same open file as by.
func replace(by, old *os.File) error { return unix.Dup2(int(by.Fd()), int(old.Fd())) }
