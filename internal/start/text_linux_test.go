//go:build amd64 || arm64

package start

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

func init() {
	programs["code"] = code
	programs["unmapped"] = func() { Unmap(); code() }
}

// code prints what the kernel says of the mapping that holds this function.
func code() {
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		panic(err)
	}
	at := strings.Index(string(text), " r-xp ")
	fmt.Println(string(text[at:]))
}

func TestTheCodeIsMappedAtOnce(t *testing.T) {
	if _, _, err := syscall.Syscall(syscall.SYS_MADVISE, 0, 0, madvPopulateRead); err == syscall.EINVAL {
		t.Skip("this kernel maps nothing ahead")
	}
	if mapped, size := mappedCode(t, "code"); mapped != size {
		t.Errorf("%d KiB of %d are mapped", mapped, size)
	}
}

func TestUnmappedCodeIsMappedAsItIsUsed(t *testing.T) {
	if mapped, size := mappedCode(t, "unmapped"); mapped == 0 || mapped > size*3/4 {
		t.Errorf("%d KiB of %d are mapped", mapped, size)
	}
}

// mappedCode is how much of a program's code is mapped, in KiB.
func mappedCode(t *testing.T, program string) (mapped, size int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{"START=" + program}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	kilobytes := func(name string) (n int) {
		_, rest, _ := strings.Cut(string(out), "\n"+name+":")
		if _, err := fmt.Sscan(rest, &n); err != nil {
			t.Fatalf("there is no %s in\n%s", name, out)
		}
		return n
	}
	return kilobytes("Rss"), kilobytes("Size")
}
