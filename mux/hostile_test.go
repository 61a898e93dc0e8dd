//go:build linux || darwin || freebsd

package mux_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sallyport/internal/sshtest"
	"sallyport/mux"
)

// packet is a message made of numbers and strings, with its length.
func packet(fields ...any) string {
	var body []byte
	for _, f := range fields {
		switch f := f.(type) {
		case int:
			body = binary.BigEndian.AppendUint32(body, uint32(f))
		case string:
			body = append(binary.BigEndian.AppendUint32(body, uint32(len(f))), f...)
		}
	}
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(body)))) + string(body)
}

var (
	hi      = packet(1, 4)
	welcome = packet(1, 4, "info", "0") // of a master
	alive   = packet(0x10000004, 7)
	session = packet(0x10000002, 1, "", 0, 0, 0, 0, 0xffffffff, "", "echo hi")
)

// passing is a byte that carries descriptors of this process.
type passing []int

func TestHostileClientsDisturbNobody(t *testing.T) {
	s := sshtest.StartServer(t)
	_, socket := serveMaster(t, s)
	c := dial(t, socket)
	running, _ := sleeper(t, c)
	for _, row := range []struct {
		name string
		send []any  // strings and passings
		want string // what comes back after the hello, up to the hang-up
	}{
		{"garbage", []any{"GET / HTTP/1.1\r\n\r\n"}, ""},
		{"a huge length", []any{hi, "\xff\xff\xff\xff"}, ""},
		{"a length above the limit", []any{hi, "\x00\x04\x00\x01"}, ""},
		{"another version", []any{packet(1, 3)}, ""},
		{"a request before the hello", []any{alive}, ""},
		{"two hellos", []any{hi, hi}, ""},
		{"half a message", []any{hi, alive[:7]}, ""},
		{"half a length", []any{hi, "\x00\x00"}, ""},
		{"an empty message", []any{hi, "\x00\x00\x00\x00"}, ""},
		{"a session cut short", []any{hi, packet(0x10000002, 1, "", 0)}, ""},
		{"a string that is too long", []any{hi, packet(0x10000002, 1, 0x7fffffff)}, ""},
		{"an unknown request", []any{hi, packet(0x10000077, 9), alive}, packet(0x80000003, 9, "unsupported request") + "alive"},
		{"an answer for a request", []any{hi, packet(0x80000001, 9)}, packet(0x80000003, 9, "unsupported request")},
		{"a forward to nowhere", []any{hi, packet(0x10000006, 3, 1, "", 80, "", 0)}, packet(0x80000003, 3, "Invalid forwarding request")},
		{"a forward of no kind", []any{hi, packet(0x10000006, 3, 7, "", 80, "h", 1)}, packet(0x80000003, 3, "Invalid forwarding request")},
		{"a forward of a port too high", []any{hi, packet(0x10000006, 3, 1, "", 65536, "h", 1)}, ""},
		{"a session without descriptors", []any{hi, session}, packet(0x80000003, 1, "did not receive file descriptors")},
		{"a session with a message for a descriptor", []any{hi, session, alive}, packet(0x80000003, 1, "did not receive file descriptors")},
		{"a session with one descriptor", []any{hi, session, passing{0}}, packet(0x80000003, 1, "did not receive file descriptors")},
		{"a session with two descriptors at once", []any{hi, session, passing{0, 0}, passing{0}, passing{0}}, packet(0x80000003, 1, "did not receive file descriptors")},
		{"a session with a hundred descriptors at once", []any{hi, session, make(passing, 100)}, packet(0x80000003, 1, "did not receive file descriptors")},
		{"a stdio forward with one descriptor", []any{hi, packet(0x10000008, 2, "", "h", 22), passing{0}}, packet(0x80000003, 2, "did not receive file descriptors")},
		{"descriptors for a hello", []any{passing{0, 0, 0}}, ""},
		{"descriptors that nobody asked for", []any{hi, alive, passing{0, 0}}, "alive"},
		{"proxy mode and garbage", []any{hi, packet(0x1000000f, 5), "\xff\xff\xff\xff"}, packet(0x8000000f, 5)},
		{"proxy mode and nothing", []any{hi, packet(0x1000000f, 5)}, packet(0x8000000f, 5)},
	} {
		t.Run(row.name, func(t *testing.T) {
			before := descriptors()
			got := converse(t, socket, row.send)
			want := welcome + strings.ReplaceAll(row.want, "alive", packet(0x80000005, 7, os.Getpid()))
			if got != want {
				t.Errorf("the master said %q, want %q", got, want)
			}
			sshtest.Eventually(t, "its descriptors are closed", func() bool { return descriptors() <= before })
		})
	}
	if out, _, status, err := output(t, c, mux.Spec{Command: "echo hi"}, ""); out != "hi\n" || status != 0 || err != nil {
		t.Errorf("a session gave %q, %d, %v", out, status, err)
	}
	select {
	case <-running.Done():
		t.Error("a session of another client has ended")
	default:
	}
}

