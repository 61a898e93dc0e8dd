//go:build linux || darwin || freebsd

package mux

import (
	"os"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"sallyport/internal/rfc4254"
)

// newTerminal makes a terminal for a master to read and write, with the modes
// that it is to tell the far side. They are read when the session is opened;
// then the terminal is made raw, as that of ssh.
func newTerminal(m rfc4254.Pty) (p pipes, opened func(), err error) {
	near, far, err := pty.Open()
	if err != nil {
		return pipes{}, nil, err
	}
	p = pipes{passed: filesOf{far, far, far}, kept: filesOf{near, near}}
	resize(near, rfc4254.Window{Columns: m.Columns, Rows: m.Rows, Width: m.Width, Height: m.Height})
	control, err := far.SyscallConn()
	if err != nil {
		p.passed.close()
		p.kept.close()
		return pipes{}, nil, err
	}
	// Both fail only on what is no terminal.
	_ = control.Control(func(fd uintptr) { setModes(int(fd), rfc4254.DecodeModes(m.Modes)) })
	return p, func() { _ = control.Control(func(fd uintptr) { makeRaw(int(fd)) }) }, nil
}

// resize sets the size of a terminal.
func resize(near *os.File, m rfc4254.Window) {
	control, err := near.SyscallConn()
	if err != nil {
		return // it is closed
	}
	size := &unix.Winsize{Row: uint16(m.Rows), Col: uint16(m.Columns), Xpixel: uint16(m.Width), Ypixel: uint16(m.Height)}
	_ = control.Control(func(fd uintptr) { unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, size) }) // a closed one has no size
}

// setModes is the reverse of TerminalModes but for sizes and speeds of a
// line, which a made-up terminal has not.
func setModes(fd int, modes map[uint8]uint32) {
	tio, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return
	}
	for _, chars := range []map[uint8]int{controlChars, systemChars} {
		for opcode, index := range chars {
			switch v, given := modes[opcode]; {
			case given && v == 255:
				tio.Cc[index] = disabled
			case given:
				tio.Cc[index] = uint8(v)
			}
		}
	}
	setFlags(&tio.Iflag, modes, inputFlags, systemInput)
	setFlags(&tio.Lflag, modes, localFlags, systemLocal)
	setFlags(&tio.Oflag, modes, outputFlags, systemOutput)
	_ = unix.IoctlSetTermios(fd, setTermios, tio) // nothing can be done about a failure
}

func setFlags[F uint32 | uint64](flags *F, modes map[uint8]uint32, tables ...map[uint8]uint64) {
	for _, table := range tables {
		for opcode, bit := range table {
			switch v, given := modes[opcode]; {
			case given && v == 0:
				*flags &^= F(bit)
			case given:
				*flags |= F(bit)
			}
		}
	}
}

// makeRaw has a terminal pass on every byte, as enter_raw_mode of sshtty.c.
func makeRaw(fd int) {
	tio, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return
	}
	tio.Iflag |= unix.IGNPAR
	tio.Iflag &^= unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON | unix.IXANY | unix.IXOFF
	tio.Lflag &^= unix.ISIG | unix.ICANON | unix.ECHO | unix.ECHOE | unix.ECHOK | unix.ECHONL | unix.IEXTEN
	tio.Oflag &^= unix.OPOST
	tio.Cc[unix.VMIN], tio.Cc[unix.VTIME] = 1, 0
	_ = unix.IoctlSetTermios(fd, setTermios, tio) // nothing can be done about a failure
}
