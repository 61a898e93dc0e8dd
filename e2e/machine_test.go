//go:build linux

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// machine is a computer of the lab: a network, processes, mounts and a name of
// its own, with a private /etc, /home, /root, /run and /var/log over the files
// of the computer that runs the test.
//
// Its first process lives until the pipe to it closes, at the latest when the
// test process ends in whatever way; the kernel then ends every process of the
// machine and takes its network away. So nothing has to be cleaned up by hand,
// and nothing has a name that another run could meet.
type machine struct {
	name string
	addr string // its one address, on its loopback device
	dir  string // holds what is mounted over its /etc, /home and /root
	pid  int    // of its first process, as seen from here
	hold io.Closer
	init *exec.Cmd

	accounts sync.Mutex // held while its user database changes
}

// startMachine starts a computer that is called name and has the address addr,
// as yet connected to nothing.
func startMachine(dir, name, addr string) (*machine, error) {
	if err := furnish(dir); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, dir, name)
	cmd.Env = append(os.Environ(), roleVariable+"=init")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		Setsid:     true,
	}
	hold, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting machine %q (are namespaces allowed here?): %w", name, err)
	}
	m := &machine{name: name, addr: addr, dir: dir, pid: cmd.Process.Pid, hold: hold, init: cmd}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		m.stop()
		return nil, fmt.Errorf("machine %q is not ready: %q: %w", name, line, err)
	}
	if err := m.ip("link set lo up", "addr add "+addr+"/32 dev lo"); err != nil {
		m.stop()
		return nil, err
	}
	return m, m.write("/proc/sys/net/ipv4/ip_forward", "0")
}

// furnish makes the private directories of a machine.
func furnish(dir string) error {
	for _, d := range []string{"home", "root"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return err
		}
	}
	if err := os.Chmod(filepath.Join(dir, "root"), 0o700); err != nil {
		return err
	}
	if out, err := exec.Command("cp", "-a", "/etc", filepath.Join(dir, "etc")).CombinedOutput(); err != nil {
		return fmt.Errorf("copying /etc: %w: %s", err, out)
	}
	return nil
}

// stop ends the machine with everything on it.
func (m *machine) stop() {
	_ = m.hold.Close()        // the first process ends at the end of its input
	_ = m.init.Process.Kill() // and if it does not, like this; it may be gone
	_ = m.init.Wait()         // it was killed: that is no news
}

// runInit is the first process of a machine: it arranges the mounts, reaps
// whom nobody else waits for, and ends with its standard input.
func runInit(args []string) error {
	dir, name := args[0], args[1]
	if err := arrange(dir); err != nil {
		return err
	}
	if err := syscall.Sethostname([]byte(name)); err != nil {
		return fmt.Errorf("naming the machine: %w", err)
	}
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	go reap(children) // until the process ends
	fmt.Println("ready")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func arrange(dir string) error {
	mounts := []struct {
		source, target, kind string
		flags                uintptr
		data                 string
	}{
		{"", "/", "", syscall.MS_REC | syscall.MS_PRIVATE, ""},
		{filepath.Join(dir, "etc"), "/etc", "", syscall.MS_BIND, ""},
		{filepath.Join(dir, "home"), "/home", "", syscall.MS_BIND, ""},
		{filepath.Join(dir, "root"), "/root", "", syscall.MS_BIND, ""},
		{"tmpfs", "/run", "tmpfs", 0, "mode=755"},
		{"tmpfs", "/var/log", "tmpfs", 0, "mode=755"},
		{"tmpfs", "/var/mail", "tmpfs", 0, "mode=755"},
		{"proc", "/proc", "proc", 0, ""},
	}
	for _, m := range mounts {
		if err := syscall.Mount(m.source, m.target, m.kind, m.flags, m.data); err != nil {
			return fmt.Errorf("mounting %s: %w", m.target, err)
		}
	}
	for _, d := range []struct {
		path string
		mode os.FileMode
	}{{"/run/sshd", 0o755}, {"/run/user", 0o755}, {"/run/user/0", 0o700}} {
		if err := os.Mkdir(d.path, d.mode); err != nil {
			return err
		}
	}
	return nil
}

func reap(children <-chan os.Signal) {
	for range children {
		for {
			pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			if pid <= 0 || err != nil && !errors.Is(err, syscall.EINTR) {
				break
			}
		}
	}
}

// inside completes a command to one that runs on the machine. namespaces are
// nsenter's options; none means all that the machine has.
func (m *machine) inside(ctx context.Context, namespaces []string, argv ...string) *exec.Cmd {
	if namespaces == nil {
		namespaces = []string{"--net", "--mount", "--uts", "--ipc", "--pid"}
	}
	args := append([]string{"--target", strconv.Itoa(m.pid)}, namespaces...)
	cmd := exec.CommandContext(ctx, "nsenter", append(append(args, "--"), argv...)...)
	cmd.Env = environment()
	// Who leaves a child behind that holds our pipes would hang us.
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// environment is that of a login as root on a machine, whatever the test was
// started from.
func environment() []string {
	return []string{
		"HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/bash",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LANG=C.UTF-8", "TERM=xterm-256color",
		"XDG_RUNTIME_DIR=/run/user/0",
	}
}

// sh runs a shell script on the machine and returns what it printed; a failure
// tells what went wrong.
func (m *machine) sh(script string) (string, error) { return m.shFor(patience, script) }

// shFor is sh for a script that may take longer.
func (m *machine) shFor(long time.Duration, script string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), long)
	defer cancel()
	cmd := m.inside(ctx, nil, "/bin/sh", "-euc", script)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("on %s: %s: %w\n%s%s", m.name, script, err, out.String(), errs.String())
	}
	return out.String(), nil
}

