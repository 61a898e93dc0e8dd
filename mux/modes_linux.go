package mux

import "golang.org/x/sys/unix"

const (
	getTermios = unix.TCGETS
	iutf8      = unix.IUTF8
)
