package transport

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/internal/sshtest"
)

// soon is a context that ends before the test's patience does.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// load reads text as a configuration. %D in it is the directory of its file.
func load(t *testing.T, text string) *config.Config {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "config")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "%D", dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load(config.Paths{User: file, Home: dir, Explicit: true})
}

// plan is the chain to name, which has to be understood.
func plan(t *testing.T, cfg *config.Config, name string) Chain {
	t.Helper()
	chain, err := Plan(cfg, name, config.Match{Execute: true})
	if err != nil {
		t.Fatalf("Plan(%s): %v", name, err)
	}
	return chain
}

// watch records what links tell.
type watch struct {
	mu     sync.Mutex // guards told and gone
	told   []LinkStatus
	gone   []string
	change chan struct{}
}

func newWatch() *watch { return &watch{change: make(chan struct{}, 1)} }

func (w *watch) options() Options {
	return Options{
		Notify: func(s LinkStatus) {
			w.mu.Lock()
			w.told = append(w.told, s)
			w.mu.Unlock()
			w.wake()
		},
		Gone: func(id string) {
			w.mu.Lock()
			w.gone = append(w.gone, id)
			w.mu.Unlock()
			w.wake()
		},
	}
}

func (w *watch) wake() {
	select {
	case w.change <- struct{}{}:
	default:
	}
}

// states are those that a link has been in, repetitions and the beginning
// left out.
func (w *watch) states(l *Link) []State {
	w.mu.Lock()
	defer w.mu.Unlock()
	var states []State
	for _, s := range w.told {
		if s.ID == l.id && s.State != append([]State{Down}, states...)[len(states)] {
			states = append(states, s.State)
		}
	}
	return states
}

func (w *watch) isGone(l *Link) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.gone, l.id)
}

// await waits until a told status of l is as wanted.
func (w *watch) await(t *testing.T, l *Link, what string, ok func(LinkStatus) bool) {
	t.Helper()
	limit := time.After(time.Minute)
	for seen := 0; ; {
		w.mu.Lock()
		for ; seen < len(w.told); seen++ {
			if s := w.told[seen]; s.ID == l.id && ok(s) {
				w.mu.Unlock()
				return
			}
		}
		w.mu.Unlock()
		select {
		case <-w.change:
		case <-limit:
			t.Fatalf("%s was never %s: it is %+v", l.name(), what, l.Status())
		}
	}
}

// network is a directory with keys, known hosts and sshds.
type network struct {
	dir    string
	user   string
	client ssh.Signer
	config strings.Builder
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	n := &network{dir: t.TempDir(), user: me(t)}
	n.client = sshtest.WriteKey(t, filepath.Join(n.dir, "id"))
	n.write(t, "authorized", string(ssh.MarshalAuthorizedKey(n.client.PublicKey())))
	n.write(t, "known_hosts", "")
	fmt.Fprintf(&n.config, "IdentityFile %[1]s/id\nIdentitiesOnly yes\nUserKnownHostsFile %[1]s/known_hosts\nGlobalKnownHostsFile /dev/null\nStrictHostKeyChecking yes\nUser %[2]s\n", n.dir, n.user)
	return n
}

func (n *network) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(n.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// know writes down the host key of a port.
func (n *network) know(t *testing.T, port int, key ssh.PublicKey) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(n.dir, "known_hosts"), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintf(f, "[127.0.0.1]:%d %s", port, ssh.MarshalAuthorizedKey(key)); err != nil {
		t.Fatal(err)
	}
}

// host adds a Host block for a server on a port of loopback.
func (n *network) host(name string, port int, more ...string) {
	fmt.Fprintf(&n.config, "Host %s\n\tHostName 127.0.0.1\n\tPort %d\n", name, port)
	for _, line := range more {
		fmt.Fprintf(&n.config, "\t%s\n", line)
	}
}

// sshd starts a real server called name and adds its Host block.
func (n *network) sshd(t *testing.T, name string, block ...string) *sshtest.Server {
	t.Helper()
	s := n.sshdWith(t, name)
	for _, line := range block {
		fmt.Fprintf(&n.config, "\t%s\n", line)
	}
	return s
}

// sshdWith is sshd with lines of sshd_config.
func (n *network) sshdWith(t *testing.T, name string, lines ...string) *sshtest.Server {
	t.Helper()
	s := sshtest.StartServer(t, append(lines, "AuthorizedKeysFile "+filepath.Join(n.dir, "authorized"))...)
	n.know(t, s.Port, s.HostKey)
	n.host(name, s.Port)
	return s
}

// load reads the configuration so far; the first lines hold for all hosts.
func (n *network) load(t *testing.T) *config.Config {
	t.Helper()
	return load(t, n.config.String())
}

// output runs a command on a connection.
func output(t *testing.T, c *Conn, command string) string {
	t.Helper()
	session, err := c.NewSession(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	out, err := session.Output(command)
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return string(out)
}

// serve answers connections on a port of loopback until the test ends.
func serve(t *testing.T, answer func(net.Conn)) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex // guards open
	var open []net.Conn
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			wg.Go(func() { defer c.Close(); answer(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return l.Addr().(*net.TCPAddr).Port
}

// say is a server that says one thing and hangs up.
func say(text string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.WriteString(c, text) // the client may not want to hear it
		line := make([]byte, 256)
		_, _ = c.Read(line) // its version line, so that closing doesn't reset the connection
	}
}

// silentServer is a server that takes connections and says nothing.
func silentServer(c net.Conn) { _, _ = io.Copy(io.Discard, c) } // until the client has had enough
