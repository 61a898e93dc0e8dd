package transport

import (
	"net"
	"strconv"
	"strings"
	"syscall"

	"sallyport/config"
)

// qosNames are the values of the IPv4 TOS byte, or the IPv6 traffic class,
// that IPQoS may name (misc.c parse_ipqos; RFC 2474, 2597, 3246, 8622).
var qosNames = map[string]int{
	"af11": 0x28, "af12": 0x30, "af13": 0x38,
	"af21": 0x48, "af22": 0x50, "af23": 0x58,
	"af31": 0x68, "af32": 0x70, "af33": 0x78,
	"af41": 0x88, "af42": 0x90, "af43": 0x98,
	"cs0": 0x00, "cs1": 0x20, "cs2": 0x40, "cs3": 0x60,
	"cs4": 0x80, "cs5": 0xa0, "cs6": 0xc0, "cs7": 0xe0,
	"ef": 0xb8, "le": 0x04, "va": 0xb0,
	"lowdelay": 0x10, "throughput": 0x08, "reliability": 0x04,
}

// unmarked leaves packets to the system.
const unmarked = -1

// qos is how the packets of a connection are marked.
type qos struct {
	interactive, bulk int // each a value or unmarked
}

// qosOf reads IPQoS, which ssh -G prints as two words.
func qosOf(h *config.Host) qos {
	words := strings.Fields(h.Get("IPQoS"))
	if len(words) == 0 {
		return qos{unmarked, unmarked}
	}
	return qos{qosValue(words[0]), qosValue(words[len(words)-1])}
}

func qosValue(word string) int {
	if v, ok := qosNames[strings.ToLower(word)]; ok {
		return v
	}
	v, err := strconv.ParseUint(word, 0, 8)
	if err != nil {
		return unmarked // "none"
	}
	return int(v)
}

// markSocket has a socket that is about to connect send marked packets, as
// ssh_create_socket (sshconnect.c) does.
func (q qos) markSocket(network, _ string, c syscall.RawConn) error {
	return mark(c, strings.HasSuffix(network, "6"), q.interactive)
}

// Prioritize marks the connection's packets by what its first session is for:
// a terminal, or something else. Later sessions change nothing, as
// ssh_packet_set_interactive (packet.c) has it.
func (c *Conn) Prioritize(terminal bool) {
	c.marked.Do(func() {
		if !terminal {
			c.wire.mark(c.qos.bulk)
		}
	})
}

// mark marks what is sent from now on; what is no socket of ours has no marks.
func (w *wire) mark(value int) {
	socket, ok := w.Conn.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return // it is closed
	}
	local, _ := socket.LocalAddr().(*net.TCPAddr)
	_ = mark(raw, local.IP.To4() == nil, value) // it is closed: there is nothing to mark
}
