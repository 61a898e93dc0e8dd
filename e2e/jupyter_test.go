//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

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

// notebook is an empty one.
const notebook = `{"cells": [{"cell_type": "code", "execution_count": null, "metadata": {}, "outputs": [], "source": []}], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}`

func TestJupyter(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	token := startJupyter(t, l)
	if _, err := l.inner.sh("cat > /home/dany/sum.ipynb <<'E'\n" + notebook + "\nE\nchown dany: /home/dany/sum.ipynb"); err != nil {
		t.Fatal(err)
	}
	t.Run("through a tunnel", func(t *testing.T) { throughATunnel(t, token) })
	t.Run("in one key", func(t *testing.T) { inOneKey(t, token) })
}

func throughATunnel(t *testing.T, token string) {
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

// inOneKey has the running server found, by the key of the screen and by the
// command, and a cell run in a browser that knows no more than what it is
// given.
func inOneKey(t *testing.T, token string) {
	t.Run("j", func(t *testing.T) {
		c := newClient(t, chainConfig)
		b, command := newBrowser(t, c)
		c.env = append(c.env, "BROWSER="+command)
		s := openScreen(t, c)
		s.search("inner")
		s.keys("j")
		s.wait(`Jupyter of inner answers at http://localhost:8888/`)
		b.attach()
		runsACell(t, b, jupyterPort, "jupyter-key.png")
		keepsSecret(t, c, s.screen(), token)
		s.keys("2")
		s.wait(`\[x\] L 8888 → 127.0.0.1:8888`)
		s.quit()
	})
	t.Run("sallyport jupyter --json", func(t *testing.T) {
		c := newClient(t, chainConfig)
		c.must("sh", "-c", "nc -l -k 127.0.0.1 8888 >/dev/null 2>&1 &") // the port is taken
		c.eventually("the port is taken", func() bool { return c.listens("8888") })
		var got struct {
			LocalPort int
			URL       string
		}
		if err := json.Unmarshal([]byte(c.must("sallyport", "jupyter", "inner", "--json")), &got); err != nil {
			t.Fatal(err)
		}
		if got.LocalPort == jupyterPort {
			t.Errorf("it got port %d, which is taken", got.LocalPort)
		}
		b, command := newBrowser(t, c)
		b.open(command, "about:blank")
		b.tell("Page.navigate", map[string]any{"url": got.URL}, nil)
		runsACell(t, b, got.LocalPort, "jupyter-json.png")
		keepsSecret(t, c, "", token)
	})
	t.Run("without a display", func(t *testing.T) {
		c := newClient(t, chainConfig)
		s := openScreen(t, c)
		s.search("inner")
		s.keys("j")
		page := "http://localhost:8888/?token=" + token
		s.wait(`^` + quoted(page) + `$`)
		c.answers(page)
		s.keys("Escape")
		s.waitGone(token)
		s.keys("6")
		s.wait(`there is no display`)
		keepsSecret(t, c, s.screen(), token)
		s.quit()
	})
}

// runsACell waits until the browser is logged in, and computes something.
func runsACell(t *testing.T, b *browser, port int, picture string) {
	t.Helper()
	b.seesFiles()
	b.tell("Page.navigate", map[string]any{"url": fmt.Sprintf("http://localhost:%d/notebooks/sum.ipynb", port)}, nil)
	b.comes(`!!(window.Jupyter && Jupyter.notebook && Jupyter.notebook.kernel && Jupyter.notebook.kernel.is_connected())`, "true")
	b.script(`(Jupyter.notebook.get_cell(0).set_text("import socket; print(6*7, socket.gethostname())"), Jupyter.notebook.execute_cells([0]))`)
	b.comes(`(document.querySelector(".output_stdout") || {innerText: ""}).innerText.trim()`, "42 inner")
	b.photograph(picture)
	b.leave()
}

// keepsSecret looks for the token where others can read, and where it would
// stay: the page that leads the browser on has it for a minute.
func keepsSecret(t *testing.T, c *client, screen, token string) {
	t.Helper()
	found := c.run("grep", "-rlF", "--exclude=open-*.html", token, "/root/.local/state", "/run/user/0")
	if found.Out != "" {
		t.Errorf("the token is in %s", found.Out)
	}
	// Not what the browser itself starts, which has its address.
	if args := c.must("sh", "-c", "ps -C sallyport -C xdg-open -o args="); strings.Contains(args, token) {
		t.Errorf("the token is in an argument:\n%s", args)
	}
	if strings.Contains(screen, token) {
		t.Errorf("the token is on the screen:\n%s", screen)
	}
}

// TestPortsAreFollowed has a port appear while somebody looks at the ports of a
// host, forwards it and uses it.
func TestPortsAreFollowed(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	c := newClient(t, chainConfig)
	port := strconv.Itoa(3000 + int(ports.Add(1)))
	s := openScreen(t, c)
	s.search("inner")
	s.keys("p")
	s.wait(` 22 +SSH`)
	t.Cleanup(background(t, l.inner, "page"+port, "cd /home/dany && exec setpriv --reuid dany --regid dany --init-groups /usr/bin/python3 -m http.server --bind 127.0.0.1 "+port))
	s.wait(`Yours`)
	s.wait(` ` + port + ` .*python3 \(\d+\)`)
	c.must("sh", "-c", "nc -l -k 127.0.0.1 "+port+" >/dev/null 2>&1 &")
	c.eventually("the port is taken here", func() bool { return c.listens(port) })
	for _, ok := s.waitFor(`▌ *`+port+` `, 0); !ok; _, ok = s.waitFor(`▌ *`+port+` `, time.Second) {
		s.keys("Down")
	}
	s.keys("Enter")
	at := s.wait(`Port ` + port + ` of inner answers at (localhost:\d+)\.`)[1]
	if at == "localhost:"+port {
		t.Errorf("it is said to answer at %s, which another program has", at)
	}
	s.wait(port + ` .*● ` + at)
	if page := c.must("curl", "-sS", "http://"+at+"/"); !strings.Contains(page, "Directory listing") {
		t.Errorf("the page is %q", page)
	}
	s.keys("Escape")
	s.list()
	s.wait(`p ports`)
	c.eventually("the shell that looked has ended", func() bool {
		out, err := l.inner.sh("ps -u dany -o args= | grep -c '^sh$' || true")
		return err == nil && strings.TrimSpace(out) == "0"
	})
	s.quit()
}

// TestPortsGoOnAfterABreak has the server on the way end under somebody who
// looks at ports, and nothing else that wants the connection.
func TestPortsGoOnAfterABreak(t *testing.T) {
	t.Parallel()
	c := newStayer(t, 1)
	for _, host := range []string{"gate", "deep"} {
		c.must("sallyport", "tunnel", "down", host)
	}
	s := openScreen(t, c.client)
	s.search("deep")
	s.keys("p")
	s.wait(` 22 +SSH`)
	c.stopServer(c.bastion)
	s.wait(`The connection to deep was lost\. This goes on when it is back`)
	s.wait(` 22 +SSH`)
	port := strconv.Itoa(3000 + int(ports.Add(1)))
	t.Cleanup(background(t, c.lab.inner, "late"+port, "exec nc -l -k 127.0.0.1 "+port+" >/dev/null"))
	c.startServer(c.bastion)
	if text := s.wait(`(?s).* ` + port + ` .*`)[0]; strings.Contains(text, "was lost") {
		t.Errorf("the connection is there, and still said to be lost:\n%s", text)
	}
	s.keys("Escape")
	s.list()
	s.wait(`p ports`)
	s.quit()
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

// browse opens a page in Chromium, which has to show Jupyter's list of files.
func browse(t *testing.T, c *client, url string) {
	t.Helper()
	b, command := newBrowser(t, c)
	b.open(command, url)
	b.seesFiles()
	b.photograph("jupyter.png")
	b.leave()
}

// seesFiles waits for the list of files, which the page's scripts fetch. The
// page gives each of them 30 seconds (waitSeconds in Jupyter's page.html) and
// never tries again: where they came too late it is loaded anew, as a person
// would.
func (b *browser) seesFiles() {
	b.c.t.Helper()
	listed := `(document.querySelector("#notebook_list") || {innerText: ""}).innerText.includes("sum.ipynb")`
	for range 2 {
		if within(40*time.Second, func() bool { return b.script(listed) == "true" }) {
			return
		}
		b.c.t.Logf("loaded anew: %s", b.script(`document.readyState + " " + document.title + " " + location.pathname`))
		b.tell("Page.reload", nil, nil)
	}
	b.comes(listed, "true")
}
