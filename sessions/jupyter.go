package sessions

import (
	"bytes"
	"encoding/json"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sallyport/config"
)

// JupyterScript lists the user's Jupyter servers, in POSIX sh. The directories
// are those of jupyter_core's paths.py, and the one of notebook before 6. The
// home of a cluster is shared: a server whose process is not here may run on a
// node where the user has a job, which squeue(1) knows: by %N, for the %B of a
// job of salloc or srun is where that was typed. A squeue without its controller
// waits for long. A server that was killed with its job leaves its file behind,
// so the age of each file is told, and for how long each job has run, in seconds:
// %M would leave out the time that a job was suspended.
const JupyterScript = `
now=$(date +%s)
data=${JUPYTER_DATA_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/jupyter}
for dir in "${JUPYTER_RUNTIME_DIR:-$data/runtime}" "$HOME/Library/Jupyter/runtime" "${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/jupyter"; do
	for file in "$dir"/nbserver-*.json "$dir"/jpserver-*.json; do
		[ -r "$file" ] || continue
		pid=$(sed -n 's/.*"pid": *\([0-9][0-9]*\).*/\1/p' "$file")
		[ -n "$pid" ] || continue
		state=away
		kill -0 "$pid" 2>/dev/null && state=here
		written=$(stat -c %Y "$file" 2>/dev/null || stat -f %m "$file" 2>/dev/null)
		printf '\n@server %s %s\n' "$state" "${written:+$((now - written))}"
		cat "$file"
	done
done
if command -v squeue >/dev/null 2>&1; then
	limit=
	command -v timeout >/dev/null 2>&1 && limit='timeout 15'
	echo
	SLURM_TIME_FORMAT=standard $limit squeue -h -t RUNNING -u "$(id -un)" -o '@node %N %S' 2>/dev/null | while read -r node names start; do
		began=
		[ -n "$start" ] && began=$(date -d "$start" +%s 2>/dev/null)
		echo "$node $names ${began:+$((now - began))}"
	done
fi
exit 0
`

// JupyterServer is a running server as its host sees it. Its texts are
// printable, but for the token and the paths of URL and socket.
type JupyterServer struct {
	PID     int    `json:"pid"`
	Node    string `json:"node,omitempty"` // where it runs, "" for the host itself
	Host    string `json:"host"`           // to connect to from there
	Port    int    `json:"port"`
	Socket  string `json:"socket,omitempty"` // instead of a port
	Dir     string `json:"dir"`
	Version string `json:"version"`

	secure bool
	base   string // of its URLs
	token  string // opens it to anybody
}

// URL is where the server is found through a port of this machine. It has the
// token: nobody else may see it.
func (s JupyterServer) URL(port int) string {
	u := url.URL{Scheme: "http", Host: net.JoinHostPort("localhost", strconv.Itoa(port)), Path: s.base}
	if s.secure {
		u.Scheme = "https"
	}
	if s.token != "" {
		u.RawQuery = url.Values{"token": {s.token}}.Encode()
	}
	return u.String()
}

// jupyterFile is what a server writes about itself (server_info in serverapp.py
// of jupyter_server).
type jupyterFile struct {
	BaseURL   string `json:"base_url"`
	Hostname  string `json:"hostname"` // the address that it listens on
	Notebooks string `json:"notebook_dir"`
	Root      string `json:"root_dir"`
	PID       int    `json:"pid"`
	Port      int    `json:"port"`
	Secure    bool   `json:"secure"`
	Socket    string `json:"sock"`
	Token     string `json:"token"`
	URL       string `json:"url"`
	Version   string `json:"version"`

	age ago // of the file
}

// job is one of the user's that runs.
type job struct {
	nodes []string
	age   ago
}

// ago is how long ago something began, negative where it is not known.
type ago int

func readAge(s string) ago {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		return -1
	}
	return ago(max(n, 0)) // a clock may be ahead of another
}

// skew is how far the clocks of a cluster may be apart, in seconds.
const skew = 300

// mayHave tells that a server did not begin before the job.
func (j job) mayHave(f jupyterFile) bool { return j.age < 0 || f.age < 0 || f.age <= j.age+skew }

