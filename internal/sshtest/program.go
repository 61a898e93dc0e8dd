package sshtest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Program is the path of a real program that a test needs. Without it the
// test is skipped, except in CI (CI=true), where nothing may be missing.
func Program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + name) // sshd, for those who do not have it in PATH
	}
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed, and CI has to run everything: ./test installs it", name)
	}
	if err != nil {
		t.Skipf("%s is not installed: ./test installs it", name)
	}
	return path
}

// Run runs a program that has to succeed and returns all that it printed.
func Run(t testing.TB, name string, args ...string) string {
	t.Helper()
	return output(t, exec.Command(Program(t, name), args...))
}

func output(t testing.TB, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return string(out)
}
