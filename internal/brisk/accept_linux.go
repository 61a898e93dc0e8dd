package brisk

import (
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// listener is a listening unix socket, whose connections are *Conn.
type listener struct {
	file *os.File
	raw  syscall.RawConn
	addr net.Addr
}

// Listen has a unix socket accept connections, which listens already. Neither its
// name nor the file is the listener's.
func Listen(socket *os.File) (net.Listener, error) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil, err
	}
	var l *listener
	var failure error
	err = raw.Control(func(fd uintptr) { l, failure = listen(fd) })
	return l, errors.Join(err, failure)
}

// listen makes a copy that does not block: waiting for it ends with it.
func listen(socket uintptr) (*listener, error) {
	name, err := unix.Getsockname(int(socket))
	if err != nil {
		return nil, os.NewSyscallError("getsockname", err)
	}
	named, ok := name.(*unix.SockaddrUnix)
	if !ok {
		return nil, net.UnknownNetworkError("not unix")
	}
	fd, err := unix.FcntlInt(socket, unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	file := os.NewFile(uintptr(fd), "listener")
	raw, err := file.SyscallConn()
	return &listener{file, raw, address(named.Name)}, err
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		var fd uintptr
		var errno syscall.Errno
		err := l.raw.Read(func(listening uintptr) bool {
			fd, _, errno = syscall.RawSyscall6(unix.SYS_ACCEPT4, listening, 0, 0, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
			return errno != unix.EAGAIN
		})
		switch {
		case err == nil && errno == 0:
			return Wrap(accepted{os.NewFile(fd, "socket"), l.addr}), nil
		case err == nil && (errno == unix.EINTR || errno == unix.ECONNABORTED):
			continue
		case err == nil:
			err = os.NewSyscallError("accept4", errno)
		}
		return nil, &net.OpError{Op: "accept", Net: l.addr.Network(), Addr: l.addr, Err: closed(err)}
	}
}

// Close implements net.Listener. The socket's name stays.
func (l *listener) Close() error { return l.file.Close() }

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return l.addr }

// accepted is a connection that was accepted. It is a file, which the runtime can
// wait for as for one of package net, but which is made by fewer calls.
type accepted struct {
	*os.File
	addr net.Addr
}

func (a accepted) LocalAddr() net.Addr { return a.addr }
func (accepted) RemoteAddr() net.Addr  { return address("@") } // who connects has no name

// soon is when connections that have ended are closed: to close one is a call that
// Go's monitor hears of, to close many is no more.
const soon = 20 * time.Millisecond

// over are connections that have ended.
var over struct {
	mu    sync.Mutex // guards conns
	conns []net.Conn
}

// CloseSoon ends a connection, as Close does, but gives its descriptor back a
// little later.
func CloseSoon(c net.Conn) {
	socket, ok := c.(*Conn)
	if !ok || socket.shutdown(unix.SHUT_RDWR) != nil {
		_ = c.Close() // it has ended
		return
	}
	over.mu.Lock()
	defer over.mu.Unlock()
	if over.conns = append(over.conns, c); len(over.conns) == 1 {
		time.AfterFunc(soon, closeOver)
	}
}

func closeOver() {
	over.mu.Lock()
	conns := over.conns
	over.conns = nil
	over.mu.Unlock()
	for _, c := range conns {
		_ = c.Close() // it has ended
	}
}

// address is the name of a unix socket.
func address(name string) net.Addr { return &net.UnixAddr{Name: name, Net: "unix"} }

// closed is err, as package net has it when it says that a file is closed: that
// is neither a call's nor one of being late.
func closed(err error) error {
	if errors.As(err, new(*os.SyscallError)) || errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return net.ErrClosed
}
