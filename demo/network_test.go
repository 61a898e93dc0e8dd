package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

// start brings up a network for one test.
func start(t *testing.T, ctx context.Context) *Network {
	t.Helper()
	ids, err := keysOnce()
	if err != nil {
		t.Fatal(err)
	}
	n, err := startFor(ctx, ids)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, n) })
	return n
}

func shut(t *testing.T, n *Network) {
	t.Helper()
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}

// keysOnce makes the keys of all tests: under the race detector the
// passphrase of one takes seconds.
var keysOnce = sync.OnceValues(makeIdentities)

// shared is one network for all tests that do not end it.
var shared = sync.OnceValues(func() (*Network, error) {
	ids, err := keysOnce()
	if err != nil {
		return nil, err
	}
	n, err := startFor(context.Background(), ids)
	if err == nil {
		closeShared = n.Close
	}
	return n, err
})

// closeShared ends the shared network, if a test has started it.
var closeShared = func() error { return nil }

// network is the shared one.
func network(t *testing.T) *Network {
	t.Helper()
	n, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestMain(m *testing.M) {
	status := m.Run()
	if err := closeShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

// client is a run of the real ssh on the demo's configuration.
type client struct {
	*exec.Cmd
	out, err bytes.Buffer
}

func (n *Network) client(t *testing.T, args ...string) *client {
	t.Helper()
	ssh := sshtest.Program(t, "ssh")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	c := &client{Cmd: exec.CommandContext(ctx, ssh, append([]string{"-F", n.Config()}, args...)...)}
	c.Env = n.Env()
	c.Stdout, c.Stderr = &c.out, &c.err
	return c
}

// answering makes ssh ask a program that answers each prompt by a word of it.
func (c *client) answering(t *testing.T, answers map[string]string) *client {
	t.Helper()
	var script strings.Builder
	script.WriteString("case \"$1\" in\n")
	for prompt, answer := range answers {
		fmt.Fprintf(&script, "*%q*) echo %q;;\n", prompt, answer)
	}
	script.WriteString("*) echo unasked; exit 1;;\nesac\n")
	path := sshtest.Script(t, filepath.Join(t.TempDir(), "askpass"), script.String())
	c.Env = append(c.Env, "SSH_ASKPASS="+path, "SSH_ASKPASS_REQUIRE=force")
	return c
}

// status runs the client and returns its exit status.
func (c *client) status(t *testing.T) int {
	t.Helper()
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode()
}

func TestEveryHostLetsTheRealSshIn(t *testing.T) {
	n := network(t)
	viaSpirit1 := "ProxyCommand=ssh -F '" + n.Config() + "' spirit1 -W %h:%p" // the real ssh would take the user's configuration
	for _, c := range []struct {
		host    string
		options []string
		answers map[string]string
	}{
		{host: "got-bastion"},
		{host: "targaryen"},
		{host: "tyrell", options: []string{"-o", "UserKnownHostsFile=" + filepath.Join(t.TempDir(), "known_hosts")}, answers: map[string]string{"authenticity of host 'tyrell": "yes"}},
		{host: "ens"},
		{host: "work-ens"},
		{host: "othervm", answers: map[string]string{"Enter passphrase for key": "valyrian steel"}},
		{host: "spirit1"},
		{host: "jean-zay", options: []string{"-o", viaSpirit1}},
		{host: "esrf", answers: map[string]string{"johnson@esrf's password": "dracarys"}},
		{host: "idris-2fa", answers: map[string]string{"Password": "dracarys", "One-time code": "271828"}},
	} {
		t.Run(c.host, func(t *testing.T) {
			args := append(c.options, "-o", "ClearAllForwardings=yes", c.host, "hostname; whoami")
			ssh := n.client(t, args...).answering(t, c.answers)
			status := ssh.status(t)
			got := []any{status, ssh.out.String()}
			want := []any{0, c.host + "\n" + hostNamed(c.host).user + "\n"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s\n%s", diff, ssh.err.String())
			}
		})
	}
}

func TestAWrongAnswerOpensNothing(t *testing.T) {
	n := network(t)
	for _, c := range []struct {
		name, host string
		answers    map[string]string
		options    []string
	}{
		{"a wrong password", "esrf", map[string]string{"password": "khaleesi"}, nil},
		{"a wrong password with the right code", "idris-2fa", map[string]string{"Password": "khaleesi", "code": "271828"}, nil},
		{"a right password with a wrong code", "idris-2fa", map[string]string{"Password": "dracarys", "code": "314159"}, nil},
		{"another user with the right key", "got-bastion", nil, []string{"-l", "root"}},
		{"the right user with another key", "got-bastion", nil, []string{"-o", "IdentityFile=" + n.ssh("id_ecdsa"), "-o", "IdentitiesOnly=yes", "-F", "none", "-o", "UserKnownHostsFile=" + n.ssh("known_hosts"), "-o", "HostKeyAlias=got-bastion", "-o", "HostName=127.0.0.1", "-p", fmt.Sprint(n.ports["got-bastion"]), "-l", "daenerys"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ssh := n.client(t, append(c.options, "-o", "ClearAllForwardings=yes", c.host, "hostname")...).answering(t, c.answers)
			status := ssh.status(t)
			if status != 255 || ssh.out.Len() != 0 || !strings.Contains(ssh.err.String(), "Permission denied") {
				t.Errorf("status %d, said %q, %q", status, ssh.out.String(), ssh.err.String())
			}
		})
	}
}

func TestFirstConnections(t *testing.T) {
	n := network(t)
	for _, c := range []struct {
		name, host string
		options    []string
		want       string
	}{
		{"a host that is not known", "tyrell", nil, "Host key verification failed"},
		{"a host whose key has changed", "martell", nil, "REMOTE HOST IDENTIFICATION HAS CHANGED"},
		{"a host of which only the RSA key is known, asked for another", "spirit1", []string{"-o", "HostKeyAlgorithms=ssh-ed25519"}, "Host key verification failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ssh := n.client(t, append(c.options, "-o", "BatchMode=yes", c.host, "hostname")...)
			if status := ssh.status(t); status != 255 || !strings.Contains(ssh.err.String(), c.want) {
				t.Errorf("status %d, said %q", status, ssh.err.String())
			}
		})
	}
}

// The configuration of the demo leaves nothing to the user's own files.
func TestNothingOfTheUsersOwnIsUsed(t *testing.T) {
	n := network(t)
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range hosts {
		ssh := n.client(t, "-G", h.name)
		if status := ssh.status(t); status != 0 || strings.Contains(ssh.err.String(), n.Config()) {
			t.Errorf("%s: status %d, said %q", h.name, status, ssh.err.String())
		}
		for line := range strings.Lines(ssh.out.String()) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			switch key {
			case "identityfile", "userknownhostsfile", "globalknownhostsfile", "identityagent", "controlpath":
				if value != "none" && !strings.HasPrefix(value, n.Dir()) && !strings.HasPrefix(value, `"`+n.Dir()) {
					t.Errorf("%s: %s is outside of the demo", h.name, strings.TrimSpace(line))
				}
			}
			if strings.Contains(value, home+"/") || strings.HasPrefix(value, "~/") {
				t.Errorf("%s: %s is the user's own", h.name, strings.TrimSpace(line))
			}
		}
	}
	for _, kv := range n.Env() {
		name, value, _ := strings.Cut(kv, "=")
		if slices.Contains(replaced, name) && !strings.HasPrefix(value, n.Dir()) {
			t.Errorf("the environment has %s", kv)
		}
	}
}

