//go:build unix

package mux

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// SocketPair is two connected sockets, the second one for a child.
func SocketPair() (ours *net.UnixConn, theirs *os.File, err error) {
	syscall.ForkLock.RLock() // no child of another goroutine gets them
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(pair[0])
		unix.CloseOnExec(pair[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	theirs = os.NewFile(uintptr(pair[1]), "socket for a child")
	f := os.NewFile(uintptr(pair[0]), "socket")
	defer f.Close() // net has a copy
	conn, err := net.FileConn(f)
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return conn.(*net.UnixConn), theirs, nil
}

// SendFile passes a file's descriptor beside one NUL byte (mm_send_fd in
// monitor_fdpass.c).
func SendFile(c *net.UnixConn, f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var sendErr error
	err = raw.Control(func(fd uintptr) { // f.Fd would make it blocking for everybody who has it
		_, _, sendErr = c.WriteMsgUnix([]byte{0}, unix.UnixRights(int(fd)), nil)
	})
	return errors.Join(err, sendErr)
}

// ReceiveFile reads the byte that carries a descriptor: one, or else none is
// taken. The buffer has room for no more, so that the kernel closes the others
// and says that there were some.
func ReceiveFile(c receiver) (fd int, err error) {
	var text [1]byte
	control := make([]byte, unix.CmsgLen(4))
	n, controlSize, flags, _, err := c.ReadMsgUnix(text[:], control) // it sets close-on-exec
	if err == nil && n == 0 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return -1, err
	}
	fds := descriptors(control[:controlSize])
	if len(fds) != 1 || flags&unix.MSG_CTRUNC != 0 {
		closeAll(fds)
		return -1, errors.New("not one descriptor came")
	}
	return fds[0], nil
}

// descriptors are those in a control message. One that cannot be parsed holds
// none.
func descriptors(control []byte) (fds []int) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil
	}
	for _, m := range messages {
		if some, err := unix.ParseUnixRights(&m); err == nil {
			fds = append(fds, some...)
		}
	}
	return fds
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd) // nothing was written to it
	}
}
