package sshtest

import (
	"os"
	"syscall"
	"testing"
)

// Script writes a program for the shell and returns its path.
func Script(t testing.TB, path, text string) string {
	t.Helper()
	if err := WriteProgram(path, "#!/bin/sh\n"+text); err != nil {
		t.Fatal(err)
	}
	return path
}

// WriteProgram writes a new file that can be run. Nothing forks meanwhile: a
// child that inherits the open file, which another test is just starting, would
// make running it fail with "text file busy" (Go issue 22315).
func WriteProgram(path, text string) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, []byte(text), 0o700)
}
