package transport

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"
)

// Brisk reads and writes a socket past the runtime's account of system calls.
// Go's monitor thread sleeps while a process rests, and the first accounted call
// afterwards wakes it: 10 µs on the way of a key that takes 100 to 200 there and
// back, and then a thread that looks every 20 µs beside it (sysmon in proc.go of
// Go's runtime). A call that never blocks needs no monitor.
type Brisk struct {
	net.Conn
	raw syscall.RawConn
}

// NewBrisk is c, as a *Brisk where it is a socket and nothing around one.
func NewBrisk(c net.Conn) net.Conn {
	var raw syscall.RawConn
	var err error
	switch socket := c.(type) {
	case *net.TCPConn:
		raw, err = socket.SyscallConn()
	case *net.UnixConn:
		raw, err = socket.SyscallConn()
	default:
		return c
	}
	if err != nil {
		return c // it is closed
	}
	return &Brisk{c, raw}
}

// Read implements io.Reader.
func (b *Brisk) Read(p []byte) (n int, err error) {
	var failure error
	err = b.raw.Read(func(fd uintptr) bool {
		n, failure = ReadNow(fd, p)
		return failure != syscall.EAGAIN
	})
	switch {
	case err != nil || failure != nil:
		return 0, b.failed("read", err, failure)
	case n == 0 && len(p) > 0:
		return 0, io.EOF
	}
	return n, nil
}

// Write implements io.Writer.
func (b *Brisk) Write(p []byte) (written int, err error) {
	var failure error
	err = b.raw.Write(func(fd uintptr) bool {
		for written < len(p) && failure == nil {
			var n int
			n, failure = WriteNow(fd, p[written:])
			written += n
		}
		again := failure == syscall.EAGAIN
		if again {
			failure = nil
		}
		return !again
	})
	if err != nil || failure != nil {
		return written, b.failed("write", err, failure)
	}
	return written, nil
}

// CloseWrite ends what is written.
func (b *Brisk) CloseWrite() error {
	return b.Conn.(interface{ CloseWrite() error }).CloseWrite() // both kinds have it
}

// failed is an error as package net has it: of the poller, or of a call.
func (b *Brisk) failed(op string, poller, call error) error {
	if of, ok := poller.(*net.OpError); ok {
		poller = of.Err // its Op is "raw-read"
	}
	if poller == nil {
		poller = os.NewSyscallError(op, call)
	}
	return &net.OpError{Op: op, Net: b.LocalAddr().Network(), Source: b.LocalAddr(), Addr: b.RemoteAddr(), Err: poller}
}

// ReadNow reads what is there, from a descriptor that does not block; EAGAIN
// says that there is nothing.
func ReadNow(fd uintptr, p []byte) (int, error) { return now(syscall.SYS_READ, fd, p) }

// WriteNow writes what is taken at once, likewise.
func WriteNow(fd uintptr, p []byte) (int, error) { return now(syscall.SYS_WRITE, fd, p) }

func now(call, fd uintptr, p []byte) (int, error) {
	for {
		n, _, err := syscall.RawSyscall(call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		switch err {
		case 0:
			return int(n), nil
		case syscall.EINTR:
			continue
		}
		return 0, err
	}
}
