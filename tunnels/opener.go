package tunnels

import (
	"net"
	"strconv"

	"sallyport/internal/brisk"
)

// openers finds the processes of this machine that have opened connections, by
// /proc, which only Linux has. One look at all processes serves for all
// connections; those of other users cannot be looked into.
func openers(list []*connection) map[*connection]holder {
	found := make(map[*connection]holder)
	wanted := make(map[string]*connection) // by the inode of the client's socket
	var tcp []*connection
	for _, c := range list {
		switch near := c.client.(type) {
		case *net.UnixConn:
			if pid := brisk.PeerPID(near); pid > 0 {
				found[c] = process(strconv.Itoa(pid))
			}
		case *net.TCPConn:
			tcp = append(tcp, c)
		}
	}
	if len(tcp) == 0 {
		return found
	}
	ends := clientSockets()
	for _, c := range tcp {
		if inode := ends[endsOf(c.client)]; inode != "" && inode != "0" {
			wanted[inode] = c
		}
	}
	for inode, pid := range processesOf(wanted) {
		found[wanted[inode]] = process(pid)
	}
	return found
}

// ends are the ports of both sides of a connection within this machine.
type ends struct{ client, listener int }

func endsOf(accepted net.Conn) ends {
	from, _ := accepted.RemoteAddr().(*net.TCPAddr)
	to, _ := accepted.LocalAddr().(*net.TCPAddr)
	if from == nil || to == nil {
		return ends{}
	}
	return ends{from.Port, to.Port}
}

// clientSockets are the inodes of all TCP sockets by their ports. Ours, which
// was accepted, has its ports the other way around.
func clientSockets() map[ends]string {
	inodes := make(map[ends]string)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		for _, s := range sockets(table) {
			if s.state != tcpListen {
				inodes[ends{s.port, s.remote}] = s.inode
			}
		}
	}
	return inodes
}
