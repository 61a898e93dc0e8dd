package mux

import "golang.org/x/sys/unix"

const (
	getTermios = unix.TIOCGETA
	iutf8      = unix.IUTF8
)
