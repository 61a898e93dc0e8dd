//go:build linux || darwin || freebsd

package mux_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
	"sallyport/mux"
)

// shared is an *ssh.Client as a mux.Conn.
type shared struct{ *ssh.Client }

func (c shared) OpenChannel(_ context.Context, name string, data []byte) (ssh.Channel, <-chan *ssh.Request, error) {
	return c.Client.OpenChannel(name, data)
}

func (c shared) Outlives(context.Context) error {
	_, _, err := c.SendRequest("keepalive@openssh.com", true, nil)
	return err
}

// login logs in to a server as its own client would.
func login(t testing.TB, s *sshtest.Server) *ssh.Client {
	t.Helper()
	text, err := os.ReadFile(s.Path("id"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	client, err := ssh.Dial("tcp", s.Address(), &ssh.ClientConfig{
		User: currentUser(), Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: ssh.FixedHostKey(s.HostKey),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// master is a whole Handler: mux.Channels, and forwards with what net has.
type master struct {
	mux.Channels
	client *ssh.Client
	end    context.CancelFunc

	mu        sync.Mutex // guards all below
	refuse    map[mux.QuestionKind]bool
	asked     []string
	listeners map[mux.Forward]net.Listener
}

// serveMaster runs a master of ours on a connection to a server, until the
// test ends.
func serveMaster(t testing.TB, s *sshtest.Server, change ...func(*mux.Channels)) (*master, string) {
	t.Helper()
	return serveMasterWithin(t, s, time.Minute, change...)
}

// serveMasterWithin is serveMaster with a limit for what clients owe.
func serveMasterWithin(t testing.TB, s *sshtest.Server, limit time.Duration, change ...func(*mux.Channels)) (*master, string) {
	t.Helper()
	client := login(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	m := &master{client: client, end: cancel, refuse: map[mux.QuestionKind]bool{}, listeners: map[mux.Forward]net.Listener{}}
	m.Channels = mux.Channels{Conn: shared{client}, SendEnv: func(name string) bool { return name == "LANG" || name == "LC_TEST" }}
	for _, f := range change {
		f(&m.Channels)
	}
	socket := socketPath(t)
	l, err := mux.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- mux.ServeWithin(ctx, l, m, limit) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("Serve says %v", err)
		}
		m.closeForwards()
	})
	return m, socket
}

// socketPath is a path that is short enough; t.TempDir is not.
func socketPath(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "mux")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

func (m *master) Confirm(_ context.Context, q mux.Question) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, q.For(sshtest.Alias))
	return !m.refuse[q.Kind]
}

func (m *master) Info(_ context.Context, what string) (string, bool) {
	return "about the " + what + "\r\n  and \x1b[2J\r\n", what != "weather"
}

func (m *master) StopListening(context.Context) error { return nil }

func (m *master) Exit() { m.end() }

func (m *master) Forward(_ context.Context, f mux.Forward) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l := m.listeners[f]; l != nil {
		return portOf(l), nil
	}
	l, err := m.listen(f)
	if err != nil && f.Type == mux.Remote {
		return 0, fmt.Errorf("remote port forwarding failed for listen port %d", f.Listen.Port)
	} else if err != nil {
		return 0, errors.New("Port forwarding failed")
	}
	m.listeners[f] = l
	go m.accept(f, l)
	return portOf(l), nil
}

func (m *master) listen(f mux.Forward) (net.Listener, error) {
	host, address := f.Listen.Host, f.Listen.Path
	switch {
	case host == "" && f.Type == mux.Remote:
		host = "localhost"
	case host == "":
		host = "127.0.0.1"
	}
	if address == "" {
		address = net.JoinHostPort(host, strconv.Itoa(f.Listen.Port))
	}
	if f.Type != mux.Remote {
		return net.Listen(f.Listen.Network(), address)
	}
	if f.Listen.Path != "" {
		return m.client.ListenUnix(address)
	}
	return m.client.Listen("tcp", address)
}

func portOf(l net.Listener) int {
	if a, ok := l.Addr().(*net.TCPAddr); ok {
		return a.Port
	}
	return 0
}

func (m *master) CancelForward(_ context.Context, f mux.Forward) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.listeners[f]
	if l == nil {
		return errors.New("port not forwarded")
	}
	delete(m.listeners, f)
	return l.Close()
}

func (m *master) closeForwards() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.listeners {
		l.Close()
	}
}

func (m *master) accept(f mux.Forward, l net.Listener) {
	for {
		near, err := l.Accept()
		if err != nil {
			return
		}
		go m.join(f, near)
	}
}

func (m *master) join(f mux.Forward, near net.Conn) {
	defer near.Close()
	dial := m.client.Dial
	if f.Type == mux.Remote {
		dial = net.Dial
	}
	address := f.Connect.String()
	if f.Socks() {
		var err error
		if address, err = socksTarget(near); err != nil {
			return
		}
	}
	far, err := dial(f.Connect.Network(), address)
	if err != nil {
		return
	}
	defer far.Close()
	var both sync.WaitGroup
	both.Go(func() { io.Copy(far, near); far.(interface{ CloseWrite() error }).CloseWrite() })
	both.Go(func() { io.Copy(near, far); near.(interface{ CloseWrite() error }).CloseWrite() })
	both.Wait()
}

// socksTarget is the SOCKS5 server's part of a connection to an address of
// IPv4 (RFC 1928), as much of it as curl says.
func socksTarget(c net.Conn) (string, error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(c, head); err != nil {
		return "", err
	}
	if _, err := io.CopyN(io.Discard, c, int64(head[1])); err != nil {
		return "", err
	}
	c.Write([]byte{5, 0})
	request := make([]byte, 10)
	if _, err := io.ReadFull(c, request); err != nil {
		return "", err
	}
	c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	return fmt.Sprintf("%s:%d", net.IP(request[4:8]), int(request[8])<<8|int(request[9])), nil
}

func currentUser() string {
	u, err := user.Current()
	if err != nil {
		panic(err)
	}
	return u.Username
}

// startWeb answers "hello" to each connection.
func startWeb(t testing.TB) (port int) {
	t.Helper()
	port = sshtest.FreePort(t)
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.WriteString(c, "hello\n")
				c.(*net.TCPConn).CloseWrite()
				io.Copy(io.Discard, c)
			}()
		}
	}()
	return port
}

// run runs a command to its end.
func run(t testing.TB, cmd *exec.Cmd) ran {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", cmd, err)
	}
	return ran{out.String(), errOut.String(), cmd.ProcessState.ExitCode()}
}
