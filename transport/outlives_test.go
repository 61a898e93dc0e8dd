//go:build unix

package transport

import (
	"io"
	"net"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

func TestAConnectionOutlivesWhatTheFarSideClosed(t *testing.T) {
	t.Parallel()
	signer := sshtest.WriteKey(t, filepath.Join(t.TempDir(), "host"))
	for _, row := range []struct {
		name     string
		end      func(s *rawServer, channel string) error // behind the exit status
		outlives bool
	}{
		{"the channel is closed", func(s *rawServer, channel string) error { return s.send(message(rawChannelClose, channel)) }, true},
		{"the connection is closed", func(s *rawServer, _ string) error { return s.conn.Close() }, false},
		{"the server disconnects", func(s *rawServer, _ string) error {
			return s.send(message(rawDisconnect, number32(11), sized("bye"), sized("")))
		}, false},
		{"a packet is damaged", func(s *rawServer, channel string) error {
			s.seals.next()
			return s.send(message(rawChannelData, channel, sized("more output")))
		}, false},
		{"a packet that nobody has sent", func(s *rawServer, _ string) error {
			_, err := io.WriteString(s.conn, "\x00\x00\x00\x10sixteen of any kind and a tag of 16")
			return err
		}, false},
		{"data for a channel that there is not", func(s *rawServer, _ string) error {
			return s.send(message(rawChannelData, number32(99), sized("more output")))
		}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			port := serve(t, func(c net.Conn) {
				s := newRawServer(c, signer)
				if s.behave("") != nil {
					return
				}
				channel, err := s.grant()
				if _, failed := s.receive(); err != nil || failed != nil { // it has the channel
					return
				}
				status := message(rawChannelRequest, channel, sized("exit-status"), "\x00", number32(0))
				_, _, _ = s.send(status), row.end(s, channel), s.listen() // it answers nothing until the client has gone
			})
			n.know(t, port, signer.PublicKey())
			n.host("h", port, "PubkeyAuthentication no")
			links := NewLinks(newWatch().options())
			defer links.Close()
			_, c := connected(t, links, plan(t, n.load(t), "h"))
			s := session(t, c)
			if _, err := s.SendRequest("exec", false, nil); err != nil {
				t.Fatal(err)
			}
			ssh.DiscardRequests(s.Requests) // until the channel has ended
			if row.outlives {
				sshtest.Eventually(t, "what came is answered", c.wire.idle)
			}
			if err := c.Outlives(soon(t)); (err == nil) != row.outlives {
				t.Errorf("Outlives: %v", err)
			}
		})
	}
}

func TestAWireIsIdleWhileItsReaderWaitsBehindAnAnswer(t *testing.T) {
	near, far := net.Pipe()
	w := newWire(near)
	defer w.Close()
	read := make(chan error)
	receive := func() {
		_, err := w.Read(make([]byte, 100))
		read <- err
	}
	go receive() // received below
	if _, err := io.WriteString(far, "what came"); err != nil || <-read != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, far) // ends with the pipe
	if _, err := io.WriteString(w, "its answer"); err != nil {
		t.Fatal(err)
	}
	if w.idle() {
		t.Error("nobody reads")
	}
	go receive() // received below
	sshtest.Eventually(t, "the reader waits", w.idle)
	far.Close()
	if err := <-read; err != io.EOF || w.idle() {
		t.Errorf("an end: %v", err)
	}
}
