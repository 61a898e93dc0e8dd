package mux

import "golang.org/x/sys/unix"

const (
	getTermios = unix.TCGETS
	setTermios = unix.TCSETS
	iutf8      = unix.IUTF8
)

// disabled is _POSIX_VDISABLE: a control character that there is not.
const disabled = 0

// What only System V has: opcodes of RFC 4254 section 8.
var (
	systemChars  map[uint8]int
	systemInput  = map[uint8]uint64{37: unix.IUCLC}
	systemLocal  = map[uint8]uint64{52: unix.XCASE}
	systemOutput = map[uint8]uint64{71: unix.OLCUC}
)

// speeds are what c_cflag says of a terminal's, in bits a second: CBAUD is an
// index (termios(3)).
var speeds = map[uint32]uint32{
	unix.B0: 0, unix.B50: 50, unix.B75: 75, unix.B110: 110, unix.B134: 134, unix.B150: 150, unix.B200: 200,
	unix.B300: 300, unix.B600: 600, unix.B1200: 1200, unix.B1800: 1800, unix.B2400: 2400, unix.B4800: 4800,
	unix.B9600: 9600, unix.B19200: 19200, unix.B38400: 38400, unix.B57600: 57600, unix.B115200: 115200,
	unix.B230400: 230400,
}

// speedsOf are those of input and output, which are one on Linux.
func speedsOf(tio *unix.Termios) (in, out uint32) {
	out = speeds[tio.Cflag&unix.CBAUD]
	return out, out
}
