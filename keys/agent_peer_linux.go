package keys

import (
	"fmt"
	"net"
	"os"
	"strings"

	"sallyport/internal/brisk"
)

// peerProcess is the name of the process that began to listen at the other end
// of a unix socket, as far as proc(5) has it; "" if it has gone.
func peerProcess(c *net.UnixConn) string {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", brisk.PeerPID(c)))
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(name), "\n")
}
