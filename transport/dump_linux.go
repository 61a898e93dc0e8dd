package transport

import "golang.org/x/sys/unix"

// keepFromDumps leaves pages out of core files.
func keepFromDumps(pages []byte) { _ = unix.Madvise(pages, unix.MADV_DONTDUMP) } // a kernel without it dumps them
