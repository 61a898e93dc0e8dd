//go:build linux

package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sallyport/api"
	"sallyport/internal/sshtest"
)

// startJupyter runs Debian's Jupyter at the home of the server's sessions.
func startJupyter(t *testing.T, s *sshtest.Server, token string) (port int) {
	t.Helper()
	port = sshtest.FreePort(t)
	runJupyter(t, s, token, "--ip=127.0.0.1", fmt.Sprintf("--port=%d", port))
	return port
}

// runJupyter runs Jupyter until the test ends, or it is stopped.
func runJupyter(t *testing.T, s *sshtest.Server, token string, args ...string) (stop func()) {
	t.Helper()
	cmd := exec.Command(sshtest.Program(t, "jupyter-notebook"), append([]string{"--allow-root", "--no-browser"}, args...)...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+s.Path(""), "JUPYTER_TOKEN="+token)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() { cmd.Process.Kill(); cmd.Wait() }
	t.Cleanup(stop)
	sshtest.Eventually(t, "Jupyter has written its file", func() bool {
		all, _ := filepath.Glob(s.Path(".local/share/jupyter/runtime/*server-*.json"))
		return len(all) > 0
	})
	return stop
}

// TestJupyterIsOpened has the real server found, forwarded and opened; its
// token is seen by nobody but the browser and whoever asks for it.
func TestJupyterIsOpened(t *testing.T) {
	t.Parallel()
	const token = "a token that is nowhere else"
	s := sshtest.StartServer(t)
	port := startJupyter(t, s, token)
	c := newClients(t, s)

	out, err := c.sallyport("jupyter", sshtest.Alias, "--json").Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderrOf(err))
	}
	var got struct {
		Port, LocalPort int
		URL             string
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if got.Port != port || got.LocalPort <= port {
		t.Errorf("the server on %d, which is taken here, is forwarded as %+v", port, got)
	}
	resp, err := http.Get(strings.Replace(got.URL, "/?", "/api/contents?", 1))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%s through the tunnel", resp.Status)
	}

	seen := filepath.Join(t.TempDir(), "seen")
	browser := sshtest.Script(t, filepath.Join(t.TempDir(), "browser"), "echo \"$1\" >"+seen+"\ncat \"${1#file://}\" >>"+seen+"; stat -c %a \"${1#file://}\" >>"+seen+"\n")
	cmd := c.sallyport("jupyter", sshtest.Alias)
	cmd.Env = append(cmd.Env, "BROWSER="+browser)
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	page, _ := os.ReadFile(seen)
	address, content, _ := strings.Cut(string(page), "\n")
	escaped := strings.ReplaceAll(token, " ", "+")
	if !strings.HasPrefix(address, "file://") || strings.Contains(address, "token") || !strings.Contains(content, "token="+escaped) || !strings.HasSuffix(content, "\n600\n") {
		t.Errorf("the browser was given %q, which has %q", address, content)
	}
	if !strings.Contains(string(said), "L "+strconv.Itoa(got.LocalPort)) || strings.Contains(string(said), "token") {
		t.Errorf("it says %q, want the tunnel that is there, and no token", said)
	}
	if where := holding(t, c, token, escaped); where != "" {
		t.Errorf("the token is in %s", where)
	}
}

// TestJupyterOnASocketIsOpenUntilItEnds has a server that listens on a unix
// socket, and a tunnel that ends with it.
func TestJupyterOnASocketIsOpenUntilItEnds(t *testing.T) {
	t.Parallel()
	const token = "another token"
	s := sshtest.StartServer(t)
	socket := s.Path("jupyter.sock")
	end := runJupyter(t, s, token, "--sock="+socket)
	c := newClients(t, s)
	cmd := c.sallyport("jupyter", sshtest.Alias, "--no-browser", "--until-end")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(strings.Replace(strings.TrimSpace(address), "/?", "/api/contents?", 1))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%s through the tunnel", resp.Status)
	}
	if open := tunnelsOf(t, c); len(open) != 1 || open[0].Spec.Connect.Path != socket {
		t.Errorf("the tunnels are %+v, want one to %s", open, socket)
	}
	end()
	if err := cmd.Wait(); err != nil {
		t.Errorf("after the server it ended with %v", err)
	}
	if open := tunnelsOf(t, c); len(open) != 0 {
		t.Errorf("after the server there is %+v", open)
	}
}

// tunnelsOf are the tunnels that are on.
func tunnelsOf(t *testing.T, c clients) (open []api.Tunnel) {
	t.Helper()
	out, err := c.sallyport("tunnel", "ls", "--json").Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderrOf(err))
	}
	if err := json.Unmarshal(out, &open); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return slices.DeleteFunc(open, func(t api.Tunnel) bool { return t.State == api.TunnelClosed || t.State == "" })
}

