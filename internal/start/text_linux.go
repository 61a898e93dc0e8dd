//go:build amd64 || arm64

package start

import (
	"syscall"
	"unsafe"
)

// The code is in the page cache but not in our page table: the kernel maps 64 KiB
// around each fault, of which a start takes some ninety. One call maps all of it
// (MADV_POPULATE_READ, since 5.14; others refuse it, which changes nothing).
const (
	madvPopulateRead = 22
	madvDontNeed     = 4
)

// What getauxval(3) tells of the program, and what a program header of elf(5)
// has.
const (
	auxHeaders     = 3 // AT_PHDR
	auxHeaderCount = 5 // AT_PHNUM

	loadable   = 1 // PT_LOAD
	headers    = 6 // PT_PHDR
	executable = 1 // PF_X
	writable   = 2 // PF_W
)

// programHeader is Elf64_Phdr.
type programHeader struct {
	kind, flags                                        uint32
	offset, address, physical, inFile, inMemory, align uintptr
}

// It comes after the memory, for the packages that follow have most of the code.
func init() { mapCode() }

// auxiliaryVector is that which golang.org/x/sys/cpu takes.
//
//go:linkname auxiliaryVector runtime.getAuxv
func auxiliaryVector() []uintptr

// mapCode maps the segments that hold code.
func mapCode() {
	eachSegment(func(h *programHeader, address uintptr) {
		if h.flags&executable != 0 {
			syscall.Syscall(syscall.SYS_MADVISE, address, h.inFile, madvPopulateRead)
		}
	})
}

// Unmap takes what nobody can have changed of the program's file, code and
// constants, out of our page table, for a process that goes on with little of
// it. What it uses it finds in the page cache again, 64 KiB a fault.
func Unmap() {
	eachSegment(func(h *programHeader, address uintptr) {
		if h.flags&writable == 0 {
			syscall.Syscall(syscall.SYS_MADVISE, address, h.inFile, madvDontNeed)
		}
	})
}

// eachSegment calls f with each segment that is in memory. A program that may
// be anywhere has the addresses of its headers count from where it is.
func eachSegment(f func(h *programHeader, address uintptr)) {
	all := programHeaders()
	var base uintptr
	for i := range all {
		if all[i].kind == headers {
			base = uintptr(unsafe.Pointer(&all[0])) - all[i].address
		}
	}
	for i := range all {
		if h := &all[i]; h.kind == loadable {
			f(h, base+h.address)
		}
	}
}

// programHeaders are those in memory; none if the kernel does not tell.
func programHeaders() []programHeader {
	var first *programHeader
	var count uintptr
	aux := auxiliaryVector()
	for i := 0; i+1 < len(aux); i += 2 {
		switch aux[i] {
		case auxHeaders:
			first = *(**programHeader)(unsafe.Pointer(&aux[i+1]))
		case auxHeaderCount:
			count = aux[i+1]
		}
	}
	if first == nil {
		return nil
	}
	return unsafe.Slice(first, count)
}
