package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"sallyport/internal/brisk"
)

// foreign is the terminal of another process, opened anew: so that it does not
// block for us and does for everybody else who has it, a shell among them (what
// is passed by SCM_RIGHTS or dup shares that, fcntl(2)).
//
// It is no terminal of our session, so the kernel lets us read and write it
// whoever is in front (job_control of n_tty.c). We look ourselves: before each
// read and write the process must run, and be of the group in front. What it
// was stopped for, or what has taken the terminal from it, comes after that.
type foreign struct {
	file *os.File
	raw  syscall.RawConn
	life int          // descriptor of its proc_pid_stat(5)
	born time.Time    // what seen counts from
	seen atomic.Int64 // when the process was seen in front, in nanoseconds since born
}

// lately is how long a look counts for what is written: the echo of a key comes
// within it where there is no distance, and nobody draws a prompt in less.
const lately = 300 * time.Microsecond

// openForeign opens the terminal on the standard input of a process.
func openForeign(pid int) (*foreign, error) {
	life, err := unix.Open(fmt.Sprintf("/proc/%d/task/%d/stat", pid, pid), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("open", err)
	}
	f := &foreign{life: life, born: time.Now()}
	f.seen.Store(-int64(lately))
	f.file, err = os.OpenFile(fmt.Sprintf("/proc/%d/fd/0", pid), os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err == nil {
		f.raw, err = f.file.SyscallConn()
	}
	if err == nil {
		err = f.check()
	}
	if err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// check refuses what is no terminal, or not the one that the process is in
// front of.
func (f *foreign) check() (err error) {
	of, known := f.now()
	notOpen := f.raw.Control(func(fd uintptr) {
		var stat unix.Stat_t
		if err = unix.Fstat(int(fd), &stat); err == nil && (!known || uint64(of.tty) != stat.Rdev) {
			err = errBehind
		}
		if err == nil {
			_, err = unix.IoctlGetTermios(int(fd), unix.TCGETS)
		}
	})
	return errors.Join(notOpen, err)
}

func (f *foreign) close() {
	_ = unix.Close(f.life) // nothing was written to it
	if f.file != nil {
		_ = f.file.Close() // all was written that is written here
	}
}

// halt has Read end with os.ErrDeadlineExceeded.
func (f *foreign) halt() { _ = f.file.SetReadDeadline(time.Unix(1, 0)) } // fails only on what is closed

// Read waits for what is typed while the terminal is the process', else it ends
// with errBehind.
func (f *foreign) Read(p []byte) (n int, err error) {
	var failure error
	err = f.raw.Read(func(fd uintptr) bool {
		if !f.inFront() {
			n, failure = 0, errBehind
			return true
		}
		n, failure = brisk.ReadNow(fd, p)
		return failure != unix.EAGAIN
	})
	if err == nil {
		err = failure
	}
	if err == nil && n == 0 {
		err = io.EOF // it was hung up
	}
	return n, err
}

// put writes what the terminal takes at once, if it is the process'.
func (f *foreign) put(p []byte) (written int) {
	_ = f.raw.Control(func(fd uintptr) { // fails only on what is closed
		for written < len(p) && (f.wasInFront() || f.inFront()) {
			n, err := brisk.WriteNow(fd, p[written:])
			written += n
			if err != nil || n == 0 {
				return // who writes the rest sees why
			}
		}
	})
	return written
}

// inFront tells whether the process runs and has the terminal.
func (f *foreign) inFront() bool {
	now, known := f.now()
	is := known && now.group == now.front && bytes.IndexByte([]byte("RSDI"), now.state) >= 0
	if is {
		f.seen.Store(int64(time.Since(f.born)))
	}
	return is
}

// wasInFront tells whether it was lately.
func (f *foreign) wasInFront() bool {
	return int64(time.Since(f.born))-f.seen.Load() < int64(lately)
}

// standing is what a process does, and where: fields 3, 5, 7 and 8 of
// proc_pid_stat(5).
type standing struct {
	state             byte
	group, tty, front int
}

// now is how it stands; not known once it is gone.
func (f *foreign) now() (s standing, known bool) {
	var text [512]byte
	n, _, err := syscall.RawSyscall6(syscall.SYS_PREAD64, uintptr(f.life), uintptr(unsafe.Pointer(&text[0])), uintptr(len(text)), 0, 0, 0)
	if err != 0 {
		return s, false
	}
	return standingOf(text[:n])
}

// standingOf reads a line of proc_pid_stat(5). The name of the program, which
// may hold anything, is in parentheses.
func standingOf(line []byte) (s standing, known bool) {
	line = line[bytes.LastIndexByte(line, ')')+1:]
	if len(line) < 4 || line[0] != ' ' || line[2] != ' ' {
		return s, false
	}
	s.state, line = line[1], line[3:]
	var numbers [5]int // parent, group, session, terminal, front
	for i := range numbers {
		word, rest, found := bytes.Cut(line, []byte{' '})
		if !found {
			return s, false
		}
		numbers[i], line = number(word), rest
	}
	s.group, s.tty, s.front = numbers[1], numbers[3], numbers[4]
	return s, true
}

// number reads a decimal number without an allocation; -1 is what is none.
func number(word []byte) (n int) {
	for _, digit := range word {
		if digit < '0' || digit > '9' {
			return -1
		}
		n = n*10 + int(digit-'0')
	}
	return n
}
