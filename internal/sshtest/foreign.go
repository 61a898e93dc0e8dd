package sshtest

import (
	_ "embed"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
)

// Foreign is an SSH server that is not OpenSSH's, on a port of 127.0.0.1. It
// lets the user of the test in with one key.
type Foreign struct {
	Port    int
	HostKey ssh.PublicKey
}

// Dropbear starts dropbear. It needs root, for a home of its own.
func Dropbear(t testing.TB, key ssh.PublicKey) Foreign {
	t.Helper()
	program := Program(t, "dropbear")
	hostKey := filepath.Join(t.TempDir(), "hostkey")
	Run(t, "dropbearkey", "-t", "ed25519", "-f", hostKey)
	public := Run(t, "dropbearkey", "-y", "-f", hostKey)
	_, line, _ := strings.Cut(public, "\nssh-ed25519 ")
	return foreign(t, "ssh-ed25519 "+line, atHome(t, key, program, "-i", "-s", "-r", hostKey))
}

// TinySSH starts tinysshd, which forwards nothing. It needs root, for a home
// of its own.
func TinySSH(t testing.TB, key ssh.PublicKey) Foreign {
	t.Helper()
	program := Program(t, "tinysshd")
	keys := filepath.Join(t.TempDir(), "keys")
	Run(t, "tinysshd-makekey", "-q", keys)
	return foreign(t, Run(t, "tinysshd-printkey", keys), atHome(t, key, program, keys))
}

//go:embed paramiko_server.py
var paramikoServer string

// Paramiko starts a server of python3-paramiko. The settings are attributes of
// its Transport, as Python has them: "_preferred_kex=('ecdh-sha2-nistp256',)".
func Paramiko(t testing.TB, key ssh.PublicKey, settings ...string) Foreign {
	t.Helper()
	const python = "/usr/bin/python3" // the system's, which has paramiko
	if err := exec.Command(Program(t, python), "-c", "import paramiko").Run(); err != nil {
		Program(t, "python3-paramiko") // which is no program, so that it skips or fails as one that is missing
	}
	dir := t.TempDir()
	hostKey := filepath.Join(dir, "hostkey")
	Keygen(t, hostKey, "", "-t", "rsa", "-b", "2048", "-m", "PEM")
	public, err := os.ReadFile(hostKey + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(dir, "server.py")
	if err := os.WriteFile(script, []byte(paramikoServer), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{script, hostKey, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))}, settings...)
	return foreign(t, string(public), func() *exec.Cmd { return exec.Command(python, args...) })
}

//go:embed testdata/libssh_server.c
var libsshServer []byte

// LibSSH starts a server of libssh: see testdata/libssh_server.c.
func LibSSH(t testing.TB, key ssh.PublicKey) Foreign {
	t.Helper()
	Program(t, "gcc")
	dir := t.TempDir()
	source, program := filepath.Join(dir, "server.c"), filepath.Join(dir, "server")
	if err := os.WriteFile(source, libsshServer, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("gcc", "-o", program, source, "-lssh").CombinedOutput(); err != nil {
		Missing(t, "the server of libssh cannot be built: %v\n%s", err, out)
	}
	hostKey := filepath.Join(dir, "hostkey")
	Keygen(t, hostKey, "", "-t", "ed25519")
	public, err := os.ReadFile(hostKey + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{hostKey}, strings.Fields(string(ssh.MarshalAuthorizedKey(key)))...)
	return foreign(t, string(public), func() *exec.Cmd { return exec.Command(program, args...) })
}

// atHome runs a program with a directory in place of the user's home that
// holds nothing but authorized_keys, in a mount namespace of its own: these
// servers take the home from the passwd entry.
func atHome(t testing.TB, key ssh.PublicKey, argv ...string) func() *exec.Cmd {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can give a server another home")
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	if err = os.Mkdir(filepath.Join(home, ".ssh"), 0o700); err == nil {
		err = os.WriteFile(filepath.Join(home, ".ssh", "authorized_keys"), ssh.MarshalAuthorizedKey(key), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-m", "sh", "-c", `mount --bind "$1" "$2" && shift 2 && exec "$@"`, "sh", home, me.HomeDir}, argv...)
	unshare := Program(t, "unshare")
	return func() *exec.Cmd { return exec.Command(unshare, args...) }
}

// foreign starts a server for each connection, which it has as its standard
// input and output, as inetd would.
func foreign(t testing.TB, hostKey string, server func() *exec.Cmd) Foreign {
	t.Helper()
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(hostKey))
	if err != nil {
		t.Fatalf("the host key %q: %v", hostKey, err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup // waited for in the cleanup
	var mu sync.Mutex     // guards running
	var running []*exec.Cmd
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			cmd := server()
			mu.Lock()
			if serveOn(t, conn.(*net.TCPConn), cmd) {
				running = append(running, cmd)
				wg.Go(func() { cmd.Wait() })
			}
			mu.Unlock()
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, cmd := range running {
			cmd.Process.Kill() // it may have ended with its connection
		}
		mu.Unlock()
		wg.Wait()
	})
	return Foreign{Port: l.Addr().(*net.TCPAddr).Port, HostKey: key}
}

// serveOn starts a server on a connection, of which it gets a copy.
func serveOn(t testing.TB, conn *net.TCPConn, cmd *exec.Cmd) bool {
	defer conn.Close()
	f, err := conn.File()
	if err != nil {
		t.Error(err)
		return false
	}
	defer f.Close()
	cmd.Stdin, cmd.Stdout = f, f
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return false
	}
	return true
}
