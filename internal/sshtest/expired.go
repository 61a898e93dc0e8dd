package sshtest

import (
	"bufio"
	_ "embed"
	"os/exec"
	"strconv"
	"testing"
)

//go:embed testdata/expired.py
var expiredServer string

// Expired runs an SSH server, of asyncssh, that wants a new password of
// everybody. OpenSSH's knows how to, and has no password scheme that does.
func Expired(t testing.TB) (port int) {
	t.Helper()
	const python = "/usr/bin/python3" // that of the packages, whichever comes first in PATH
	if exec.Command(python, "-c", "import asyncssh").Run() != nil {
		Missing(t, "python3-asyncssh is not installed")
	}
	port = FreePort(t)
	cmd := exec.Command(python, "-c", expiredServer, strconv.Itoa(port))
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the server with expired passwords says %q: %v", line, err)
	}
	return port
}