// TestOneOfSeveralJupytersIsChosenByItsPort has two servers, as their files
// tell of them.
func TestOneOfSeveralJupytersIsChosenByItsPort(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	first, second := sshtest.FreePort(t), sshtest.FreePort(t)
	if err := os.MkdirAll(s.Path(".local/share/jupyter/runtime"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, port := range []int{first, second} {
		s.Write(t, fmt.Sprintf(".local/share/jupyter/runtime/jpserver-%d.json", port),
			fmt.Sprintf(`{"base_url": "/", "hostname": "127.0.0.1", "root_dir": "/data/%d", "pid": %d, "port": %[1]d, "token": "t"}`, port, os.Getpid()))
	}
	c := newClients(t, s)
	out, err := c.sallyport("jupyter", sshtest.Alias, "--json").CombinedOutput()
	said := string(out)
	if err == nil || !strings.Contains(said, "2 Jupyter servers of yours") || !strings.Contains(said, fmt.Sprintf("/data/%d", second)) || !strings.Contains(said, "--port") {
		t.Errorf("with two servers and no port: %v: %s", err, said)
	}
	out, err = c.sallyport("jupyter", sshtest.Alias, "--json", "--port", strconv.Itoa(second)).Output()
	if err != nil || !strings.Contains(string(out), fmt.Sprintf(`"dir": "/data/%d"`, second)) {
		t.Errorf("with the port of the second: %v: %s%s", err, out, stderrOf(err))
	}
}

// TestSeveralJupytersAreToldApart gives the flags of the hint back, which have to
// choose one.
func TestSeveralJupytersAreToldApart(t *testing.T) {
	server := func(state, node string, pid, port int, socket string) string {
		return fmt.Sprintf("\n@server %s\n{\"hostname\": \"0.0.0.0\", \"pid\": %d, \"port\": %d, \"sock\": %q, \"url\": \"http://%s:8888/\"}", state, pid, port, socket, node)
	}
	for _, row := range []struct {
		name, out string
		flags     jupyterFlags
		hint      string
	}{
		{"by port", server("here", "x", 1, 8888, "") + server("here", "x", 2, 8889, ""), jupyterFlags{port: "8888"}, "--port 8888"},
		{"by socket", server("here", "x", 1, 0, "/run/a") + server("here", "x", 2, 0, "/run/b"), jupyterFlags{port: "/run/a"}, "--port /run/a"},
		{"by node", server("away", "n1", 1, 8888, "") + server("away", "n2", 2, 8888, "") + "\n@node n[1-2]", jupyterFlags{node: "n2", port: "8888"}, "--node n2 --port 8888"},
	} {
		var said bytes.Buffer
		a := &app{Stdio: Stdio{Err: &said}}
		_, err := a.chooseJupyter("h", []byte(row.out), jupyterFlags{})
		if e := api.AsError(err); e == nil || !slices.Equal(e.Hints, []string{"sallyport jupyter h " + row.hint}) {
			t.Errorf("%s: %v", row.name, err)
		}
		if _, err := a.chooseJupyter("h", []byte(row.out), row.flags); err != nil {
			t.Errorf("%s: %+v chooses none: %v", row.name, row.flags, err)
		}
	}
}

// holding is the first file of ours, the log and the state among them, that
// has one of the words, "" if none has.
func holding(t *testing.T, c clients, words ...string) (found string) {
	t.Helper()
	files := 0
	for _, v := range c.sallyport().Env {
		name, dir, _ := strings.Cut(v, "=")
		if name != "XDG_RUNTIME_DIR" && name != "XDG_STATE_HOME" {
			continue
		}
		filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if page, _ := filepath.Match("open-*.html", d.Name()); err != nil || page || !d.Type().IsRegular() {
				return nil // a page has it for a minute
			}
			files++
			text, _ := os.ReadFile(path)
			for _, w := range words {
				if strings.Contains(string(text), w) {
					found = path
				}
			}
			return nil
		})
	}
	if files == 0 {
		t.Error("there is no file of ours at all")
	}
	return found
}

func stderrOf(err error) []byte {
	if e, ok := err.(*exec.ExitError); ok {
		return e.Stderr
	}
	return nil
}

func TestPortsOfAHostAreListed(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	c := newClients(t, s)
	out, err := c.sallyport("ports", sshtest.Alias, "--json").Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderrOf(err))
	}
	var all []api.Listener
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		if l.Port == s.Port {
			if l.Address != "127.0.0.1" || !l.Own || l.Service != "SSH" || !strings.HasPrefix(l.Program, "sshd") || l.PID == 0 {
				t.Errorf("the server of the test is listed as %+v", l)
			}
			return
		}
	}
	t.Errorf("port %d of the server is not among %+v", s.Port, all)
}

func TestNoJupyterSaysWhatToDo(t *testing.T) {
	t.Parallel()
	c := newClients(t, sshtest.StartServer(t))
	out, err := c.sallyport("jupyter", sshtest.Alias).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "no Jupyter server of yours runs on") || !strings.Contains(string(out), "jupyter lab --no-browser") {
		t.Errorf("%v: %s", err, out)
	}
}
