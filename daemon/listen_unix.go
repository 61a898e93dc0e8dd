//go:build linux || darwin || freebsd

package daemon

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"sallyport/internal/brisk"
)

// sameUser is a listener that drops connections of other users. The
// directory's mode keeps them out already; this is the second lock.
type sameUser struct {
	net.Listener
	named   *net.UnixListener // the same; it removes its socket when it is closed
	refused func(err error)
}

// guard is l without those connections.
func guard(l *net.UnixListener, refused func(err error)) (net.Listener, error) {
	f, err := l.File()
	if err != nil {
		return nil, err
	}
	defer f.Close() // the listener has its own copy
	b, err := brisk.Listen(f)
	if err != nil {
		return nil, err
	}
	return sameUser{b, l, refused}, nil
}

func (l sameUser) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if err := checkPeer(c.(syscall.Conn), os.Geteuid()); err != nil {
			l.refused(err)
			c.Close()
			continue
		}
		return c, nil
	}
}

func (l sameUser) Close() error { return errors.Join(l.Listener.Close(), l.named.Close()) }

// checkPeer fails unless the process at the other end runs as uid.
func checkPeer(c syscall.Conn, uid int) error {
	_, peer, err := brisk.Peer(c)
	switch {
	case err != nil:
		return fmt.Errorf("asking for the peer's uid: %w", err)
	case peer != uid:
		return fmt.Errorf("a process of uid %d tried to connect; only uid %d may", peer, uid)
	}
	return nil
}

// lockFile takes an exclusive lock that ends with the process; ok is false
// when another process has it.
func lockFile(path string) (f *os.File, ok bool, err error) {
	f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if err == syscall.EWOULDBLOCK {
			return nil, false, nil
		}
		return nil, false, fmt.Errorf("locking %q: %w", path, err)
	}
	return f, true, nil
}

// detached is how the background process is started: in a session of its own,
// so that closing the terminal does not reach it.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
