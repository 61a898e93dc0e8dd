package sshtest

import (
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

//go:embed testdata/tower.c
var towerSource []byte

// Tower builds a module of glibc's name service, which nsswitch.conf calls
// "tower", see testdata/tower.c. It is found where LD_LIBRARY_PATH is the
// directory that is returned.
func Tower(t testing.TB) string {
	t.Helper()
	gcc := Program(t, "gcc")
	Program(t, "getent")
	dir := t.TempDir()
	source := filepath.Join(dir, "tower.c")
	if err := os.WriteFile(source, towerSource, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command(gcc, "-D_GNU_SOURCE", "-Wall", "-shared", "-fPIC", "-o", filepath.Join(dir, "libnss_tower.so.2"), source)
	if out, err := build.CombinedOutput(); err != nil {
		Missing(t, "the module for glibc cannot be built: %v\n%s", err, out)
	}
	return dir
}
