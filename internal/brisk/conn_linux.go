package brisk

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Conn is a socket.
type Conn struct {
	net.Conn
	raw     syscall.RawConn
	in, out passage
}

// Wrap is c, as a *Conn where it is a socket and nothing around one.
func Wrap(c net.Conn) net.Conn {
	var raw syscall.RawConn
	var err error
	switch socket := c.(type) {
	case *net.TCPConn:
		raw, err = socket.SyscallConn()
	case *net.UnixConn:
		raw, err = socket.SyscallConn()
	case accepted:
		raw, err = socket.SyscallConn()
	default:
		return c
	}
	if err != nil {
		return c // it is closed, and will say so
	}
	b := &Conn{
		Conn: c, raw: raw,
		in:  passage{name: "read", wait: raw.Read, trap: unix.SYS_READV},
		out: passage{name: "write", wait: raw.Write, trap: unix.SYS_WRITEV},
	}
	b.in.try, b.out.try = b.in.attempt, b.out.attempt
	return b
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	n, err := c.in.pass(p, nil)
	if n == 0 && err == nil && len(p) > 0 {
		return 0, io.EOF
	}
	return n, c.told(c.in.name, err)
}

// Write implements net.Conn.
func (c *Conn) Write(p []byte) (int, error) { return c.WriteBoth(p, nil) }

// WriteBoth writes two pieces as one.
func (c *Conn) WriteBoth(first, second []byte) (written int, err error) {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	for len(first)+len(second) > 0 {
		n, err := c.out.pass(first, second)
		written += n
		if err != nil {
			return written, c.told(c.out.name, err)
		}
		part := min(n, len(first))
		first, second = first[part:], second[n-part:]
	}
	return written, nil
}

// SyscallConn implements syscall.Conn.
func (c *Conn) SyscallConn() (syscall.RawConn, error) { return c.raw, nil }

// CloseWrite ends what is written.
func (c *Conn) CloseWrite() error { return c.told("close", c.shutdown(unix.SHUT_WR)) }

func (c *Conn) shutdown(how uintptr) error {
	var errno syscall.Errno
	err := c.raw.Control(func(fd uintptr) {
		_, _, errno = syscall.RawSyscall(unix.SYS_SHUTDOWN, fd, how, 0)
	})
	if err == nil && errno != 0 {
		err = os.NewSyscallError("shutdown", errno)
	}
	return err
}

// Acknowledge has the kernel acknowledge what was received without delay, on a TCP
// socket. The setting is not permanent (TCP_QUICKACK of tcp(7)): it is made after
// each read.
func Acknowledge(c net.Conn) {
	socket, ok := c.(*Conn)
	if !ok {
		return
	}
	if _, ok := socket.Conn.(*net.TCPConn); !ok {
		return
	}
	on := int32(1)
	_ = socket.raw.Control(func(fd uintptr) { // it saves time, nothing depends on it
		_, _, _ = syscall.RawSyscall6(unix.SYS_SETSOCKOPT, fd, unix.IPPROTO_TCP, unix.TCP_QUICKACK, uintptr(unsafe.Pointer(&on)), unsafe.Sizeof(on), 0)
	})
}

// SetLinger is that of a TCP socket.
func (c *Conn) SetLinger(seconds int) error {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		return tcp.SetLinger(seconds)
	}
	return errors.ErrUnsupported
}

// told is an error as package net has it.
func (c *Conn) told(what string, err error) error {
	if err == nil {
		return nil
	}
	if op := new(net.OpError); errors.As(err, &op) {
		err = op.Err // its Op is "raw-read"
	}
	return &net.OpError{Op: what, Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: closed(err)}
}

// passage is one way through a socket.
type passage struct {
	name string
	wait func(func(fd uintptr) bool) error // until the call has been made
	trap uintptr                           // readv or writev
	try  func(fd uintptr) bool             // is attempt, made once

	mu     sync.Mutex // held by who reads or writes; guards what follows
	pieces [2]unix.Iovec
	n      int
	err    syscall.Errno
}

// pass makes one call with two pieces, either of which may be empty.
func (p *passage) pass(first, second []byte) (int, error) {
	for i, piece := range [...][]byte{first, second} {
		p.pieces[i].Base = unsafe.SliceData(piece)
		p.pieces[i].SetLen(len(piece))
	}
	err := p.wait(p.try)
	p.pieces = [2]unix.Iovec{}
	switch {
	case err != nil:
		return 0, err
	case p.err != 0:
		return 0, os.NewSyscallError(p.name, p.err)
	}
	return p.n, nil
}

// attempt makes the call; it is false when that has to wait.
func (p *passage) attempt(fd uintptr) bool {
	p.n, p.err = now(p.trap, fd, unsafe.Pointer(&p.pieces), len(p.pieces))
	return p.err != unix.EAGAIN
}

// ReadNow reads what is there, from a descriptor that does not block; EAGAIN
// says that there is nothing.
func ReadNow(fd uintptr, p []byte) (int, error) { return onePiece(unix.SYS_READ, fd, p) }

// WriteNow writes what is taken at once, likewise.
func WriteNow(fd uintptr, p []byte) (int, error) { return onePiece(unix.SYS_WRITE, fd, p) }

func onePiece(trap, fd uintptr, p []byte) (int, error) {
	n, errno := now(trap, fd, unsafe.Pointer(unsafe.SliceData(p)), len(p))
	if errno != 0 {
		return 0, errno
	}
	return n, nil
}

// now makes a call that does not wait.
func now(trap, fd uintptr, what unsafe.Pointer, size int) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall(trap, fd, uintptr(what), uintptr(size))
		switch errno {
		case 0:
			return int(n), 0
		case unix.EINTR:
			continue
		}
		return 0, errno
	}
}
