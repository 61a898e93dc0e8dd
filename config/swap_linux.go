package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// swap lets two files change places in one step, where the file system can.
func swap(a, b string) error {
	err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		return errors.ErrUnsupported
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: a, New: b, Err: err}
	}
	return nil
}

// copyAttributes copies the extended attributes of a file, access lists among
// them. Those that the system gives by itself need not be settable.
func copyAttributes(f *os.File, from string) error {
	names := make([]byte, 64<<10)
	n, err := unix.Listxattr(from, names)
	if err != nil {
		return nil // a file system without them
	}
	for name := range bytes.SplitSeq(names[:n], []byte{0}) {
		if len(name) == 0 {
			continue
		}
		value := make([]byte, 64<<10)
		n, err := unix.Getxattr(from, string(name), value)
		if err != nil {
			continue
		}
		have := make([]byte, 64<<10)
		if m, err := unix.Fgetxattr(int(f.Fd()), string(name), have); err == nil && bytes.Equal(have[:m], value[:n]) {
			continue
		}
		if err := unix.Fsetxattr(int(f.Fd()), string(name), value[:n], 0); err != nil && bytes.HasPrefix(name, []byte("system.posix_acl")) {
			return fmt.Errorf("copying the access list of %s: %w", quotePath(from), err)
		}
	}
	return nil
}
