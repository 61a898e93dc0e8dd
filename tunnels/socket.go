package tunnels

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// bindUnix listens on a socket, with the rights that StreamLocalBindMask
// leaves it whatever the umask of this process, as unix_listener of misc.c.
//
// A path that is taken stays so, as with ssh, unless the configuration says
// otherwise or what is there was ours.
func bindUnix(ctx context.Context, path string, o Options) (net.Listener, error) {
	mode := o.Mode
	if mode == 0 {
		mode = 0o600
	}
	if o.Unlink {
		if err := unlink(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, os.NewSyscallError("unlink", err)
		}
	}
	config := net.ListenConfig{Control: withMode(mode)}
	l, err := config.Listen(ctx, "unix", path)
	if errors.Is(err, syscall.EADDRINUSE) && o.Reclaim && squatterOf(path).leftOver {
		if err := unlink(path); err != nil {
			return nil, os.NewSyscallError("unlink", err)
		}
		l, err = config.Listen(ctx, "unix", path)
	}
	if err != nil {
		return nil, err
	}
	return l, os.Chmod(path, mode)
}

// squatter is what has the path of a socket.
type squatter struct {
	mode     fs.FileMode // its type, see fs.ModeType
	leftOver bool        // a socket on which nobody listens any more
}

// squatterOf looks at a path. That nobody listens on a socket is known by
// trying to connect, which who listens can see, so /proc is asked first.
func squatterOf(path string) squatter {
	info, err := os.Lstat(path)
	if err != nil {
		return squatter{}
	}
	s := squatter{mode: info.Mode().Type()}
	if s.mode == fs.ModeSocket && listenersOn(path) == nil {
		s.leftOver = abandoned(path)
	}
	return s
}

// abandoned tells whether path is a socket that nobody listens on.
func abandoned(path string) bool {
	c, err := net.Dial("unix", path)
	if err == nil {
		_ = c.Close() // it was only to see whether somebody is there
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// kind names what is at the path.
func (s squatter) kind() string {
	switch s.mode {
	case 0:
		return "a file"
	case fs.ModeDir:
		return "a directory"
	case fs.ModeSymlink:
		return "a symbolic link"
	}
	return "something else"
}
