//go:build linux || darwin || freebsd

package mux

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sallyport/internal/brisk"
)

// ErrExists is the error of Listen where another master is. ssh goes on
// without sharing its connection then.
var ErrExists = errors.New("already exists, disabling multiplexing") // muxserver_listen in mux.c

const (
	suffixSize = 16 // of a temporary name, behind a dot
	backlog    = 64
)

// Listen makes the control socket of a master, for its user only. It never
// takes the place of a master that lives, nor of anything that is no socket;
// one left behind by a master of this user is removed. If two begin at once,
// one gets it.
//
// Closing the listener removes the socket, if it is still this one.
func Listen(path string) (net.Listener, error) {
	temporary := temporaryName(path)
	l, err := bindUnder(temporary)
	if err != nil {
		return nil, fmt.Errorf("ControlSocket %s: %w", printable(path), err)
	}
	id, err := os.Lstat(temporary)
	if err == nil {
		err = claim(temporary, path)
	}
	_ = os.Remove(temporary) // the socket has its name by now, or is of no use
	if err != nil {
		_ = l.Close() // nobody has connected to it
		return nil, fmt.Errorf("ControlSocket %s %w", printable(path), err)
	}
	return &listener{Listener: l, path: path, id: id}, nil
}

func temporaryName(path string) string { return path + "." + rand.Text()[:suffixSize] }

// bindUnder listens on a new socket. It is nobody else's from the first
// moment: connections succeed only from listen on, when it has its mode. (A
// umask, as mux.c has it, would be that of the whole process.)
func bindUnder(path string) (net.Listener, error) {
	if len(path) >= len(syscall.RawSockaddrUnix{}.Path) { // unix_listener in misc.c
		return nil, fmt.Errorf("path \"%s\" too long for Unix domain socket", printable(path))
	}
	syscall.ForkLock.RLock()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close() // the listener has its own copy
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	if err := errors.Join(os.Chmod(path, 0o600), unix.Listen(fd, backlog)); err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	return brisk.Listen(f)
}

// claim gives the socket its name by link(2), which never replaces a file. A
// stale one is cleared away, but once: whoever comes first then has it.
func claim(temporary, path string) error {
	defer alone(path)()
	err := os.Link(temporary, path)
	if errors.Is(err, fs.ErrExist) && clearAway(path) {
		err = os.Link(temporary, path)
	}
	if errors.Is(err, fs.ErrExist) {
		return ErrExists
	}
	return err
}

// aloneLimit is how long alone waits for others, who need much less. A
// stranger who may read the directory could hold its lock for ever.
const aloneLimit = time.Second

// alone keeps other processes of ours, and other goroutines, from the sockets of
// path's directory until done is called: while clearAway has one aside that
// lives, a third could take its name. A file system without locks, or somebody
// who keeps his, leaves us to luck, as ssh leaves itself.
func alone(path string) (done func()) {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return func() {}
	}
	for end := time.Now().Add(aloneLimit); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != unix.EWOULDBLOCK {
			break
		}
	}
	return func() { dir.Close() } // with its lock
}

// clearAway removes a socket of ours that nobody listens on, and tells whether it
// did. Between the question and the removal a master of ssh's may have taken the
// name, so the file is first moved away and asked again there. The caller is
// alone.
func clearAway(path string) bool {
	if !stale(path) {
		return false
	}
	aside := temporaryName(path)
	if err := os.Rename(path, aside); err != nil {
		return errors.Is(err, fs.ErrNotExist) // somebody else has cleared it
	}
	cleared := stale(aside)
	if !cleared {
		_ = os.Link(aside, path) // it lives: it gets its name back, unless there is yet another
	}
	return os.Remove(aside) == nil && cleared
}

// stale tells whether path is a socket of this user's that refuses
// connections.
func stale(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != fs.ModeSocket || !own(info) {
		return false
	}
	c, err := net.Dial("unix", path)
	if err == nil {
		_ = c.Close() // it was only a question
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

func own(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// RemoveStale removes a control socket that a master left behind, and tells
// whether there was one: a socket of this user's that refuses connections.
func RemoveStale(path string) bool {
	defer alone(path)()
	return clearAway(path)
}

// listener removes its socket when it is closed.
type listener struct {
	net.Listener
	path string
	id   fs.FileInfo
	once sync.Once
}

func (l *listener) Close() error {
	l.once.Do(func() {
		if now, err := os.Lstat(l.path); err == nil && os.SameFile(now, l.id) {
			_ = os.Remove(l.path) // left behind it would be stale, which is no harm
		}
	})
	return l.Listener.Close()
}
