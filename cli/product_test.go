package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// product builds the program, once for all tests, and returns the directory
// that holds it. It has no race detector, which would double the time of tests
// that run it a hundred times.
func product(t *testing.T) string {
	t.Helper()
	dir, err := buildProduct()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

var buildProduct = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sp")
	if err != nil {
		return "", err
	}
	productDir = dir
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "sallyport"), "sallyport")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as ./run builds it
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return dir, nil
})

// productDir is set by buildProduct.
var productDir string

// tidy removes what all tests share once they have run.
type tidy struct{ *testing.M }

func (m tidy) Run() int {
	defer func() { os.RemoveAll(productDir) }()
	return m.M.Run()
}
