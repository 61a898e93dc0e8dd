//go:build linux || darwin || freebsd

package daemon_test

import (
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/api"
	"sallyport/internal/sshtest"
	"sallyport/tunnels"
)

// stream is data without end, which counts what has passed.
type stream struct {
	passed atomic.Int64
	gate   chan struct{} // until it is closed, only enough is taken; nil never is
}

// enough data shows that a stream flows. More, which somebody would have to
// carry, waits on the way.
const enough = 256 << 10

func (s *stream) Read(p []byte) (int, error) { s.passed.Add(int64(len(p))); return len(p), nil }

func (s *stream) Write(p []byte) (int, error) {
	if s.passed.Add(int64(len(p))) > enough {
		<-s.gate
	}
	return len(p), nil
}

func (s *stream) flows() bool { return s.passed.Load() > enough }

// TestAMasterThatIsKilledEndsWhatItCarriesWithASentence has data on its way in
// all that we have on a connection of the user's ssh.
func TestAMasterThatIsKilledEndsWhatItCarriesWithASentence(t *testing.T) {
	s := share(t, "ControlMaster no")
	if err := s.CloseLink(t.Context(), s.link); err != nil {
		t.Fatal(err)
	}
	m := sshtest.RunMaster(t, s.socket, s.server.SSH(t, "-M", "-N", "-S", s.socket, sshtest.Alias))
	s.open()
	flood := floodServer(t)
	here, there := s.tunnel(tunnels.Local, flood), s.tunnel(tunnels.Remote, flood)
	ends := make(chan api.Exit)
	gate := make(chan struct{})
	down, up, shell := &stream{gate: gate}, &stream{}, &stream{gate: gate}
	go s.transfer(api.SessionSpec{Command: "cat /dev/zero"}, silence{}, down, ends)
	go s.transfer(api.SessionSpec{Command: "exec sleep 1000"}, up, io.Discard, ends)
	go s.transfer(api.SessionSpec{PTY: true, Term: "vt100", Size: api.Size{Cols: 80, Rows: 24}}, &typist{"cat /dev/zero\n"}, shell, ends)
	near, far := readFrom(t, here, gate), readFrom(t, there, gate)
	sshtest.Eventually(t, "all flows", func() bool {
		return down.flows() && up.flows() && shell.flows() && near.flows() && far.flows()
	})

	killed := time.Now()
	m.Kill()
	close(gate)
	want := fmt.Sprintf(`the connection to "targaryen" was closed: the ssh that shared it, pid %d, has ended`, m.PID)
	for range 3 {
		if exit := <-ends; exit.Status != 255 || exit.Failure == nil || exit.Failure.Message != want {
			t.Errorf("it ended with %+v, want %s", exit, want)
		}
	}
	<-near.ended
	<-far.ended
	t.Logf("all had ended %v after the master", time.Since(killed))
	s.until("the tunnels are up on a connection of ours", func(now api.Snapshot) bool {
		return len(now.Links) == 1 && now.Links[0].Kind == api.LinkNative && len(now.Tunnels) == 2 &&
			now.Tunnels[0].State == api.TunnelUp && now.Tunnels[1].State == api.TunnelUp
	})
	for _, port := range []int{here, there} {
		again := readFrom(t, port, nil)
		sshtest.Eventually(t, "it flows again", again.flows)
	}
}

// silence is an input that nobody ends.
type silence struct{}

func (silence) Read([]byte) (int, error) { select {} }

// typist types a text, and no more.
type typist struct{ text string }

func (p *typist) Read(b []byte) (int, error) {
	if p.text == "" {
		select {}
	}
	n := copy(b, p.text)
	p.text = p.text[n:]
	return n, nil
}

// transfer runs a session to its end.
func (s *shared) transfer(spec api.SessionSpec, in io.Reader, out io.Writer, ends chan<- api.Exit) {
	term, err := s.StartSession(s.t.Context(), api.SessionRequest{Target: s.at(), Spec: spec})
	if err != nil {
		s.t.Error(err)
		ends <- api.Exit{}
		return
	}
	defer term.Close()
	exit, err := term.Attach(s.t.Context(), in, out, io.Discard)
	if err != nil {
		s.t.Error(err)
	}
	ends <- exit
}

// tunnel opens a forward to a port, and waits until it is up.
func (s *shared) tunnel(kind tunnels.Kind, to int) (port int) {
	s.t.Helper()
	port = sshtest.FreePort(s.t)
	spec := api.TunnelSpec{Kind: kind, Listen: api.Address{Network: "tcp", Port: port}, Connect: api.Address{Network: "tcp", Host: "127.0.0.1", Port: to}}
	status, err := s.SetTunnel(s.t.Context(), api.TunnelRequest{Target: s.at(), Spec: spec, Up: true, Once: true})
	if err != nil {
		s.t.Fatal(err)
	}
	s.until("the tunnel is up", func(now api.Snapshot) bool {
		for _, t := range now.Tunnels {
			if t.ID == status.ID {
				return t.State == api.TunnelUp
			}
		}
		return false
	})
	return port
}

// floodServer sends without end to each that connects.
func floodServer(t *testing.T) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() { // ends with l
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { // ends with its connection
				defer conn.Close()
				io.Copy(conn, new(stream))
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// reading is a connection that is read to its end.
type reading struct {
	stream
	ended chan struct{}
}

func readFrom(t *testing.T, port int, gate chan struct{}) *reading {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	r := &reading{stream: stream{gate: gate}, ended: make(chan struct{})}
	go func() { // ends with conn, once the gate is open
		defer close(r.ended)
		io.Copy(&r.stream, conn)
	}()
	return r
}
