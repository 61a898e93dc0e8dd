//go:build linux

package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"sallyport/internal/sshtest"
)

// TestACommandThatWaitsForALostConnectionSaysSo has a server away that a tunnel
// waits for.
func TestACommandThatWaitsForALostConnectionSaysSo(t *testing.T) {
	t.Parallel()
	c := newClients(t, sshtest.StartServer(t), fmt.Sprintf("LocalForward %d 127.0.0.1:1", sshtest.FreePort(t)))
	if out, err := c.sallyport("tunnel", "up", sshtest.Alias).CombinedOutput(); err != nil {
		t.Fatalf("tunnel up: %v: %s", err, out)
	}
	c.server.Stop()
	cmd := c.sallyport(sshtest.Alias, "echo", "there")
	p := newConsole(t, cmd)
	p.wait("connection refused")
	p.wait("hint: it is tried again until it answers; Ctrl-C gives up\r\n")
	if n := strings.Count(p.since(), "sallyport: "); n != 1 {
		t.Errorf("it says so %d times: %q", n, p.since())
	}
	p.press("\x03", "")
	if got := p.ended(); got == 0 {
		t.Error("Ctrl-C has ended it with 0")
	}

	piped := c.sallyport(sshtest.Alias, "echo", "there")
	var out, errs bytes.Buffer
	piped.Stdout, piped.Stderr = &out, &errs
	if err := piped.Start(); err != nil {
		t.Fatal(err)
	}
	c.server.Start(t)
	if err := piped.Wait(); err != nil || out.String() != "there\n" {
		t.Errorf("once the server was back it ended with %v, printed %q and said %q", err, &out, &errs)
	}
}
