package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

// listening is a server in this process that does with a request to listen
// what a test says.
type listening struct {
	*Conn
	server *ssh.ServerConn
	asked  chan *ssh.Request
}

func newListening(t *testing.T) *listening {
	t.Helper()
	client, server := newPipe()
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(sshtest.WriteKey(t, filepath.Join(t.TempDir(), "key")))
	l := &listening{asked: make(chan *ssh.Request, 10)}
	up := make(chan error, 1)
	go func() {
		conn, channels, requests, err := ssh.NewServerConn(server, config)
		l.server = conn
		up <- err
		if err != nil {
			return
		}
		go func() {
			for c := range channels {
				c.Reject(ssh.Prohibited, "no")
			}
		}()
		for r := range requests {
			l.asked <- r
		}
	}()
	conn, channels, requests, err := ssh.NewClientConn(client, "", &ssh.ClientConfig{HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-up; err != nil {
		t.Fatal(err)
	}
	l.Conn = newConn(ssh.NewClient(conn, channels, requests), newWire(client), "x", nil)
	t.Cleanup(func() { l.release(); l.server.Close() })
	return l
}

// connect is somebody who connects to the port: the server passes it on.
func (l *listening) connect(host string, port uint32) (ssh.Channel, error) {
	c, requests, err := l.server.OpenChannel("forwarded-tcpip", ssh.Marshal(struct {
		Host       string
		Port       uint32
		Origin     string
		OriginPort uint32
	}{host, port, "who knows", 0}))
	if err == nil {
		go ssh.DiscardRequests(requests)
	}
	return c, err
}

// TestAConnectionOnTheHeelsOfTheAnswerIsServed is a race that a real server
// wins now and then: here the connection always comes first, or at once.
func TestAConnectionOnTheHeelsOfTheAnswerIsServed(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		port   uint32 // asked for
		chosen uint32
		named  uint32 // in the channel
	}{
		{"a fixed port", 8080, 0, 8080},
		{"a port that the server chooses", 0, 40_000, 40_000},
		{"a port that OpenSSH 5 has chosen", 0, 40_000, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			l := newListening(t)
			for range 50 {
				greeted := make(chan error, 1)
				go func() { greeted <- l.grant(row.chosen, row.named) }()
				listener, err := l.Listen(soon(t), "tcp", fmt.Sprintf("localhost:%d", row.port))
				if err != nil {
					t.Fatal(err)
				}
				if got, want := uint32(listener.Port()), max(row.port, row.chosen); got != want {
					t.Errorf("the port is %d, want %d", got, want)
				}
				offer, err := listener.Accept(soon(t))
				if err != nil {
					t.Fatal(err)
				}
				channel, err := offer.Accept(soon(t))
				if err != nil {
					t.Fatal(err)
				}
				io.WriteString(channel, "hello")
				if err := <-greeted; err != nil {
					t.Fatal(err)
				}
				listener.Close()
			}
		})
	}
}

// next is what the server is asked for.
func (l *listening) next(t *testing.T) *ssh.Request {
	t.Helper()
	select {
	case r := <-l.asked:
		return r
	case <-soon(t).Done():
		t.Fatal("the server was asked for nothing")
		return nil
	}
}

// grant answers the next request to listen, and connects at the same time.
func (l *listening) grant(chosen, named uint32) error {
	request := <-l.asked
	for request.Type != "tcpip-forward" { // the cancellation of the one before
		request = <-l.asked
	}
	var answer []byte
	if chosen != 0 {
		answer = ssh.Marshal(struct{ Port uint32 }{chosen})
	}
	if err := request.Reply(true, answer); err != nil {
		return err
	}
	c, err := l.connect("localhost", named)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = io.ReadFull(c, make([]byte, len("hello")))
	return err
}

func TestARequestToListenThatIsGivenUpIsTakenBack(t *testing.T) {
	t.Parallel()
	l := newListening(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	given := errors.New("given up")
	ended := make(chan error, 1)
	go func() {
		_, err := l.Listen(ctx, "tcp", "localhost:8080")
		ended <- err
	}()
	request := <-l.asked
	cancel(given)
	if err := <-ended; err != given {
		t.Errorf("the request that was given up says %v", err)
	}
	request.Reply(true, nil)
	if after := l.next(t); after.Type != "cancel-tcpip-forward" || string(after.Payload) != string(request.Payload) || after.WantReply {
		t.Errorf("after the late answer the server is asked for %s", after.Type)
	}
	if _, err := l.connect("localhost", 8080); err == nil {
		t.Error("who came to the late listener was served")
	}
}

func TestWhoeverComesUninvitedIsRefused(t *testing.T) {
	t.Parallel()
	l := newListening(t)
	go func() { (<-l.asked).Reply(true, nil) }()
	listener, err := l.Listen(soon(t), "tcp", "localhost:8080")
	if err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]func() (ssh.Channel, error){
		"at another port":    func() (ssh.Channel, error) { return l.connect("localhost", 8081) },
		"at another address": func() (ssh.Channel, error) { return l.connect("127.0.0.1", 8080) },
		"at a socket": func() (ssh.Channel, error) {
			c, _, err := l.server.OpenChannel("forwarded-streamlocal@openssh.com", ssh.Marshal(struct{ Path, Reserved string }{"/s", ""}))
			return c, err
		},
		"without saying where": func() (ssh.Channel, error) {
			c, _, err := l.server.OpenChannel("forwarded-tcpip", nil)
			return c, err
		},
	} {
		if _, err := try(); err == nil {
			t.Errorf("a connection %s was accepted", name)
		}
	}
	listener.Close()
	if _, err := listener.Accept(soon(t)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed listener says %v", err)
	}
	if r := l.next(t); r.Type != "cancel-tcpip-forward" {
		t.Errorf("Close asks for %s", r.Type)
	}
	if _, err := l.connect("localhost", 8080); err == nil {
		t.Error("a connection after Close was accepted")
	}
}

func TestListenersEndWithTheConnection(t *testing.T) {
	t.Parallel()
	l := newListening(t)
	pending := make(chan error, 1)
	go func() {
		_, err := l.Listen(soon(t), "tcp", "localhost:0")
		pending <- err
	}()
	<-l.asked
	l.server.Close()
	var f *Failure
	if err := <-pending; !errors.As(err, &f) || f.Code != CodeClosed {
		t.Errorf("a request under way says %v", err)
	}
	if _, err := l.Listen(soon(t), "unix", "/s"); !errors.As(err, &f) || f.Code != CodeClosed {
		t.Errorf("a request afterwards says %v", err)
	}
}
