package cli

import "golang.org/x/sys/unix"

const (
	getTermios = unix.TIOCGETA
	setTermios = unix.TIOCSETA
	iutf8      = 0x4000 // IUTF8 of FreeBSD 14's termios.h; unknown to x/sys
)
