package cli

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestOnlyTheBareProgramStartsWithoutTheOtherCommands(t *testing.T) {
	for _, row := range []struct {
		name, line, file string
		bare             bool
	}{
		{"nothing", "", "", true},
		{"a file", "-F f", "f", true},
		{"a file that is missing", "-F", "", false},
		{"a file written without a space", "-Ff", "", false},
		{"a host", "host", "", false},
		{"a host of a file", "-F f host", "", false},
		{"help", "--help", "", false},
		{"a word before what may be a file", "host -F", "", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			file, is := bare(strings.Fields(row.line))
			if file != row.file || is != row.bare {
				t.Errorf("sallyport %s: the screen of %q is %v, want %q, %v", row.line, file, is, row.file, row.bare)
			}
		})
	}
}

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