func TestThePageAnswersThroughTheBastion(t *testing.T) {
	n := network(t)
	port := strconv.Itoa(sshtest.FreePort(t))
	ssh := n.client(t, "-N", "-o", "ClearAllForwardings=no", "-o", "LocalForward="+port+" targaryen:8080",
		"-o", "ExitOnForwardFailure=no", "got-bastion")
	if err := ssh.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ssh.Process.Kill(); _ = ssh.Wait() }()
	var body []byte
	sshtest.Eventually(t, "the page answers", func() bool {
		r, err := http.Get("http://127.0.0.1:" + port + "/")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		body, err = io.ReadAll(r.Body)
		return err == nil && r.StatusCode == http.StatusOK
	})
	if !strings.Contains(string(body), "dragons.ipynb") {
		t.Errorf("the page is %s", body)
	}
}

// A client that shuts its writing side still gets its reply.
func TestAForwardKeepsHalfAConnection(t *testing.T) {
	n := network(t)
	ssh := n.client(t, "-W", "targaryen:8080", "-o", "ClearAllForwardings=yes", "got-bastion")
	ssh.Stdin = strings.NewReader("GET /api HTTP/1.0\r\n\r\n")
	if status := ssh.status(t); status != 0 || !strings.HasSuffix(ssh.out.String(), `{"version": "0.0.demo"}`) {
		t.Errorf("status %d, said %q, %q", status, ssh.out.String(), ssh.err.String())
	}
}

