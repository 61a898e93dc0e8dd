//go:build linux || darwin || freebsd

package mux

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// sendFile passes a file's descriptor beside one NUL byte (mm_send_fd in
// monitor_fdpass.c).
func sendFile(c *net.UnixConn, f *os.File) error {
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

// receiveFile reads the byte that carries a descriptor: one, or else none is
// taken. The buffer has room for no more, so that the kernel closes the others
// and says that there were some.
func receiveFile(c *net.UnixConn) (fd int, err error) {
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

// signalResize sends SIGWINCH to a master (control_client_sigrelay in mux.c).
func signalResize(pid int) error {
	if pid <= 1 {
		return fmt.Errorf("no master has the process number %d", pid)
	}
	return unix.Kill(pid, unix.SIGWINCH)
}
