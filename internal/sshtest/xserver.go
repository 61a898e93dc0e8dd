package sshtest

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// XServer runs an X server without a screen, which lets in who shows its
// cookie, and returns the DISPLAY and XAUTHORITY of its clients. It forgets
// nothing when the last of them has gone.
func XServer(t testing.TB) (display, authority string) {
	t.Helper()
	program := Program(t, "Xvfb")
	dir := t.TempDir()
	cookie := make([]byte, 16)
	rand.Read(cookie)
	authority = filepath.Join(dir, "authority")
	// The server reads any entry of its file, whatever display it is for.
	Run(t, "xauth", "-q", "-f", authority, "add", ":0", "MIT-MAGIC-COOKIE-1", hex.EncodeToString(cookie))
	ready, tell, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer ready.Close()
	cmd := exec.Command(program, "-displayfd", "3", "-auth", authority, "-nolisten", "tcp", "-noreset", "-screen", "0", "640x480x8")
	cmd.ExtraFiles = []*os.File{tell}
	err = cmd.Start()
	tell.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt) // so that it takes its lock and socket with it
		cmd.Wait()
	})
	number, err := bufio.NewReader(ready).ReadString('\n') // it is written once the server listens
	if err != nil {
		t.Fatalf("Xvfb did not start: %v", err)
	}
	display = ":" + strings.TrimSpace(number)
	Run(t, "xauth", "-q", "-f", authority, "add", display, "MIT-MAGIC-COOKIE-1", hex.EncodeToString(cookie))
	return display, authority
}
