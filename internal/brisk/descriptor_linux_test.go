package brisk

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// TestAPipeThatSomebodyElseHasReadIsNotWaitedFor where the kernel can be asked not
// to wait (Linux 6.5).
func TestAPipeThatSomebodyElseHasReadIsNotWaitedFor(t *testing.T) {
	ends, err := Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer ends[0].Close()
	defer ends[1].Close()
	if _, err := unix.Preadv2(ends[0].FD, [][]byte{make([]byte, 1)}, -1, unix.RWF_NOWAIT); errors.Is(err, unix.EOPNOTSUPP) {
		t.Skip("this kernel has to wait for a pipe")
	}
	if n, err := ends[0].Read(make([]byte, 1)); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("%d bytes, %v", n, err)
	}
}
