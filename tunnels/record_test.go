package tunnels

import (
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sallyport/internal/sshtest"
	"sallyport/transport"
)

// TestEachConnectionIsAccountedFor has the real curl open one, which is named
// while it lives and kept once it has ended.
func TestEachConnectionIsAccountedFor(t *testing.T) {
	t.Parallel()
	curl := sshtest.Program(t, "curl")
	s := sshtest.StartServer(t)
	asked, answer := make(chan int, 1), make(chan string)
	to := serving(t, func(c conn) {
		buf := make([]byte, 4096)
		n, _ := c.Read(buf) // a request is one small packet
		asked <- n
		io.WriteString(c, <-answer)
		c.CloseWrite()
		io.Copy(io.Discard, c)
	})
	for _, row := range []struct {
		name   string
		spec   Spec
		target string
		args   func(listen Address) []string
	}{
		{"a local forward", local(t, to), to.String(), func(a Address) []string {
			return []string{fmt.Sprintf("http://127.0.0.1:%d", a.Port)}
		}},
		{"a SOCKS proxy", Spec{Kind: Dynamic, Listen: tcp("", sshtest.FreePort(t))}, to.String(), func(a Address) []string {
			return []string{"-x", fmt.Sprintf("socks5h://127.0.0.1:%d", a.Port), "http://" + to.dialled()}
		}},
		{"a socket", Spec{Kind: Local, Listen: Address{Network: "unix", Path: shortDir(t) + "/s"}, Connect: to}, to.String(), func(a Address) []string {
			return []string{"--unix-socket", a.Path, "http://localhost"}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			tunnel := open(t, s, row.spec)
			tunnel.wait(t, Up)
			cmd := exec.CommandContext(t.Context(), curl, append([]string{"-s", "--max-time", "60", "--noproxy", ""}, row.args(row.spec.Listen)...)...)
			var out strings.Builder
			cmd.Stdout = &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			sent := int64(<-asked)
			want := Connection{Number: 1, Process: "curl", PID: cmd.Process.Pid, Target: row.target, Sent: sent}
			ignored := cmpopts.IgnoreFields(Connection{}, "Since", "Ended", "Client", "Dial")
			sshtest.Eventually(t, "what was sent is counted", func() bool { return tunnel.Record().Connections[0].Sent == sent })
			now := tunnel.Record().Connections[0]
			if diff := cmp.Diff(want, now, ignored); diff != "" || !now.Ended.IsZero() || now.Dial <= 0 {
				t.Errorf("the open connection is %+v (-want +got):\n%s", now, diff)
			}
			if _, _, err := net.SplitHostPort(now.Client); (err == nil) != (row.spec.Listen.Network == "tcp") {
				t.Errorf("its client is %q", now.Client)
			}
			const page = "HTTP/1.0 200 OK\r\n\r\ngoodbye"
			answer <- page
			if err := cmd.Wait(); err != nil || out.String() != "goodbye" {
				t.Errorf("curl got %q, %v", out.String(), err)
			}
			sshtest.Eventually(t, "the connection has ended", func() bool { return tunnel.Status().Open == 0 })
			want.Received = int64(len(page))
			ended := tunnel.Record().Connections
			if len(ended) != 1 || ended[0].Ended.Before(ended[0].Since) {
				t.Fatalf("of the past is told %+v", ended)
			}
			if diff := cmp.Diff(want, ended[0], ignored); diff != "" {
				t.Errorf("the connection that has ended (-want +got):\n%s", diff)
			}
			if dial := tunnel.Status().Dial; dial != ended[0].Dial {
				t.Errorf("the latest far end took %s, of the tunnel %s", ended[0].Dial, dial)
			}
		})
	}
}

// TestTheLogTellsStatesAndWhatWentWrong counts what is said again and again.
func TestTheLogTellsStatesAndWhatWentWrong(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	nobody := tcp("127.0.0.1", sshtest.FreePort(t))
	tunnel := open(t, s, local(t, nobody))
	tunnel.wait(t, Up)
	for n := range 3 {
		io.Copy(io.Discard, tunnel.dial(t))
		sshtest.Eventually(t, "it is told", func() bool {
			log := tunnel.Record().Log
			return log[len(log)-1].Times == n+1 && log[len(log)-1].State == ""
		})
	}
	r := tunnel.Record()
	refusal := r.Log[len(r.Log)-1]
	if !strings.Contains(refusal.Message, nobody.String()) || refusal.Time.IsZero() {
		t.Errorf("of the refusals is told %+v", refusal)
	}
	states := []State{}
	for _, e := range r.Log[:len(r.Log)-1] {
		states = append(states, e.State)
	}
	if states[0] != Opening || states[len(states)-1] != Up {
		t.Errorf("the log begins with %v", states)
	}
	sshtest.Eventually(t, "the connections have ended", func() bool { return tunnel.Status().Open == 0 })
	for _, c := range tunnel.Record().Connections {
		if c.Failure == nil || c.Failure.Message != refusal.Message {
			t.Errorf("connection %d ended with %v", c.Number, c.Failure)
		}
	}
}

func TestABookForgetsTheOldest(t *testing.T) {
	var b book
	for range keptConnections + 3 {
		b.end(b.begin(nil, Address{}))
	}
	last := b.begin(nil, Address{})
	for n := range keptEntries + 3 {
		b.failed(last, &transport.Failure{Message: fmt.Sprint(n), At: time.Now()})
	}
	connections, log := b.read()
	if n := len(connections); n != keptConnections+1 || connections[0].Number != 4 || connections[n-1].Number != keptConnections+4 {
		t.Errorf("%d connections are kept, from %d", n, connections[0].Number)
	}
	if len(log) != keptEntries || log[0].Message != "3" {
		t.Errorf("%d lines are kept, from %q", len(log), log[0].Message)
	}
}
