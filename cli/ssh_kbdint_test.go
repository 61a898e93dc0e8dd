//go:build linux

package cli

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

// TestWhatARoundIsCalledIsSaid has a server whose keyboard-interactive round has a
// name and an instruction, which ssh prints above the prompts.
func TestWhatARoundIsCalledIsSaid(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	config := &ssh.ServerConfig{KeyboardInteractiveCallback: func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
		ask("Second factor", "Look at your token.", []string{"Code: "}, []bool{true})
		return nil, fmt.Errorf("no")
	}}
	config.AddHostKey(sshtest.NewKey(t))
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go ssh.NewServerConn(c, config) // it fails, and the client leaves
		}
	}()
	bin := product(t)
	for _, command := range []string{"ssh", "sallyport ssh"} {
		line := fmt.Sprintf("%s -F none -p %d -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o NumberOfPasswordPrompts=1 -o PreferredAuthentications=keyboard-interactive jon@127.0.0.1 true",
			command, l.Addr().(*net.TCPAddr).Port)
		cmd := exec.Command(sshtest.Program(t, "bash"), "-c", line)
		cmd.Env = append(plainEnvironment(), "TERM=vt100", "PATH="+bin+":"+os.Getenv("PATH"), "XDG_RUNTIME_DIR="+bin)
		p := newConsole(t, cmd)
		p.wait("Code: ")
		if shown := strings.ReplaceAll(p.since(), "\r", ""); !strings.Contains(shown, "Second factor\nLook at your token.\n(jon@127.0.0.1) Code: ") {
			t.Errorf("%s shows %q", command, shown)
		}
		p.press("1\n", "denied")
	}
}