// ip gives commands to ip(8), one a line.
func (m *machine) ip(commands ...string) error {
	// Without --pid, a process number in a command is one of ours.
	cmd := m.inside(context.Background(), []string{"--net"}, "ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("on %s: ip %q: %w: %s", m.name, commands, err, out)
	}
	return nil
}

// path is where a file of the machine is found from here.
func (m *machine) path(name string) string {
	return filepath.Join("/proc", strconv.Itoa(m.pid), "root", name)
}

// write replaces a file on the machine; it must be in its own directories.
func (m *machine) write(name, content string) error {
	if strings.HasPrefix(name, "/proc/sys/net/") {
		// /proc/sys/net shows the network of who looks.
		_, err := m.sh("printf %s '" + content + "' > " + name)
		return err
	}
	if err := os.MkdirAll(filepath.Dir(m.path(name)), 0o700); err != nil {
		return err
	}
	return os.WriteFile(m.path(name), []byte(content), 0o600)
}

// connect lays a cable between two machines and tells each the way to the
// other's address. Neither learns what lies behind the other. They get no
// address of IPv6 by themselves: it would come a second or two later, a change
// of the network that has what is being dialled dialled anew.
func connect(a, b *machine) error {
	if err := a.ip(fmt.Sprintf("link add to-%s type veth peer name to-%s netns %d", b.name, a.name, b.pid)); err != nil {
		return err
	}
	for _, end := range []struct{ here, there *machine }{{a, b}, {b, a}} {
		if err := end.here.ip(
			"link set to-"+end.there.name+" addrgenmode none",
			"link set to-"+end.there.name+" up",
			fmt.Sprintf("route add %s/32 dev to-%s src %s", end.there.addr, end.there.name, end.here.addr),
		); err != nil {
			return err
		}
	}
	return nil
}

// user makes an account with a home and bash; with an empty password none is
// accepted.
func (m *machine) user(name, password string) error {
	m.accounts.Lock()
	defer m.accounts.Unlock()
	if _, err := m.sh("useradd --create-home --shell /bin/bash " + name); err != nil {
		return err
	}
	if password == "" {
		// Not "!", which sshd without PAM takes for a locked account.
		_, err := m.sh("usermod --password '*' " + name)
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := m.inside(ctx, nil, "chpasswd", "--crypt-method", "SHA512")
	cmd.Stdin = strings.NewReader(name + ":" + password + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("on %s: chpasswd: %w: %s", m.name, err, out)
	}
	return nil
}

// authorize lets the owner of a public key log in as the user.
func (m *machine) authorize(user, public string) error {
	_, err := m.sh(fmt.Sprintf("install -d -o %[1]s -m 700 /home/%[1]s/.ssh; cat >> /home/%[1]s/.ssh/authorized_keys <<'END'\n%[2]s\nEND", user, strings.TrimSpace(public)))
	return err
}
