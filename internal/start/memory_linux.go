package start

import (
	"syscall"
	"unsafe"
)

// Memory that is touched for the first time costs a page fault for each 4 KiB:
// 0.1 to 0.5 µs on a processor of its own, 30 µs on a virtual machine whose page
// tables are shadowed, where they were half of the time to the first frame. A
// huge page takes one fault for 2 MiB. Linux gives them to who asks (madvise(2),
// MADV_HUGEPAGE), and brings together what was touched already (MADV_COLLAPSE,
// since 6.1; others refuse it, which changes nothing).
const (
	hugePage     = 2 << 20
	madvHugePage = 14
	madvCollapse = 25 // <linux/mman.h>
)

// It comes after confined, so that the goroutine below needs no thread.
func init() { askForHugePages() }

// askForHugePages asks for them from the start of the heap on, for as much as
// the configuration of a large institute and its list take.
//
// The heap is mapped 4 MiB at a time, and what is asked for before is forgotten.
// The stack of a goroutine is taken from the heap and given back at once when it
// ends, without the collector: one with a large frame has the heap mapped.
func askForHugePages() {
	end := make(chan uintptr)
	go func() { end <- inFrame(nil) + unsafe.Sizeof(room{}) }()
	object = new([512]byte)
	from := uintptr(unsafe.Pointer(object)) &^ (hugePage - 1)
	to := <-end &^ (hugePage - 1)
	if from < to { // else the runtime does otherwise than all that were known
		syscall.Syscall(syscall.SYS_MADVISE, from, to-from, madvHugePage)
	}
	syscall.Syscall(syscall.SYS_MADVISE, from, hugePage, madvCollapse)
}

// room is a half of what a call of inFrame has its stack grow by: the argument of
// spread, and a copy of it.
type room [7 << 20]byte

// inFrame gives an address of its frame, the top of which is at most one room
// above. The call that its frame has room for is never made: nothing of it is
// touched.
//
//go:noinline
func inFrame(never *room) uintptr {
	var here byte
	if never != nil {
		spread(*never)
	}
	return uintptr(unsafe.Pointer(&here))
}

//go:noinline
func spread(r room) { object[0] = r[0] }

// object is on the heap, for being known here.
var object *[512]byte
