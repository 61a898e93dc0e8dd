package tunnels

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"sallyport/config"
	"sallyport/internal/nss"
)

// holder is who listens on a port or a socket, as far as can be seen.
type holder struct {
	pid  int
	name string // of the program, printable
	user string // of the socket, if not ours
}

func (h holder) String() string {
	switch {
	case h.pid == os.Getpid() && h.pid > 0:
		return "another tunnel of ours"
	case h.pid > 0:
		return fmt.Sprintf("%q (pid %d)", h.name, h.pid)
	case h.user != "":
		return fmt.Sprintf("another user's process (%s)", h.user)
	}
	return "another program"
}

// holderOf finds who listens on a TCP port of one of the addresses by /proc,
// which only Linux has; elsewhere it finds nobody. Processes of other users
// cannot be looked into.
func holderOf(port int, hosts []string) holder {
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		for _, s := range sockets(table) {
			if s.port == port && s.state == tcpListen && slices.ContainsFunc(hosts, s.holds) {
				return ownerOf(s)
			}
		}
	}
	return holder{}
}

// holds tells whether a listener keeps others off an address: it has it, or
// one of the two is all addresses.
func (s socket) holds(host string) bool {
	own, err := netip.ParseAddr(s.address())
	other, otherErr := netip.ParseAddr(host)
	if err != nil || otherErr != nil {
		return false
	}
	return own == other.Unmap().WithZone("") || own.IsUnspecified() || other.IsUnspecified()
}

// holderOfSocket finds who listens on a path.
func holderOfSocket(path string) holder {
	for _, inode := range listenersOn(path) {
		if h, ok := processOf(inode); ok {
			return h
		}
	}
	return holder{}
}

// listenersOn are the inodes of the sockets that listen on a path, by
// /proc/net/unix. A path stays there as it was bound.
func listenersOn(path string) (inodes []string) {
	table, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(table)) {
		if inode, bound := parseUnixSocket(strings.TrimSuffix(line, "\n")); bound == path && inode != "" {
			inodes = append(inodes, inode)
		}
	}
	return inodes
}

// parseUnixSocket reads "num refs protocol flags type state inode path"
// (proc_pid_net(5)); inode is "" if the socket does not listen. The path, last
// and to the end of the line, may have spaces.
func parseUnixSocket(line string) (inode, path string) {
	const acceptsConnections = "00010000" // __SO_ACCEPTCON of the kernel's net.h
	flags := ""
	for i := range 7 {
		word, rest, _ := strings.Cut(strings.TrimLeft(line, " "), " ")
		line = rest
		switch i {
		case 3:
			flags = word
		case 6:
			inode = word
		}
	}
	if flags != acceptsConnections {
		return "", line
	}
	return inode, line
}

// tcpListen is TCP_LISTEN of the kernel's tcp_states.h.
const tcpListen = 0x0a

// socket is a line of /proc/net/tcp (proc_pid_net(5)).
type socket struct {
	local       string // the address, see address
	port, state int
	remote      int // port of the other end
	uid, inode  string
}

func sockets(table string) []socket {
	f, err := os.Open(table)
	if err != nil {
		return nil
	}
	defer f.Close()
	var all []socket
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if s, ok := parseSocket(lines.Text()); ok {
			all = append(all, s)
		}
	}
	return all
}

// parseSocket reads "sl local rem st queues tr:when retrnsmt uid timeout inode".
func parseSocket(line string) (socket, bool) {
	f := strings.Fields(line)
	if len(f) < 10 {
		return socket{}, false
	}
	local, hexPort, _ := strings.Cut(f[1], ":")
	port, err := strconv.ParseUint(hexPort, 16, 16)
	if err != nil {
		return socket{}, false // the heading
	}
	_, hexRemote, _ := strings.Cut(f[2], ":")
	remote, err := strconv.ParseUint(hexRemote, 16, 16)
	if err != nil {
		return socket{}, false
	}
	state, err := strconv.ParseUint(f[3], 16, 8)
	return socket{local: local, port: int(port), state: int(state), remote: int(remote), uid: f[7], inode: f[9]}, err == nil
}

// ownerOf finds the process that has the socket open, or at least its user.
func ownerOf(s socket) holder {
	if h, ok := processOf(s.inode); ok {
		return h
	}
	return holder{user: userName(s.uid)}
}

func processOf(inode string) (holder, bool) {
	pid := processesOf(map[string]bool{inode: true})[inode]
	return process(pid), pid != ""
}

// processesOf are the processes that have sockets open, by inode.
func processesOf[T any](inodes map[string]T) map[string]string {
	pids := make(map[string]string)
	if len(inodes) == 0 {
		return pids
	}
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*") // the only error is a bad pattern
	for _, link := range links {
		to, _ := os.Readlink(link) // "" of a descriptor that has gone
		inode := strings.TrimSuffix(strings.TrimPrefix(to, "socket:["), "]")
		if _, wanted := inodes[inode]; wanted && pids[inode] == "" {
			pids[inode] = strings.Split(link, "/")[2]
			if len(pids) == len(inodes) {
				break
			}
		}
	}
	return pids
}

func process(pid string) holder {
	n, err := strconv.Atoi(pid)
	if err != nil {
		return holder{}
	}
	comm, _ := os.ReadFile("/proc/" + pid + "/comm") // it may be gone already: then it has no name
	return holder{pid: n, name: config.Printable(strings.TrimSpace(string(comm)))}
}

// userName is that of another user, "" for our own: a process of ours which
// was not found is only just ending.
func userName(uid string) string {
	if uid == strconv.Itoa(os.Getuid()) {
		return ""
	}
	if u, err := nss.LookupUserID(uid); err == nil {
		return config.Printable(u.Username)
	}
	return "uid " + uid
}
