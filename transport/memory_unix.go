//go:build unix

package transport

import (
	"os"

	"golang.org/x/sys/unix"
)

// lockedMemory is n bytes outside of the collector's heap, on pages of their
// own. That they can't be locked (RLIMIT_MEMLOCK) or kept out of a dump is no
// reason to ask a person again.
func lockedMemory(n int) (bytes []byte, free func()) {
	page := os.Getpagesize()
	pages, err := unix.Mmap(-1, 0, max(1, (n+page-1)/page)*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return make([]byte, n), func() {}
	}
	_ = unix.Mlock(pages)
	keepFromDumps(pages)
	return pages[:n], func() { _ = unix.Munmap(pages) } // it succeeds for what Mmap gave
}
