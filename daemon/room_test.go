package daemon

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
)

func TestTheCollectorRunsSeldom(t *testing.T) {
	free := makeRoom()
	defer free()
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range roomSize >> 15 {
		garbage = make([]byte, 32<<10)
	}
	runtime.ReadMemStats(&after)
	if runs := after.NumGC - before.NumGC; runs > 1 {
		t.Errorf("it ran %d times over %d MiB of garbage, want once at most", runs, roomSize>>20)
	}
}

func TestMemoryIsGivenBackOnceThereIsPeace(t *testing.T) {
	const busy = little
	var d dirt
	now := uint64(0)
	for i, row := range []struct {
		more uint64
		want bool
	}{{busy, false}, {0, false}, {much, false}, {busy, false}, {0, true}, {0, false}, {little - 1, false}, {much, false}, {little - 1, true}} {
		now += row.more
		if got := d.settled(now); got != row.want {
			t.Errorf("look %d, after %d bytes more: %v", i, row.more, got)
		}
	}
}

// TestTheRoomTakesNoPage makes it where the heap was in use before, which
// would be cleared.
func TestTheRoomTakesNoPage(t *testing.T) {
	garbage = make([]byte, 2*roomSize)
	garbage[0] = 1
	garbage = nil
	debug.FreeOSMemory()
	before := resident(t)
	defer makeRoom()()
	if grown := resident(t) - before; grown > roomSize/4 {
		t.Errorf("it takes %d KiB", grown>>10)
	}
}

// resident is the memory of this process in pages that it has touched, in bytes.
func resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("pages are counted by /proc")
	}
	var size, pages int
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

var garbage []byte // keeps the compiler from leaving it out
