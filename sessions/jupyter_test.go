package sessions

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sallyport/config"
	"sallyport/internal/sshtest"
)

func info(pid int, hostname, address string) string {
	return fmt.Sprintf("{\n  \"base_url\": \"/lab/\",\n  \"hostname\": %q,\n  \"root_dir\": \"/data\",\n  \"pid\": %d,\n  \"port\": 8888,\n"+
		"  \"secure\": false,\n  \"sock\": \"\",\n  \"token\": \"a&b\",\n  \"url\": %q,\n  \"version\": \"2.1\"\n}", hostname, pid, address)
}

// TestJupyterServersAreFound runs the script as a host would, with a squeue
// that knows a job.
func TestJupyterServersAreFound(t *testing.T) {
	const away = 1 << 30 // more than any process has
	const old = " "      // begins a file that was written a day ago
	here := os.Getpid()
	at := func(node, host string, pid int) JupyterServer {
		return JupyterServer{PID: pid, Node: node, Host: host, Port: 8888, Dir: "/data", Version: "2.1", base: "/lab/", token: "a&b"}
	}
	for _, test := range []struct {
		name        string
		files, jobs []string
		node        string
		want        []JupyterServer
	}{
		{name: "none"},
		{name: "one here", files: []string{info(here, "127.0.0.1", "http://127.0.0.1:8888/lab/")}, want: []JupyterServer{at("", "127.0.0.1", here)}},
		{name: "one on all addresses", files: []string{info(here, "0.0.0.0", "http://login:8888/lab/")}, want: []JupyterServer{at("", "localhost", here)}},
		{name: "one that has ended", files: []string{info(away, "0.0.0.0", "http://login:8888/lab/")}},
		{name: "the only job's node", files: []string{info(away, "0.0.0.0", "http://x:8888/lab/")}, jobs: []string{"r1n1"}, want: []JupyterServer{at("r1n1", "r1n1", away)}},
		{name: "of two jobs the node of the URL", files: []string{info(away, "0.0.0.0", "http://r1n2.cluster:8888/lab/")}, jobs: []string{"r1n1", "r1n2"}, want: []JupyterServer{at("r1n2", "r1n2", away)}},
		{name: "a name that the host has", files: []string{info(here, "login1", "http://login1:8888/lab/")}, want: []JupyterServer{at("", "login1", here)}},
		{name: "no name at all", files: []string{info(here, "*", "")}, want: []JupyterServer{at("", "localhost", here)}},
		{name: "of a job of several nodes that of the URL", files: []string{info(away, "0.0.0.0", "http://node02:8888/lab/")}, jobs: []string{"node[01-03]"}, want: []JupyterServer{at("node02", "node02", away)}},
		{name: "of a job of several nodes the first", files: []string{info(away, "0.0.0.0", "http://0.0.0.0:8888/lab/")}, jobs: []string{"node[02-03,07]"}, want: []JupyterServer{at("node02", "node02", away)}},
		{name: "of several jobs on one node", files: []string{info(away, "::", "http://:::8888/lab/")}, jobs: []string{"n1", "n1"}, want: []JupyterServer{at("n1", "n1", away)}},
		{name: "of two jobs an address", files: []string{info(away, "10.1.2.3", "http://10.1.2.3:8888/lab/")}, jobs: []string{"r1n1", "r1n2"}, want: []JupyterServer{at("10.1.2.3", "10.1.2.3", away)}},
		{name: "of two jobs no telling", files: []string{info(away, "0.0.0.0", "http://0.0.0.0:8888/lab/")}, jobs: []string{"r1n1", "r1n2"}},
		{name: "a job that has no node", files: []string{info(away, "0.0.0.0", "http://x:8888/lab/")}, jobs: []string{"", "(null)", "n/a"}},
		{name: "of the servers elsewhere that of the node that was typed", files: []string{info(away, "0.0.0.0", "http://gpu7.site:8888/lab/"), info(away+1, "0.0.0.0", "http://gpu8.site:8888/lab/")}, node: "gpu7", want: []JupyterServer{at("gpu7", "gpu7", away)}},
		{name: "a node's loopback is out of reach", files: []string{info(away, "localhost", "http://localhost:8888/lab/")}, jobs: []string{"r1n1"}},
		{name: "a node that was typed", files: []string{info(away, "0.0.0.0", "http://x:8888/lab/"), info(here, "127.0.0.1", "")}, node: "gpu7", want: []JupyterServer{at("gpu7", "gpu7", away)}},
		{name: "a file that is no JSON", files: []string{`"pid": 1 {`}},
		{name: "a server that has ended before the only job began", files: []string{old + info(away, "0.0.0.0", "http://x:8888/lab/")}, jobs: []string{"r1n1 $(date +%Y-%m-%dT%H:%M:%S)"}},
		{name: "and before the job on the node of its URL", files: []string{old + info(away, "0.0.0.0", "http://r1n1:8888/lab/")}, jobs: []string{"r1n1 $(date +%Y-%m-%dT%H:%M:%S)"}},
		{name: "a server of the older of two jobs", files: []string{old + info(away, "0.0.0.0", "http://x:8888/lab/")}, jobs: []string{"r1n1 $(date +%Y-%m-%dT%H:%M:%S)", "r1n2 2020-02-02T20:20:20"}, want: []JupyterServer{at("r1n2", "r1n2", away)}},
		{name: "a server that has ended before a job began whose clock is ahead", files: []string{old + info(away, "0.0.0.0", "http://x:8888/lab/")}, jobs: []string{"r1n1 $(date -d '10 minutes' +%Y-%m-%dT%H:%M:%S)"}},
		{name: "a server of a job that has just begun", files: []string{info(away, "0.0.0.0", "http://x:8888/lab/")}, jobs: []string{"r1n1 $(date +%Y-%m-%dT%H:%M:%S)"}, want: []JupyterServer{at("r1n1", "r1n1", away)}},
		{name: "a job whose beginning cannot be read", files: []string{old + info(away, "0.0.0.0", "http://x:8888/lab/")}, jobs: []string{"r1n1 N/A"}, want: []JupyterServer{at("r1n1", "r1n1", away)}},
		{name: "a job on a node with a strange name", files: []string{info(away, "0.0.0.0", "")}, jobs: []string{"-oProxyCommand=x"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for i, text := range test.files {
				path := filepath.Join(dir, fmt.Sprintf("jpserver-%d.json", i))
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				if day := time.Now().Add(-24 * time.Hour); strings.HasPrefix(text, old) {
					if err := os.Chtimes(path, day, day); err != nil {
						t.Fatal(err)
					}
				}
			}
			bin := t.TempDir()
			nodes := ""
			for _, j := range test.jobs {
				nodes += `echo "@node ` + j + "\"\n"
			}
			sshtest.Script(t, filepath.Join(bin, "squeue"), nodes)
			cmd := exec.Command(sshtest.Program(t, "sh"))
			cmd.Stdin = strings.NewReader(JupyterScript)
			cmd.Env = []string{"HOME=" + bin, "JUPYTER_RUNTIME_DIR=" + dir, "XDG_RUNTIME_DIR=" + bin, "PATH=" + bin + ":" + os.Getenv("PATH")}
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, ParseJupyter(out, test.node), cmp.AllowUnexported(JupyterServer{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s\nof %s", diff, out)
			}
		})
	}
}

// TestAllocatedNodesAreAskedFor has squeue be given the format whose nodes are
// those of the job, not where it was asked for.
func TestAllocatedNodesAreAskedFor(t *testing.T) {
	bin := t.TempDir()
	sshtest.Script(t, filepath.Join(bin, "squeue"), `for last; do :; done; echo "$last" | sed 's/%B/login/; s/%N/node[01-02]/'`)
	cmd := exec.Command(sshtest.Program(t, "sh"))
	cmd.Stdin = strings.NewReader(JupyterScript)
	cmd.Env = []string{"HOME=" + bin, "PATH=" + bin + ":" + os.Getenv("PATH")}
	out, err := cmd.Output()
	if diff := cmp.Diff([]string{"node01", "node02"}, JupyterNodes(out)); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

func TestListsOfNodesAreExpanded(t *testing.T) {
	for _, test := range []struct{ list, want string }{
		{"", ""},
		{"node01", "node01"},
		{"a,b", "a b"},
		{"node[01-03]", "node01 node02 node03"},
		{"node[1,3-4,08-10]x", "node1x node3x node4x node08x node09x node10x"},
		{"r[1-2]n[01-02],gpu7", "r1n01 r1n02 r2n01 r2n02 gpu7"},
		{"n[098-101]", "n098 n099 n100 n101"},
		{"n[3-1]", ""},
		{"n[1-", ""},
		{"n[a-b],m", "m"},
		{"-oProxyCommand=x,$(x),m", "m"},
		{"(null)", ""},
	} {
		if got := strings.Join(hosts(test.list), " "); got != test.want {
			t.Errorf("%q is %q, not %q", test.list, got, test.want)
		}
	}
	if n := len(hosts("a[0-99999999]b[0-99999999],c[1-9999]")); n > 2*hostsLimit {
		t.Errorf("%d names of one line", n)
	}
}

func TestJupyterURLHasTheToken(t *testing.T) {
	s := JupyterServer{base: "/a b/", token: "x&y=z", secure: true}
	if got, want := s.URL(8889), "https://localhost:8889/a%20b/?token=x%26y%3Dz"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzJupyter(f *testing.F) {
	f.Add("\n@server here\n" + info(1, "", "") + "\n@server away\n" + info(2, "0.0.0.0", "http://n:1/") + "\n@node n\n")
	f.Fuzz(func(t *testing.T, out string) {
		for _, s := range ParseJupyter([]byte(out), "") {
			if config.Printable(s.Dir) != s.Dir || config.Printable(s.Version) != s.Version || config.Printable(s.Host) != s.Host {
				t.Errorf("%+v", s)
			}
			if u, err := url.Parse(s.URL(1)); err != nil || u.Host != "localhost:1" {
				t.Errorf("%q: %v", s.URL(1), err)
			}
		}
	})
}
