package mux

import "golang.org/x/sys/unix"

const (
	getTermios = unix.TIOCGETA
	setTermios = unix.TIOCSETA
	iutf8      = 0x4000 // IUTF8 of FreeBSD 14's termios.h; unknown to x/sys
)

// disabled is _POSIX_VDISABLE: a control character that there is not.
const disabled = 0xff

// What only BSD has: opcodes of RFC 4254 section 8.
var (
	systemChars  = map[uint8]int{11: unix.VDSUSP, 17: unix.VSTATUS}
	systemInput  map[uint8]uint64
	systemLocal  map[uint8]uint64
	systemOutput map[uint8]uint64
)

// speedsOf are those of input and output, in bits a second.
func speedsOf(tio *unix.Termios) (in, out uint32) { return uint32(tio.Ispeed), uint32(tio.Ospeed) }
