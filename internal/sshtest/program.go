package sshtest

import (
	"fmt"
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
	if err != nil {
		Missing(t, "%s is not installed", name)
	}
	return path
}

// Missing skips a test for want of what its words name, except in CI
// (CI=true), where nothing may be missing.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	what := fmt.Sprintf(format, args...)
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s, and CI has to run everything: ./test installs it", what)
	}
	t.Skipf("%s: ./test installs it", what)
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