// converse sends all, ends its side, and returns all that comes back.
func converse(t *testing.T, socket string, send []any) string {
	t.Helper()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := conn.(*net.UnixConn)
	for _, part := range send {
		switch part := part.(type) {
		case string:
			_, err = io.WriteString(c, part)
		case passing:
			_, _, err = c.WriteMsgUnix([]byte{0}, unix.UnixRights(part...), nil)
		}
		if err != nil && !errors.Is(err, syscall.EPIPE) { // it may have been hung up on before
			t.Fatal(err)
		}
	}
	c.CloseWrite()
	return readAll(c)
}

// descriptors is how many this process has open, save for the list itself.
func descriptors() int {
	list, err := os.ReadDir("/dev/fd")
	if err != nil {
		panic(err)
	}
	return len(list)
}

func TestClientsThatOweSomethingAreDropped(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	_, socket := serveMasterWithin(t, s, 300*time.Millisecond)
	patient := dial(t, socket)
	for name, send := range map[string][]any{
		"a greeting":            nil,
		"the rest of a message": {hi, alive[:7]},
		"a descriptor":          {hi, session, passing{0}, passing{0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("unix", socket)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			for _, part := range send {
				switch part := part.(type) {
				case string:
					io.WriteString(conn, part)
				case passing:
					conn.(*net.UnixConn).WriteMsgUnix([]byte{0}, unix.UnixRights(part...), nil)
				}
			}
			if got := readAll(conn); !strings.HasPrefix(got, welcome) {
				t.Errorf("the master said %q", got)
			}
		})
	}
	t.Run("a client that reads no answer", func(t *testing.T) {
		t.Parallel()
		conn, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, hi)
		for err == nil {
			_, err = io.WriteString(conn, strings.Repeat(alive, 100))
		}
	})
	t.Run("a client that owes nothing stays", func(t *testing.T) {
		if _, err := patient.Alive(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAThousandConnectionsDisturbNobody(t *testing.T) {
	s := sshtest.StartServer(t)
	_, socket := serveMaster(t, s)
	c := dial(t, socket)
	running, _ := sleeper(t, c)
	before := descriptors()
	var crowd []net.Conn
	for len(crowd) < 1000 {
		conn, err := net.Dial("unix", socket)
		if errors.Is(err, syscall.EAGAIN) {
			continue // more than the kernel holds for the master
		}
		if err != nil {
			t.Fatal(err)
		}
		crowd = append(crowd, conn)
	}
	if out, _, status, err := output(t, c, mux.Spec{Command: "echo hi"}, ""); out != "hi\n" || status != 0 || err != nil {
		t.Errorf("a session gave %q, %d, %v", out, status, err)
	}
	if got := descriptors() - before; got > 1000+mux.MaxClients+10 {
		t.Errorf("%d descriptors are open", got)
	}
	for _, conn := range crowd {
		conn.Close()
	}
	sshtest.Eventually(t, "their descriptors are closed", func() bool { return descriptors() <= before })
	select {
	case <-running.Done():
		t.Error("a session has ended")
	case <-c.Done():
		t.Error("a client that greeted was dropped")
	default:
	}
}

func TestAnotherUserIsRefused(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	setpriv := sshtest.Program(t, "setpriv")
	s := sshtest.StartServer(t)
	_, socket := serveMaster(t, s)
	dir := filepath.Dir(socket)
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chmod(socket, 0o666)); err != nil {
		t.Fatal(err)
	}
	nobody := func(args ...string) ran {
		return run(t, exec.Command(setpriv, append([]string{"--reuid=65534", "--regid=65534", "--clear-groups"}, args...)...))
	}
	got := nobody("ssh", "-F", "none", "-S", socket, "-O", "check", "x")
	want := "mux_client_hello_exchange: write packet: Broken pipe"
	if got.Status != 255 || !strings.Contains(got.Err, "hello exchange failed") {
		t.Errorf("another user gets %+v, want something like %q", got, want)
	}
	if got := run(t, s.SSHOver(t, socket, "-O", "check", "x")); got.Status != 0 {
		t.Errorf("the user gets %+v", got)
	}
}

func TestAVanishedClientEndsItsSession(t *testing.T) {
	s := sshtest.StartServer(t)
	_, socket := serveMaster(t, s)
	before := descriptors()
	for name, command := range map[string]string{
		"that writes":        "exec yes",
		"that writes errors": "exec yes >&2",
		"that reads":         "exec cat >/dev/null",
	} {
		program := strings.Fields(command)[1]
		t.Run(name, func(t *testing.T) {
			cmd := s.SSHOver(t, socket, "h", command)
			in, inW := pipe(t)
			outR, outW := pipe(t) // read by nobody
			defer outR.Close()
			defer inW.Close()
			cmd.Stdin, cmd.Stdout, cmd.Stderr = in, outW, outW
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			in.Close()
			outW.Close()
			sshtest.Eventually(t, "the command runs", func() bool { return runs(s, program) })
			cmd.Process.Kill()
			cmd.Wait()
			sshtest.Eventually(t, "the command has ended", func() bool { return !runs(s, program) })
			inW.Close()
			outR.Close()
			sshtest.Eventually(t, "its descriptors are closed", func() bool { return descriptors() <= before })
		})
	}
}

// runs tells whether a program runs below the server.
func runs(s *sshtest.Server, program string) bool {
	return slices.ContainsFunc(s.Sessions(), func(pid int) bool {
		comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)) // none if it has ended
		return strings.TrimSpace(string(comm)) == program
	})
}
