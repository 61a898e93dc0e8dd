package start

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func init() { programs["grow"] = grow }

// grow fills 12 MiB and prints what the kernel says of our memory.
func grow() {
	var blocks [24][]byte
	for i := range blocks {
		blocks[i] = bytes.Repeat([]byte{1}, 512<<10)
	}
	text, err := os.ReadFile("/proc/self/smaps_rollup")
	fmt.Println(string(text), err)
}

func TestAGrowingHeapIsOfHugePages(t *testing.T) {
	setting, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled")
	if err != nil || strings.Contains(string(setting), "[never]") {
		t.Skipf("this kernel gives no huge pages: %s %v", setting, err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{"START=grow", "GOGC=off"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	kilobytes := 0
	if _, line, found := strings.Cut(string(out), "AnonHugePages:"); !found {
		t.Fatalf("the kernel says nothing of huge pages: %s", out)
	} else if _, err := fmt.Sscan(line, &kilobytes); err != nil {
		t.Fatal(err)
	}
	// Not all of the 12 MiB: memory may be in pieces.
	if kilobytes < 6<<10 {
		t.Errorf("%d KiB of huge pages are below 12 MiB of heap, want at least a half of it:\n%s", kilobytes, out)
	}
}
