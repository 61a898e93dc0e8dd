package tunnels

import (
	"cmp"
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"sallyport/config"
)

// ListenersScript lists what listens on a host's TCP ports, in POSIX sh: the
// kernel's tables, the user, and whose the sockets are as far as the user may
// look. Where there is no /proc/net, ss(8) says it.
const ListenersScript = `
echo "@uid $(id -u)"
if [ -r /proc/net/tcp ]; then
	echo @4; cat /proc/net/tcp
	[ -r /proc/net/tcp6 ] && { echo @6; cat /proc/net/tcp6; }
	for dir in /proc/[0-9]*; do
		[ -O "$dir" ] || [ "$(id -u)" = 0 ] || continue
		held=$(ls -l "$dir/fd" 2>/dev/null | sed -n 's/.*socket:\[\([0-9]*\)\]$/\1/p')
		[ -n "$held" ] || continue
		read -r name 2>/dev/null < "$dir/comm" || continue
		echo "@process ${dir#/proc/}" $held "=$name"
	done
else
	echo @ss; ss -Hltnp 2>/dev/null
fi
exit 0
`

// Listener is a TCP port on which something listens on a host.
type Listener struct {
	Address string `json:"address"` // "0.0.0.0" and "::" are all
	Port    int    `json:"port"`
	Own     bool   `json:"own"`               // the user's
	PID     int    `json:"pid,omitempty"`     // 0 when it may not be seen
	Program string `json:"program,omitempty"` // printable
	Service string `json:"service,omitempty"` // what is usually there
}

// To is where a forward on the host goes for it.
func (l Listener) To() Address {
	a := Address{Network: "tcp", Host: l.Address, Port: l.Port}
	if ip, err := netip.ParseAddr(l.Address); err != nil || ip.IsUnspecified() {
		a.Host = "localhost"
	}
	return a
}

// services are what usually listens on a port: IANA's names are older than
// most of these programs.
var services = map[int]string{
	22: "SSH", 25: "SMTP", 53: "DNS", 80: "HTTP", 111: "rpcbind", 443: "HTTPS", 631: "CUPS", 2049: "NFS",
	3000: "Grafana", 3306: "MySQL", 3389: "RDP", 4040: "Spark", 5000: "MLflow", 5432: "PostgreSQL",
	6006: "TensorBoard", 6379: "Redis", 8265: "Ray", 8501: "Streamlit", 8786: "Dask scheduler", 8787: "RStudio or Dask",
	8888: "Jupyter", 9090: "Prometheus", 9200: "Elasticsearch", 11211: "memcached", 27017: "MongoDB",
}

// programs are what a process of a name serves, wherever it listens.
var programs = []struct{ begins, service string }{
	{"jupyter", "Jupyter"}, {"tensorboard", "TensorBoard"}, {"rserver", "RStudio"}, {"rsession", "RStudio"},
	{"dask", "Dask"}, {"Xvnc", "VNC"}, {"Xtigervnc", "VNC"}, {"x11vnc", "VNC"}, {"vino", "VNC"},
	{"postgres", "PostgreSQL"}, {"mysqld", "MySQL"}, {"mariadbd", "MySQL"}, {"redis-server", "Redis"}, {"mongod", "MongoDB"},
	{"sshd", "SSH"}, {"code-server", "VS Code"}, {"mlflow", "MLflow"}, {"streamlit", "Streamlit"},
}

// service names what listens, by its program or else by its port.
func service(program string, port int) string {
	for _, p := range programs {
		if strings.HasPrefix(program, p.begins) {
			return p.service
		}
	}
	if port >= 5900 && port < 5964 { // VNC displays count from 5900
		return "VNC"
	}
	return services[port]
}

// ParseListeners reads what ListenersScript wrote: the user's own first, then
// by port; a port on several addresses is one, as it is one to whoever
// forwards it.
func ParseListeners(out string) []Listener {
	var all []Listener
	inodes := map[string]int{} // places in all
	uid, table := "", ""
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case word == "@uid":
			uid = rest
		case word == "@process":
			nameProcess(all, inodes, rest)
		case strings.HasPrefix(line, "@"):
			table = line
		case table == "@ss":
			if l, ok := parseSS(line); ok {
				all = append(all, l)
			}
		default:
			s, ok := parseSocket(line)
			address := s.address()
			if !ok || s.state != tcpListen || s.port == 0 || address == "" {
				continue
			}
			inodes[s.inode] = len(all)
			all = append(all, Listener{Address: address, Port: s.port, Own: s.uid == uid})
		}
	}
	for i := range all {
		all[i].Service = service(all[i].Program, all[i].Port)
	}
	return ordered(all)
}

func ordered(all []Listener) []Listener {
	slices.SortStableFunc(all, func(a, b Listener) int {
		if a.Own != b.Own {
			if a.Own {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Port, b.Port)
	})
	return slices.CompactFunc(all, func(a, b Listener) bool { return a.Own == b.Own && a.Port == b.Port && a.PID == b.PID })
}

// nameProcess reads "pid inode inode... =name". A name may have anything in it.
func nameProcess(all []Listener, inodes map[string]int, line string) {
	numbers, name, _ := strings.Cut(line, "=")
	f := strings.Fields(numbers)
	if len(f) == 0 {
		return
	}
	pid, err := strconv.Atoi(f[0])
	if err != nil {
		return
	}
	for _, inode := range f[1:] {
		if i, ok := inodes[inode]; ok && all[i].PID == 0 {
			all[i].PID, all[i].Program = pid, config.Printable(name)
		}
	}
}

// address is the local one of a line of /proc/net/tcp or tcp6, which has words
// of 32 bits in the order of the machine, taken to be little endian as all are
// that Jupyter runs on.
func (s socket) address() string {
	b, err := hex.DecodeString(s.local)
	if err != nil || len(b)%4 != 0 {
		return ""
	}
	for i := 0; i < len(b); i += 4 {
		slices.Reverse(b[i : i+4])
	}
	ip, ok := netip.AddrFromSlice(b)
	if !ok {
		return ""
	}
	return ip.Unmap().String()
}

// parseSS reads "LISTEN 0 128 127.0.0.1:8888 0.0.0.0:* users:(("name",pid=1,fd=3))"
// (ss(8)). A process that is seen is taken to be the user's.
func parseSS(line string) (Listener, bool) {
	f := strings.Fields(line)
	if len(f) < 5 || f[0] != "LISTEN" {
		return Listener{}, false
	}
	i := strings.LastIndexByte(f[3], ':')
	if i < 0 {
		return Listener{}, false
	}
	port, err := strconv.ParseUint(f[3][i+1:], 10, 16)
	if err != nil || port == 0 {
		return Listener{}, false
	}
	address, _, _ := strings.Cut(strings.Trim(f[3][:i], "[]"), "%")
	l := Listener{Address: config.Printable(address), Port: int(port)}
	if _, users, ok := strings.Cut(line, `users:(("`); ok {
		name, rest, _ := strings.Cut(users, `",pid=`)
		digits, _, _ := strings.Cut(rest, ",")
		if l.PID, err = strconv.Atoi(digits); err == nil {
			l.Program, l.Own = config.Printable(name), true
		}
	}
	return l, true
}
