package sshtest

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh/agent"
)

// Agent runs an ssh-agent that holds the keys in these files, and returns its
// socket.
func Agent(t testing.TB, keys ...string) (socket string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket = filepath.Join(dir, "s")
	startAgent(t, socket)
	for _, key := range keys {
		Add(t, socket, key)
	}
	return socket
}

// Add gives ssh-add these arguments, for the agent at the socket.
func Add(t testing.TB, socket string, args ...string) (said string) {
	t.Helper()
	cmd := exec.Command(Program(t, "ssh-add"), append([]string{"-q"}, args...)...)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
	return output(t, cmd)
}

func startAgent(t testing.TB, socket string) {
	t.Helper()
	cmd := exec.Command(Program(t, "ssh-agent"), "-D", "-P", "*", "-a", socket) // any provider of security keys
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
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil { // it listens before it prints
		t.Fatal(err)
	}
}

// Lock locks the agent at the socket, so that it shows no keys.
func Lock(t testing.TB, socket string) {
	t.Helper()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := agent.NewClient(conn).Lock([]byte("winter")); err != nil {
		t.Fatal(err)
	}
}
