package bench

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// built is the program, built once and removed by TestMain.
var built = sync.OnceValues(func() (string, error) {
	path := filepath.Join(workDir, "sallyport")
	build := exec.Command("go", "build", "-o", path, "sallyport")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as ./run builds it
	out, err := build.CombinedOutput()
	if err != nil {
		os.Stderr.Write(out)
	}
	return path, err
})

var workDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "sallyport-bench-")
	if err != nil {
		panic(err)
	}
	workDir = dir
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

func program(t testing.TB) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
