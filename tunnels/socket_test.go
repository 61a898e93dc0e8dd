package tunnels

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sallyport/internal/sshtest"
	"sallyport/transport"
)

// TestSocketsAreThoseOfSSH looks at the socket, if there is one, that ssh -L
// and a tunnel make where something has the path already, or nothing.
func TestSocketsAreThoseOfSSH(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	for _, row := range []struct {
		name    string
		options []string
		before  func(t *testing.T, path string) // what is at the path
		want    string
	}{
		{"by default it is its owner's", nil, nothing, "Srw------- listens"},
		{"a mask for the group", []string{"StreamLocalBindMask 0117"}, nothing, "Srw-rw---- listens"},
		{"a mask for everybody", []string{"StreamLocalBindMask 0000"}, nothing, "Srwxrwxrwx listens"},
		{"a socket that is left over stays", nil, leaveSocket, "Srwxr-xr-x"},
		{"one that is left over makes way where that is said", []string{"StreamLocalBindUnlink yes"}, leaveSocket, "Srw------- listens"},
		{"a file stays", nil, leaveFile, "-rw-------"},
		{"a file makes way too", []string{"StreamLocalBindUnlink yes", "StreamLocalBindMask 0111"}, leaveFile, "Srw-rw-rw- listens"},
		{"a directory never does", []string{"StreamLocalBindUnlink yes"}, leaveDirectory, "drwx------"},
		{"a directory that is not there is not made", nil, func(t *testing.T, path string) { os.Remove(filepath.Dir(path)) }, "nothing"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			spec := Spec{Kind: Local, Listen: unix(filepath.Join(shortDir(t), "dir", "s")), Connect: tcp("127.0.0.1", 1)}
			theirs := spec
			theirs.Listen.Path = filepath.Join(shortDir(t), "dir", "s")
			var flags []string
			for _, o := range row.options {
				flags = append(flags, "-o"+o)
			}
			prepare(t, theirs.Listen.Path, row.before)
			stop := sshForwards(t, s, theirs, flags...)
			ssh := socketAt(theirs.Listen.Path)
			stop()
			prepare(t, spec.Listen.Path, row.before)
			listeners, _ := listen(t.Context(), spec, options(t, row.options...), nil)
			defer closeAll(listeners)
			if got := socketAt(spec.Listen.Path); got != ssh || got != row.want {
				t.Errorf("at the path is %s, with ssh %s; want %s", got, ssh, row.want)
			}
		})
	}
}

func prepare(t *testing.T, path string, before func(*testing.T, string)) {
	t.Helper()
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	before(t, path)
}

func nothing(*testing.T, string) {}

// leaveSocket makes a socket that nobody listens on, as a killed process does.
// A child that another test starts at that moment has it, too, until its exec.
func leaveSocket(t *testing.T, path string) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	sshtest.Eventually(t, "nobody listens", func() bool { return squatterOf(path).leftOver })
	os.Chmod(path, 0o755)
}

