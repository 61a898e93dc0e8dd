//go:build linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"sallyport/internal/sshtest"
)

const jupyterPort = 8888

// startJupyter runs Debian's Jupyter as dany on inner, bound to inner's own
// loopback, and returns its token.
func startJupyter(t *testing.T, l *lab) string {
	t.Helper()
	sshtest.Program(t, "jupyter-notebook")
	token := secret()
	stop := background(t, l.inner, "jupyter", fmt.Sprintf(
		`cd /home/dany && exec setpriv --reuid dany --regid dany --init-groups env HOME=/home/dany USER=dany `+
			`/usr/bin/jupyter-notebook --no-browser --ip=127.0.0.1 --port=%d --NotebookApp.port_retries=0 --NotebookApp.token=%s`, jupyterPort, token))
	t.Cleanup(stop)
	if out, err := l.inner.sh(fmt.Sprintf(`until nc -z 127.0.0.1 %d; do sleep 0.2; done`, jupyterPort)); err != nil {
		log, _ := os.ReadFile(l.inner.path("/run/jupyter.log"))
		t.Fatalf("Jupyter does not come up: %v: %s\n%s", err, out, log)
	}
	return token
}

// background runs a shell command on the machine until stop is called; its
// output is in /run/NAME.log there.
func background(t *testing.T, m *machine, name, command string) (stop func()) {
	t.Helper()
	if _, err := m.sh(fmt.Sprintf("( %s ) > /run/%s.log 2>&1 < /dev/null & echo $! > /run/%[2]s.pid", command, name)); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := m.sh(fmt.Sprintf("kill $(cat /run/%s.pid)", name)); err != nil {
			t.Error(err)
		}
	}
}

// jupyterConfig is what users are told to write.
const jupyterConfig = chainConfig + "    LocalForward 8080 localhost:8888\n"

func TestJupyterThroughATunnel(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	token := startJupyter(t, l)
	page := "http://localhost:8080/tree?token=" + token

	t.Run("ssh", func(t *testing.T) {
		c := newClient(t, jupyterConfig)
		t.Cleanup(background(t, c.machine, "ssh", "exec ssh -N inner"))
		c.answers(page)
	})
	t.Run("sallyport", func(t *testing.T) {
		c := newClient(t, jupyterConfig)
		c.refuses("8080")

		s := openScreen(t, c)
		s.search("inner")
		s.keys("t")
		c.answers(page)
		s.wait(`\[x\] L 8080`)
		s.quit()
		c.answers(page)
		browse(t, c, page)

		killed := c.daemonPID()
		if killed == 0 {
			t.Fatal("no background process holds the tunnel")
		}
		c.must("kill", "-9", strconv.Itoa(killed))
		c.eventually("the killed process is gone", func() bool { return c.run("kill", "-0", strconv.Itoa(killed)).Status != 0 })
		c.refuses("8080")

		s = openScreen(t, c)
		c.answers(page)
		if now := c.daemonPID(); now == 0 || now == killed {
			t.Errorf("after kill -9 of %d the background process is %d", killed, now)
		}
		s.search("inner")
		s.wait(`\[x\] L 8080`)
		s.keys("t")
		s.wait(`\[ \] L 8080`)
		c.eventually("the port is free", func() bool { return !c.listens("8080") })
		s.quit()
		c.refuses("8080")
	})
}

// answers waits until Jupyter's page comes from a port of the client.
func (c *client) answers(url string) {
	c.t.Helper()
	c.eventually("Jupyter answers at "+url, func() bool {
		r := c.run("curl", "-sSL", "--max-time", "20", "--cookie", "", url)
		return r.Status == 0 && strings.Contains(r.Out, "<title>Home Page - Select or create a notebook</title>")
	})
}

// listens tells whether a port of the client's loopback is taken.
func (c *client) listens(port string) bool {
	return c.run("nc", "-z", "localhost", port).Status == 0
}

func (c *client) refuses(port string) {
	c.t.Helper()
	if c.listens(port) {
		c.t.Errorf("port %s is taken, want it free", port)
	}
}

// browse opens a page in Chromium: its scripts must have run. The screenshot
// goes to $SALLYPORT_ARTIFACTS.
func browse(t *testing.T, c *client, url string) {
	t.Helper()
	sshtest.Program(t, "chromium")
	flags := []string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--virtual-time-budget=15000", "--window-size=1200,800",
	}
	dom := c.must(append([]string{"chromium", "--user-data-dir=/root/browser1", "--dump-dom"}, append(flags, url)...)...)
	// The list of files is fetched and filled in by the page's scripts.
	if !strings.Contains(dom, `id="notebook_list"`) || !strings.Contains(dom, "The notebook list is empty.") {
		t.Errorf("the page in the browser is not Jupyter's list of files:\n%.3000s", dom)
	}
	dir := os.Getenv("SALLYPORT_ARTIFACTS")
	if dir == "" {
		return
	}
	c.must(append([]string{"chromium", "--user-data-dir=/root/browser2", "--screenshot=/root/jupyter.png"}, append(flags, url)...)...)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "jupyter.png"), []byte(c.read("/root/jupyter.png")), 0o644); err != nil {
		t.Fatal(err)
	}
}
