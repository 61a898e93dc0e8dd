package cli

import "golang.org/x/sys/unix"

const (
	getTermios = unix.TCGETS
	setTermios = unix.TCSETS

	forgetTermios = unix.TCSETSF // also drops what was typed and not read
)