func TestTheNetworkLeadsNowhereElse(t *testing.T) {
	n := network(t)
	l, err := net.Listen("tcp", "127.0.0.1:0") // something real to be kept from
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, c := range []struct{ name, host, target string }{
		{"a port of the machine", "got-bastion", l.Addr().String()},
		{"a port of the machine by name", "got-bastion", strings.Replace(l.Addr().String(), "127.0.0.1", "localhost", 1)},
		{"another port of a host behind it", "got-bastion", "targaryen:23"},
		{"a host behind another gateway", "got-bastion", "192.0.2.7:22"},
		{"itself", "got-bastion", "got-bastion:22"},
		{"the jump host's page from elsewhere", "ens", "targaryen:8080"},
		{"the outside", "ens", "example.com:80"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ssh := n.client(t, "-o", "ClearAllForwardings=yes", "-W", c.target, c.host)
			if status := ssh.status(t); status == 0 || !strings.Contains(ssh.err.String(), "open failed: connect failed: "+c.host+" does not lead to ") {
				t.Errorf("status %d, said %q", status, ssh.err.String())
			}
		})
	}
	t.Run("a port opened for a remote forward", func(t *testing.T) {
		ssh := n.client(t, "-o", "ClearAllForwardings=no", "-o", "ExitOnForwardFailure=yes", "-R", "0:localhost:1", "ens", "hostname")
		if status := ssh.status(t); status != 255 || !strings.Contains(ssh.err.String(), "remote port forwarding failed") {
			t.Errorf("status %d, said %q", status, ssh.err.String())
		}
	})
}

// The one test of Start itself; the others have its keys made already.
func TestStartMakesNewKeysEachTime(t *testing.T) {
	n, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, n)
	for _, id := range people {
		ours, err := os.ReadFile(n.ssh(id.file + ".pub"))
		if err != nil {
			t.Fatal(err)
		}
		others, err := os.ReadFile(network(t).ssh(id.file + ".pub"))
		if err != nil || bytes.Equal(ours, others) {
			t.Errorf("%s is that of another demo too (%v)", id.file, err)
		}
	}
}

func TestTheHomeIsPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes mean nothing here")
	}
	n := network(t)
	err := filepath.WalkDir(n.Dir(), func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 && !strings.HasSuffix(path, ".pub") {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestTwoDemosRunSideBySide(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	first := network(t)
	second := start(t, ctx)
	if second.ports["esrf"] == 5022 { // who had it before the first has gone
		second = start(t, ctx)
	}
	if first.ports["esrf"] == second.ports["esrf"] || first.Dir() == second.Dir() {
		t.Errorf("both listen on %d in %s", first.ports["esrf"], first.Dir())
	}
	text, err := os.ReadFile(second.Config())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "a port of its own (5022 was taken).\n") {
		t.Errorf("the second configuration does not say that 5022 was taken:\n%s", text)
	}
	cancel()
	sshtest.Eventually(t, "the end of the context ends the servers", func() bool { return !listens(second.ports["esrf"]) })
	if !listens(first.ports["esrf"]) {
		t.Error("the first demo has ended with the second")
	}
}

func listens(port int) bool {
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	c.Close()
	return true
}
