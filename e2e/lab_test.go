//go:build linux

package e2e

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// patience is how long anything may take that is not about time. It only has
// to be longer than a loaded computer with few cores needs.
const patience = 60 * time.Second

const (
	bastionAddr = "10.99.0.1"
	midAddr     = "10.99.0.2"
	innerAddr   = "10.99.0.3"
)

// lab is the network that all tests share: the servers. Each test brings a
// client of its own.
type lab struct {
	dir                 string
	bastion, mid, inner *machine
	servers             map[*machine]*sshd // on port 22

	key    string // a private key that logs in to jump@bastion, porter@mid and dany@inner
	public string
}

// The accounts that the lab's key opens, one a machine.
var accounts = map[string]string{"bastion": "jump", "mid": "porter", "inner": "dany"}

var (
	theLab    = sync.OnceValues(buildLab)
	labDir    string
	clients   atomic.Int32
	ports     atomic.Int32 // of servers that a test starts for itself
	userCount atomic.Int32
)

// newLab gives the lab, or skips the test where it cannot be built.
func newLab(t *testing.T) *lab {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "network namespaces need root")
	}
	for _, program := range []string{"nsenter", "ip", "ssh", "ssh-keygen", "tmux", "/usr/sbin/sshd", "useradd", "chpasswd", "nc", "setpriv"} {
		need(t, program)
	}
	l, err := theLab()
	if err != nil {
		t.Fatalf("building the lab: %v", err)
	}
	return l
}

// need skips a test whose program is not installed.
func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		missing(t, fmt.Sprintf("%s is not installed: ./test installs what the tests need", program))
	}
}

// missing skips a test, or fails it where everything has to be there.
func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func buildLab() (*lab, error) {
	dir, err := os.MkdirTemp("", "sallyport-e2e-")
	if err != nil {
		return nil, err
	}
	labDir = dir
	// Users of the lab read their homes through here.
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	l := &lab{dir: dir, servers: map[*machine]*sshd{}}
	if l.key, l.public, err = keygen(dir, "labkey", "-t", "ed25519"); err != nil {
		return nil, err
	}
	for _, spec := range []struct {
		m          **machine
		name, addr string
	}{
		{&l.bastion, "bastion", bastionAddr}, {&l.mid, "mid", midAddr}, {&l.inner, "inner", innerAddr},
	} {
		m, err := startMachine(filepath.Join(dir, spec.name), spec.name, spec.addr)
		if err != nil {
			return nil, err
		}
		*spec.m = m
		if err := l.serve(m); err != nil {
			return nil, err
		}
	}
	return l, errors.Join(connect(l.bastion, l.inner), connect(l.bastion, l.mid), connect(l.mid, l.inner))
}

// serve makes the machine's account and starts its sshd on port 22.
func (l *lab) serve(m *machine) error {
	user := accounts[m.name]
	if err := m.user(user, ""); err != nil {
		return err
	}
	if err := m.authorize(user, l.public); err != nil {
		return err
	}
	s, err := startSSHD(m, 22, keyTypes)
	l.servers[m] = s
	return err
}

// closeLab takes the lab down, if it was built.
func closeLab() {
	if labDir == "" {
		return
	}
	if l, err := theLab(); err == nil {
		for _, m := range []*machine{l.inner, l.mid, l.bastion} {
			m.stop()
		}
	}
	if err := os.RemoveAll(labDir); err != nil {
		fmt.Fprintln(os.Stderr, "removing the lab's files:", err)
	}
}

// keygen makes a key pair with ssh-keygen and returns the private key's path
// and the public key's line.
func keygen(dir, name string, args ...string) (path, public string, err error) {
	path = filepath.Join(dir, name)
	args = append([]string{"-q", "-f", path, "-C", name}, args...)
	if !strings.Contains(strings.Join(args, " "), "-N") {
		args = append(args, "-N", "")
	}
	if out, err := exec.Command("ssh-keygen", args...).CombinedOutput(); err != nil {
		return "", "", fmt.Errorf("ssh-keygen %q: %w: %s", args, err, out)
	}
	pub, err := os.ReadFile(path + ".pub")
	return path, strings.TrimSpace(string(pub)), err
}

