//go:build unix

package transport

import (
	"context"
	"net"
	"os"
	"syscall"

	"sallyport/mux"
)

// dialByCommand runs a ProxyCommand that passes us a connected socket over
// its standard output and then ends (ProxyUseFdpass; sshconnect.c
// ssh_proxy_fdpass_connect).
func dialByCommand(ctx context.Context, command string, env Env, heard func(string)) (net.Conn, error) {
	ours, theirs, err := mux.SocketPair()
	if err != nil {
		return nil, err
	}
	defer ours.Close()
	dialer := newCommand(command, env, heard)
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

// receiveConn takes the descriptor that comes with one byte (monitor_fdpass.c
// mm_receive_fd).
func receiveConn(from *net.UnixConn) (net.Conn, error) {
	fd, err := mux.ReceiveFile(from)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "socket")
	defer f.Close() // net has a copy
	return net.FileConn(f)
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