func leaveFile(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func leaveDirectory(t *testing.T, path string) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

// socketAt is what ls -l begins with, and whether somebody listens.
func socketAt(path string) string {
	info, err := os.Lstat(path)
	if err != nil {
		return "nothing"
	}
	if len(listenersOn(path)) > 0 {
		return info.Mode().String() + " listens"
	}
	return info.Mode().String()
}

func TestWhoHasThePathOfASocketIsNamed(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	for _, row := range []struct {
		name   string
		before func(t *testing.T, path string) (want transport.Failure)
	}{
		{"another program", func(t *testing.T, path string) transport.Failure {
			nc := otherProgram(t, "-lU", path)
			sshtest.Eventually(t, "nc listens", func() bool { return holderOfSocket(path).pid != 0 })
			return transport.Failure{
				Message: fmt.Sprintf("the socket %q is in use by %q (pid %d)", path, "nc", nc.Pid),
				Hint:    fmt.Sprintf("kill %d", nc.Pid),
			}
		}},
		{"a tunnel of ours", func(t *testing.T, path string) transport.Failure {
			l, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			return transport.Failure{Message: fmt.Sprintf("the socket %q is in use by another tunnel of ours", path), Hint: "lsof " + path}
		}},
		{"nobody any more", func(t *testing.T, path string) transport.Failure {
			leaveSocket(t, path)
			return transport.Failure{
				Message: fmt.Sprintf("the socket %q was left over: nobody listens on it", path),
				Hint:    "rm " + path + ", or StreamLocalBindUnlink yes",
			}
		}},
		{"a file", func(t *testing.T, path string) transport.Failure {
			leaveFile(t, path)
			return transport.Failure{Message: fmt.Sprintf("the path %q is taken: a file is there", path), Hint: "ls -ld " + path}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			spec := Spec{Kind: Local, Listen: unix(filepath.Join(shortDir(t), "s")), Connect: tcp("127.0.0.1", 1)}
			want := row.before(t, spec.Listen.Path)
			want.Code, want.Cause = "busy", syscall.EADDRINUSE
			tunnel := open(t, s, spec)
			err := tunnel.Ready(t.Context())
			if diff := cmp.Diff(&want, tunnel.Status().Failure, cmpopts.IgnoreFields(transport.Failure{}, "At")); diff != "" || err == nil {
				t.Errorf("Ready says %v; the failure (-want +got):\n%s", err, diff)
			}
			os.Remove(spec.Listen.Path)
			tunnel.wait(t, Up)
			if err := tunnel.Ready(t.Context()); err != nil {
				t.Errorf("with its path the tunnel is not ready: %v", err)
			}
		})
	}
}

func TestASocketThatLosesItsListenerIsToldAnew(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	spec := Spec{Kind: Local, Listen: unix(filepath.Join(shortDir(t), "s")), Connect: tcp("127.0.0.1", 1)}
	nc := otherProgram(t, "-lU", spec.Listen.Path)
	sshtest.Eventually(t, "nc listens", func() bool { return holderOfSocket(spec.Listen.Path).pid != 0 })
	tunnel := open(t, s, spec)
	tunnel.wait(t, Busy)
	nc.Kill()
	sshtest.Eventually(t, "the left-over is told", func() bool {
		f := tunnel.Status().Failure
		return f != nil && strings.Contains(f.Message, "left over")
	})
}

// TestATunnelTakesBackItsOwnSocket is what happens after the process was
// killed: it left the socket, and the tunnel is on record.
func TestATunnelTakesBackItsOwnSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(shortDir(t), "s")
	spec := Spec{Kind: Local, Listen: unix(path), Connect: tcp("127.0.0.1", 1)}
	leaveSocket(t, path)
	listeners, obstacle := listen(t.Context(), spec, Options{Reclaim: true}, nil)
	if obstacle != nil {
		t.Fatal(obstacle.failure)
	}
	defer closeAll(listeners)
	if _, obstacle := listen(t.Context(), spec, Options{Reclaim: true}, nil); obstacle == nil {
		t.Error("a socket that is in use was taken over")
	}
}

func FuzzParseUnixSocket(f *testing.F) {
	f.Add("0000000000000000: 00000002 00000000 00010000 0001 01 12345 /run/x y.sock")
	f.Add("0000000000000000: 00000003 00000000 00000000 0001 03  1056")
	f.Fuzz(func(t *testing.T, line string) {
		inode, path := parseUnixSocket(line)
		if inode != "" && (!strings.Contains(line, "00010000") || !strings.HasSuffix(line, path) || strings.Contains(inode, " ")) {
			t.Errorf("%q is read as %q, %q", line, inode, path)
		}
	})
}

func TestParseUnixSocketReadsThePathToItsEnd(t *testing.T) {
	inode, path := parseUnixSocket("0000000000000000: 00000002 00000000 00010000 0001 01   123 /run/my  sock ")
	if inode != "123" || path != "/run/my  sock " {
		t.Errorf("it is read as %q, %q", inode, path)
	}
}

// otherProgram is a real nc.
func otherProgram(t *testing.T, args ...string) *os.Process {
	t.Helper()
	cmd := exec.Command(sshtest.Program(t, "nc"), args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { cmd.Wait(); close(done) }()
	t.Cleanup(func() { cmd.Process.Signal(syscall.SIGKILL); <-done })
	return cmd.Process
}