// secret makes a password.
func secret() string { return strings.ToLower(rand.Text()[:12]) }

// keyTypes are the host keys that Debian gives a server.
var keyTypes = []string{"ed25519", "ecdsa", "rsa"}

// sshd is a running OpenSSH server.
type sshd struct {
	m    *machine
	port int
	keys map[string]string // public host keys by type: "ed25519", "ecdsa", "rsa"
	log  string            // file of the machine
}

// startSSHD starts a server with host keys of its own of these types. lines of
// configuration come before the lab's, so that they win.
func startSSHD(m *machine, port int, kinds []string, lines ...string) (*sshd, error) {
	dir := filepath.Join(m.dir, "root", fmt.Sprintf("sshd-%d", port))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s := &sshd{m: m, port: port, keys: map[string]string{}, log: fmt.Sprintf("/run/sshd-%d.log", port)}
	there := fmt.Sprintf("/root/sshd-%d/", port)
	conf := append([]string{}, lines...)
	for _, kind := range kinds {
		_, public, err := keygen(dir, "host_"+kind, "-t", kind)
		if err != nil {
			return nil, err
		}
		fields := strings.Fields(public)
		s.keys[kind] = fields[0] + " " + fields[1]
		conf = append(conf, "HostKey "+there+"host_"+kind)
	}
	conf = append(conf,
		fmt.Sprintf("Port %d", port),
		"ListenAddress 0.0.0.0",
		fmt.Sprintf("PidFile /run/sshd-%d.pid", port),
		"UsePAM no", "StrictModes no", "UseDNS no", "MaxStartups 500", "MaxAuthTries 20", "LoginGraceTime 0",
		"PrintMotd no", "PrintLastLog no", "LogLevel VERBOSE", "AcceptEnv LANG LC_*",
		"KbdInteractiveAuthentication no", "PasswordAuthentication no",
		"Subsystem sftp internal-sftp",
	)
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(strings.Join(conf, "\n")+"\n"), 0o600); err != nil {
		return nil, err
	}
	// The process number is written once the port is open.
	_, err := m.sh(fmt.Sprintf("/usr/sbin/sshd -f %sconfig -E %s; until [ -s /run/sshd-%d.pid ]; do sleep 0.02; done", there, s.log, port))
	return s, err
}

// server starts one more sshd on the machine for this test alone, with an
// ed25519 key.
func (l *lab) server(t *testing.T, m *machine, lines ...string) *sshd {
	t.Helper()
	s, err := startSSHD(m, 2200+int(ports.Add(1)), []string{"ed25519"}, lines...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := m.sh(fmt.Sprintf("kill $(cat /run/sshd-%d.pid)", s.port)); err != nil {
			t.Error(err)
		}
		s.tell(t)
	})
	return s
}

// account makes a user on the machine for this test alone.
func (l *lab) account(t *testing.T, m *machine, password string) string {
	t.Helper()
	name := fmt.Sprintf("user%d", userCount.Add(1))
	if err := m.user(name, password); err != nil {
		t.Fatal(err)
	}
	return name
}

// tell puts the end of the server's log into that of a failed test.
func (s *sshd) tell(t *testing.T) {
	if !t.Failed() {
		return
	}
	log, err := os.ReadFile(s.m.path(s.log))
	if err != nil {
		t.Logf("the log of sshd on %s: %v", s.m.name, err)
		return
	}
	t.Logf("the log of sshd on %s:%d ends:\n%s", s.m.name, s.port, log[max(0, len(log)-1500):])
}

// known is the line of known_hosts for one of the server's keys.
func (s *sshd) known(kind string) string {
	host := s.m.addr
	if s.port != 22 {
		host = fmt.Sprintf("[%s]:%d", host, s.port)
	}
	return host + " " + s.keys[kind] + "\n"
}

// knownHosts are the lines of known_hosts for the servers on port 22.
func (l *lab) knownHosts() string {
	var lines strings.Builder
	for _, m := range []*machine{l.bastion, l.mid, l.inner} {
		for _, kind := range keyTypes {
			lines.WriteString(l.servers[m].known(kind))
		}
	}
	return lines.String()
}
