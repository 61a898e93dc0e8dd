//go:build linux

package cli

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"sallyport/api"
	"sallyport/internal/sshtest"
)

// startJupyter runs Debian's Jupyter at the home of the server's sessions.
func startJupyter(t *testing.T, s *sshtest.Server, token string) (port int) {
	t.Helper()
	program := sshtest.Program(t, "jupyter-notebook")
	port = sshtest.FreePort(t)
	cmd := exec.Command(program, "--allow-root", "--no-browser", "--ip=127.0.0.1", fmt.Sprintf("--port=%d", port))
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+s.Path(""), "JUPYTER_TOKEN="+token)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	sshtest.Eventually(t, "Jupyter has written its file", func() bool {
		all, _ := filepath.Glob(s.Path(".local/share/jupyter/runtime/*server-*.json"))
		return len(all) > 0
	})
	return port
}

// TestJupyterIsOpened has the real server found, forwarded and opened; its
// token is seen by nobody but the browser and whoever asks for it.
func TestJupyterIsOpened(t *testing.T) {
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
	browser := sshtest.Script(t, filepath.Join(t.TempDir(), "browser"), "#!/bin/sh\necho \"$1\" >"+seen+"\ncat \"${1#file://}\" >>"+seen+"; stat -c %a \"${1#file://}\" >>"+seen+"\n")
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
			if err != nil || !d.Type().IsRegular() {
				return nil
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
	c := newClients(t, sshtest.StartServer(t))
	out, err := c.sallyport("jupyter", sshtest.Alias).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "no Jupyter server of yours runs on") || !strings.Contains(string(out), "jupyter lab --no-browser") {
		t.Errorf("%v: %s", err, out)
	}
}
