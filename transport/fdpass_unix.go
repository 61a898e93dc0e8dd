//go:build unix

package transport

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
)

// dialByCommand runs a ProxyCommand that passes us a connected socket over
// its standard output and then ends (ProxyUseFdpass; sshconnect.c
// ssh_proxy_fdpass_connect).
func dialByCommand(ctx context.Context, command string, env Env) (net.Conn, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer ours.Close()
	dialer := newCommand(command, env)
	dialer.process.Stdin, dialer.process.Stdout = theirs, theirs
	err = dialer.start(ownGroup)
	theirs.Close()
	if err != nil {
		return nil, notStarted(dialer, err)
	}
	defer dialer.stop() // it has done its part
	defer context.AfterFunc(ctx, func() { ours.Close() })()
	conn, err := receiveConn(ours)
	if err == nil {
		return conn, nil
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return nil, &Failure{Code: CodeProxyCommand, Message: dialer.death("the ProxyCommand") + "; ProxyUseFdpass wants a connection from it"}
}

// socketPair is two connected sockets, the second one for a child.
func socketPair() (ours *net.UnixConn, theirs *os.File, err error) {
	syscall.ForkLock.RLock() // no child of another goroutine gets them
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(pair[0])
		syscall.CloseOnExec(pair[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, err
	}
	theirs = os.NewFile(uintptr(pair[1]), "proxy dialer")
	conn, err := fileConn(pair[0])
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return conn.(*net.UnixConn), theirs, nil
}

// fileConn is the connection of a descriptor, which it takes over.
func fileConn(fd int) (net.Conn, error) {
	f := os.NewFile(uintptr(fd), "socket")
	defer f.Close() // net has a copy
	return net.FileConn(f)
}

// receiveConn takes the descriptor that comes with one byte (monitor_fdpass.c
// mm_receive_fd).
func receiveConn(from *net.UnixConn) (net.Conn, error) {
	control := make([]byte, syscall.CmsgSpace(4))
	_, n, _, _, err := from.ReadMsgUnix(make([]byte, 1), control)
	if err != nil {
		return nil, err
	}
	messages, err := syscall.ParseSocketControlMessage(control[:n])
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		if fds, err := syscall.ParseUnixRights(&m); err == nil && len(fds) == 1 {
			return fileConn(fds[0])
		}
	}
	return nil, errors.New("no descriptor came")
}

// passConn is the other end of receiveConn.
func passConn(to *os.File, conn *net.UnixConn) error {
	f, err := conn.File()
	if err != nil {
		return err
	}
	defer f.Close()
	// Not by net: that would make the socket non-blocking for whoever gets it.
	return syscall.Sendmsg(int(to.Fd()), []byte{0}, syscall.UnixRights(int(f.Fd())), nil, 0)
}
