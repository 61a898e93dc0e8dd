package cli

import "golang.org/x/sys/unix"

const (
	getTermios = unix.TIOCGETA
	setTermios = unix.TIOCSETA

	forgetTermios = unix.TIOCSETAF // also drops what was typed and not read
)