// ParseJupyter reads what JupyterScript wrote. With a node, only servers that
// do not run on the host itself are wanted: those whose URL names it, or else
// all are taken to run there.
func ParseJupyter(out []byte, node string) []JupyterServer {
	here, away, jobs := readJupyter(out)
	var all []JupyterServer
	if node != "" {
		if named := slices.DeleteFunc(slices.Clone(away), func(f jupyterFile) bool { return !f.runsOn(node) }); len(named) > 0 {
			away = named
		}
		for _, f := range away {
			all = append(all, f.server(node))
		}
		return all
	}
	for _, f := range here {
		all = append(all, f.server(""))
	}
	for _, f := range away {
		begun := slices.DeleteFunc(slices.Clone(jobs), func(j job) bool { return !j.mayHave(f) })
		if at := f.node(nodesOf(begun)); at != "" {
			all = append(all, f.server(at))
		}
	}
	return all
}

// JupyterNodes are the nodes on which the user has jobs, of what JupyterScript
// wrote.
func JupyterNodes(out []byte) []string {
	_, _, jobs := readJupyter(out)
	nodes := slices.Concat(nodesOf(jobs)...)
	slices.Sort(nodes)
	return slices.Compact(nodes)
}

func nodesOf(jobs []job) (all [][]string) {
	for _, j := range jobs {
		all = append(all, j.nodes)
	}
	return all
}

// readJupyter gives the servers whose processes run on the host and the others,
// and the jobs.
func readJupyter(out []byte) (here, away []jupyterFile, jobs []job) {
	for _, part := range bytes.Split(append([]byte("\n"), out...), []byte("\n@")) {
		head, body, _ := bytes.Cut(part, []byte("\n"))
		var f jupyterFile
		kind, rest, _ := strings.Cut(string(head), " ")
		what, age, _ := strings.Cut(rest, " ")
		switch {
		case kind == "node":
			if nodes := hosts(what); len(nodes) > 0 {
				jobs = append(jobs, job{nodes, readAge(age)})
			}
		case kind != "server" || json.Unmarshal(body, &f) != nil || !f.sound():
		case what == "here":
			here = append(here, f)
		default:
			f.age = readAge(age)
			away = append(away, f)
		}
	}
	return here, away, jobs
}

func (f jupyterFile) sound() bool {
	return f.PID > 0 && (f.Port > 0 && f.Port < 1<<16 || strings.HasPrefix(f.Socket, "/"))
}

// node is which of the nodes of the user's jobs a server runs on: the one that
// its URL names, or the first of the only job, where a batch script runs. Of
// several jobs an address says it as well. What listens on its loopback is not
// reached from outside.
func (f jupyterFile) node(jobs [][]string) string {
	ip := net.ParseIP(f.Hostname)
	if f.Socket != "" || f.Hostname == "localhost" || ip.IsLoopback() {
		return ""
	}
	for _, name := range slices.Concat(jobs...) {
		if f.runsOn(name) {
			return name
		}
	}
	switch {
	case len(jobs) > 0 && !slices.ContainsFunc(jobs[1:], func(other []string) bool { return !slices.Equal(other, jobs[0]) }):
		return jobs[0][0]
	case len(jobs) > 0 && ip != nil && !ip.IsUnspecified():
		return f.Hostname
	}
	return ""
}

// runsOn tells that the server's URL names a node.
func (f jupyterFile) runsOn(node string) bool {
	u, err := url.Parse(f.URL)
	short, _, _ := strings.Cut(node, ".")
	return err == nil && (u.Hostname() == node || strings.HasPrefix(u.Hostname()+".", short+"."))
}

func (f jupyterFile) server(node string) JupyterServer {
	s := JupyterServer{
		PID: f.PID, Node: node, Host: node, Port: f.Port, Socket: f.Socket,
		Dir: config.Printable(f.Root), Version: config.Printable(f.Version),
		secure: f.Secure, base: f.BaseURL, token: f.Token,
	}
	if f.Notebooks != "" {
		s.Dir = config.Printable(f.Notebooks)
	}
	if !strings.HasPrefix(s.base, "/") {
		s.base = "/" + s.base
	}
	if node == "" {
		s.Host = listening(f.Hostname)
	}
	return s
}

// listening is how to connect, on the host, to what listens on an address.
func listening(address string) string {
	if ip := net.ParseIP(address); ip.IsUnspecified() || ip == nil && !isHostName(address) {
		return "localhost"
	}
	return address
}

// isHostName tells that a node's name is one, and nothing that could mean
// something to anybody else.
func isHostName(s string) bool {
	return s != "" && !strings.HasPrefix(s, "-") && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") == ""
}
