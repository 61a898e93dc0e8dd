//go:build unix

package daemon

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

// heirSockets is two connected sockets, the second one for the next process.
func heirSockets() (ours *net.UnixConn, theirs *os.File, err error) {
	syscall.ForkLock.RLock() // no child of another goroutine gets them
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(pair[0])
		syscall.CloseOnExec(pair[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	theirs = os.NewFile(uintptr(pair[1]), "successor")
	f := os.NewFile(uintptr(pair[0]), "successor")
	defer f.Close() // net has a copy
	conn, err := net.FileConn(f)
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return conn.(*net.UnixConn), theirs, nil
}

// sendFile passes a descriptor (SCM_RIGHTS, unix(7)) with the name of what it
// is: one byte for its length, which the descriptor comes with, and the name.
func sendFile(to *net.UnixConn, name string, f *os.File) error {
	if len(name) > 255 {
		return fmt.Errorf("the name %q is too long", name)
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	message := append([]byte{byte(len(name))}, name...)
	var sent error
	err = raw.Control(func(fd uintptr) { // not f.Fd, which makes the listener block for all who have it
		_, _, sent = to.WriteMsgUnix(message, syscall.UnixRights(int(fd)), nil)
	})
	return errors.Join(err, sent)
}

// receiveFile is the other end of sendFile; io.EOF once there are no more.
func receiveFile(from *net.UnixConn) (name string, f *os.File, err error) {
	length, control := make([]byte, 1), make([]byte, syscall.CmsgSpace(4))
	n, controlled, _, _, err := from.ReadMsgUnix(length, control)
	if err != nil {
		return "", nil, err
	}
	if n == 0 {
		return "", nil, io.EOF
	}
	messages, err := syscall.ParseSocketControlMessage(control[:controlled])
	if err != nil {
		return "", nil, err
	}
	for _, m := range messages {
		if fds, err := syscall.ParseUnixRights(&m); err == nil && len(fds) == 1 {
			f = os.NewFile(uintptr(fds[0]), "listener")
		}
	}
	if f == nil {
		return "", nil, errors.New("no descriptor came")
	}
	text := make([]byte, length[0])
	if _, err := io.ReadFull(from, text); err != nil {
		f.Close()
		return "", nil, err
	}
	return string(text), f, nil
}
