package daemon

import (
	"runtime"
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

var garbage []byte // keeps the compiler from leaving it out
