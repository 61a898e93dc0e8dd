//go:build linux

package cli

import (
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"

	"sallyport/internal/sshtest"
)

// TestAFarSideThatTakesNothingCanBeLeft pastes more than the window of a channel
// of SSH, which nobody there reads. Once somebody does, all of it is there.
func TestAFarSideThatTakesNothingCanBeLeft(t *testing.T) {
	t.Parallel()
	c := newClients(t, sshtest.StartServer(t))
	now := filepath.Join(t.TempDir(), "now")
	pasted := strings.Repeat("a line of what is pasted, 48 characters with its\r", 5<<20/48)
	p := newConsole(t, c.sallyport("-t", sshtest.Alias, fmt.Sprintf(
		`stty raw -echo; echo up; until test -e %s; do sleep 0.1; done; head -c %d | gzip -1 | tail -c 8 | od -An -tu4; exec sleep 1000`, now, len(pasted))))
	p.wait("up")
	go io.WriteString(p.keys, pasted+"~d") // ends with the terminal
	p.wait("to come back")
	p.ended()

	back := newConsole(t, c.sallyport("attach"))
	back.wait("up")
	pty.Setsize(back.keys, &pty.Winsize{Rows: 20, Cols: 90})
	sshtest.Eventually(t, "the shell has the new size", func() bool { return c.sessions(t)[0].Size.Rows == 20 })
	if err := os.WriteFile(now, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	back.wait(fmt.Sprint(crc32.ChecksumIEEE([]byte(pasted))))

	go io.WriteString(back.keys, pasted+"~.") // likewise
	back.wait("closed.")
	back.ended()
	c.noSession(t, "~.")
}
