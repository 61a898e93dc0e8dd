package mux

import "golang.org/x/sys/unix"

const (
	getTermios = unix.TIOCGETA
	iutf8      = 0x4000 // IUTF8 of FreeBSD 14's termios.h; unknown to x/sys
)
