package cli

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What is initialized before package start runs on all processors, and has
// its memory touched for all of them.
func TestTheProgramIsOnOneProcessorBeforeItOpensAFile(t *testing.T) {
	cmd := exec.Command(filepath.Join(product(t), "sallyport"), "version")
	cmd.Env = []string{"GODEBUG=inittrace=1", "HOME=" + t.TempDir()}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	trace := string(out)
	ours, others := strings.Index(trace, "init sallyport/internal/start "), strings.Index(trace, "init os ")
	if ours < 0 || others < ours {
		t.Errorf("package start is not initialized before package os:\n%s", trace)
	}
}
