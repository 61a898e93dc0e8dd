package transport

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

// Direct is a connection that passes its bytes by calls of which the runtime is
// not told. It takes the processor from who is in one it knows of for 20 µs, as
// the loopback device is with 32 KiB: another thread is woken to watch the network,
// and on one processor the first then waits for that. These calls never wait.
// What is no TCP socket stays as it is.
func Direct(c net.Conn) net.Conn {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return c // it is closed, and will say so
	}
	return &socket{TCPConn: tcp, in: newPassage("read", raw.Read, unix.SYS_READV), out: newPassage("write", raw.Write, unix.SYS_WRITEV)}
}

// socket is a TCP socket that is read and written directly.
type socket struct {
	*net.TCPConn
	in, out *passage
}

// Read implements net.Conn.
func (s *socket) Read(p []byte) (int, error) {
	n, err := s.in.pass(p, nil)
	if n == 0 && err == nil && len(p) > 0 {
		return 0, io.EOF
	}
	return n, s.told(s.in, err)
}

// Write implements net.Conn.
func (s *socket) Write(p []byte) (int, error) { return s.writeBoth(p, nil) }

// writeBoth writes two pieces as one.
func (s *socket) writeBoth(first, second []byte) (written int, err error) {
	for len(first)+len(second) > 0 {
		n, err := s.out.pass(first, second)
		written += n
		if err != nil {
			return written, s.told(s.out, err)
		}
		part := min(n, len(first))
		first, second = first[part:], second[n-part:]
	}
	return written, nil
}

// told is an error as package net has it.
func (s *socket) told(way *passage, err error) error {
	if err == nil {
		return nil
	}
	if op := new(net.OpError); errors.As(err, &op) {
		err = op.Err
	}
	return &net.OpError{Op: way.name, Net: "tcp", Source: s.LocalAddr(), Addr: s.RemoteAddr(), Err: err}
}

// passage is one way through a socket.
type passage struct {
	name string
	wait func(func(fd uintptr) bool) error // until the call has been made
	trap uintptr                           // readv or writev
	try  func(fd uintptr) bool             // is attempt, made once

	mu     sync.Mutex // guards what follows
	pieces [2]unix.Iovec
	n      int
	err    syscall.Errno
}

func newPassage(name string, wait func(func(uintptr) bool) error, trap uintptr) *passage {
	p := &passage{name: name, wait: wait, trap: trap}
	p.try = p.attempt
	return p
}

// pass makes one call with two pieces, either of which may be empty.
func (p *passage) pass(first, second []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
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
	for {
		n, _, err := syscall.RawSyscall(p.trap, fd, uintptr(unsafe.Pointer(&p.pieces)), uintptr(len(p.pieces)))
		switch err {
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return false
		}
		p.n, p.err = int(n), err
		return true
	}
}
