//go:build unix && !aix && !solaris

package config

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func hardLinks(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(stat.Nlink)
	}
	return 1
}

// likeOriginal gives a new file the owner, group, mode and attributes of
// another one, or refuses.
func likeOriginal(f *os.File, real string, info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return f.Chmod(info.Mode().Perm())
	}
	mine, err := f.Stat()
	if err != nil {
		return err
	}
	own, ok := mine.Sys().(*syscall.Stat_t)
	if !ok || own.Uid != stat.Uid || own.Gid != stat.Gid {
		if err := f.Chown(int(stat.Uid), int(stat.Gid)); err != nil {
			return refuse("edit it as its owner", "%s belongs to uid %d and gid %d, which a new file could not", quotePath(real), stat.Uid, stat.Gid)
		}
	}
	if err := f.Chmod(info.Mode().Perm()); err != nil { // after chown, which may take bits away
		return err
	}
	return copyAttributes(f, real)
}

// lockNew holds the lock of a file that nobody else knows.
func lockNew(path string) (io.Closer, error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	if err := lockFile(context.Background(), f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// lockFile waits for the lock of f, which its Close gives back.
func lockFile(ctx context.Context, f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return err
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
