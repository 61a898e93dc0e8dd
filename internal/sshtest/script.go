package sshtest

import (
	"os"
	"syscall"
	"testing"
)

// Script writes a program for the shell and returns its path. Nothing forks
// meanwhile: a child that inherits the open file, which another test is just
// starting, would make running it fail with "text file busy" (Go issue 22315).
func Script(t testing.TB, path, text string) string {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}
