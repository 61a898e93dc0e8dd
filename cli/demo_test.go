//go:build linux

package cli

import (
	"os/exec"
	"testing"

	"sallyport/internal/sshtest"
)

func TestTheEndOfTheDemoIsToldOf(t *testing.T) {
	t.Parallel()
	c := newClients(t, sshtest.StartServer(t))
	cmd := exec.Command(c.ours, "demo")
	cmd.Env = c.env
	p := newConsole(t, cmd)
	p.wait("got-bastion")
	p.press("q", "sallyport: the demo is over, and its hosts and tunnels are gone; on hosts of your own tunnels stay\r\n")
	if got := p.ended(); got != 0 {
		t.Errorf("it ended with %d", got)
	}
}
