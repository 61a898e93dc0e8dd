//go:build linux || darwin || freebsd

package mux

import "golang.org/x/sys/unix"

// TerminalModes are a terminal's modes by their opcodes of RFC 4254 section 8,
// and IUTF8 of RFC 8160; nil when they cannot be told.
func TerminalModes(fd int) map[uint8]uint32 {
	tio, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return nil
	}
	return modes(tio)
}

func modes(tio *unix.Termios) map[uint8]uint32 {
	m := make(map[uint8]uint32)
	for _, chars := range []map[uint8]int{controlChars, systemChars} {
		for opcode, index := range chars {
			m[opcode] = char(tio.Cc[index])
		}
	}
	for _, flags := range []struct {
		set  uint64
		bits map[uint8]uint64
	}{
		{uint64(tio.Iflag), inputFlags}, {uint64(tio.Iflag), systemInput},
		{uint64(tio.Lflag), localFlags}, {uint64(tio.Lflag), systemLocal},
		{uint64(tio.Oflag), outputFlags}, {uint64(tio.Oflag), systemOutput},
	} {
		for opcode, bit := range flags.bits {
			m[opcode] = 0
			if flags.set&bit != 0 {
				m[opcode] = 1
			}
		}
	}
	size := uint64(tio.Cflag) & unix.CSIZE
	m[90] = truth(size == unix.CS7)
	m[91] = truth(size == unix.CS8)
	m[92] = truth(uint64(tio.Cflag)&unix.PARENB != 0)
	m[93] = truth(uint64(tio.Cflag)&unix.PARODD != 0)
	m[128], m[129] = speedsOf(tio)
	return m
}

// char is a control character; 255 is one that there is not, which systems
// write in different ways (special_char_encode of ttymodes.c).
func char(c uint8) uint32 {
	if c == disabled {
		return 255
	}
	return uint32(c)
}

// controlChars are the opcodes of RFC 4254 section 8 for the characters that
// every system has.
var controlChars = map[uint8]int{
	1: unix.VINTR, 2: unix.VQUIT, 3: unix.VERASE, 4: unix.VKILL, 5: unix.VEOF,
	6: unix.VEOL, 7: unix.VEOL2, 8: unix.VSTART, 9: unix.VSTOP, 10: unix.VSUSP,
	12: unix.VREPRINT, 13: unix.VWERASE, 14: unix.VLNEXT, 18: unix.VDISCARD,
}

var inputFlags = map[uint8]uint64{
	30: unix.IGNPAR, 31: unix.PARMRK, 32: unix.INPCK, 33: unix.ISTRIP, 34: unix.INLCR,
	35: unix.IGNCR, 36: unix.ICRNL, 38: unix.IXON, 39: unix.IXANY, 40: unix.IXOFF,
	41: unix.IMAXBEL, 42: iutf8,
}

var localFlags = map[uint8]uint64{
	50: unix.ISIG, 51: unix.ICANON, 53: unix.ECHO, 54: unix.ECHOE, 55: unix.ECHOK,
	56: unix.ECHONL, 57: unix.NOFLSH, 58: unix.TOSTOP, 59: unix.IEXTEN, 60: unix.ECHOCTL,
	61: unix.ECHOKE, 62: unix.PENDIN,
}

var outputFlags = map[uint8]uint64{
	70: unix.OPOST, 72: unix.ONLCR, 73: unix.OCRNL, 74: unix.ONOCR, 75: unix.ONLRET,
}
