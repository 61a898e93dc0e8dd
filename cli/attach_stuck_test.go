//go:build linux

package cli

import (
	"io"
	"strings"
	"testing"

	"github.com/creack/pty"

	"sallyport/internal/sshtest"
)

// TestAFarSideThatTakesNothingCanBeLeft pastes more than the window of a channel
// of SSH, which nobody there reads.
func TestAFarSideThatTakesNothingCanBeLeft(t *testing.T) {
	t.Parallel()
	c := newClients(t, sshtest.StartServer(t))
	p := newConsole(t, c.sallyport("-t", sshtest.Alias, "stty raw -echo; echo up; exec sleep 1000"))
	p.wait("up")
	pasted := strings.Repeat("a line of what is pasted\r", 5<<20/25)
	go io.WriteString(p.keys, pasted+"~d") // ends with the terminal
	p.wait("to come back")
	p.ended()

	back := newConsole(t, c.sallyport("attach"))
	back.wait("up")
	pty.Setsize(back.keys, &pty.Winsize{Rows: 20, Cols: 90})
	sshtest.Eventually(t, "the shell has the new size", func() bool { return c.sessions(t)[0].Size.Rows == 20 })
	back.press("\r~.", "closed.")
	back.ended()
	c.noSession(t, "~.")
}
