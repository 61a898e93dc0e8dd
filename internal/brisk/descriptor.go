//go:build linux || darwin || freebsd

package brisk

import "golang.org/x/sys/unix"

// Descriptor is one that belongs to somebody else as well, and so may block: it is
// read when poll says that it can be.
type Descriptor struct {
	FD   int
	Kind uint32 // type of its file (S_IFMT of stat(2)), 0 if it cannot be told
}

// Of is a descriptor.
func Of(fd int) Descriptor { return Descriptor{fd, kindOf(fd)} }

// Brief tells whether it is a pipe or a socket, which takes no time to close. A file
// far away may.
func (d Descriptor) Brief() bool { return d.Kind == unix.S_IFIFO || d.Kind == unix.S_IFSOCK }
