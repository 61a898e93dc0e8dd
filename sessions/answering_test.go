package sessions

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
	"sallyport/transport"
)

// answeringServer is a link to a server in this process, which does what sshd
// does rarely: see perform.
func answeringServer(t *testing.T) *transport.Link {
	t.Helper()
	s := sshtest.NewServer(t)
	text, err := os.ReadFile(s.Path("hostkey"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(key)
	l, err := net.Listen("tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answer(c, config) // ends with the connection
		}
	}()
	return link(t, s)
}

func answer(c net.Conn, config *ssh.ServerConfig) {
	conn, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for n := range channels {
		if channel, requests, err := n.Accept(); err == nil {
			go perform(conn, channel, requests)
		}
	}
}

// perform serves one session: "refuse" is refused, "vanish" ends without a
// status, "open KIND" opens a channel to the client and says how it was
// refused, and any other command ends by the first signal or break that comes.
func perform(conn ssh.Conn, channel ssh.Channel, requests <-chan *ssh.Request) {
	defer channel.Close()
	for r := range requests {
		var text struct{ Value string }
		switch r.Type {
		case "exec":
			ssh.Unmarshal(r.Payload, &text)
			r.Reply(text.Value != "refuse", nil)
			kind, open := strings.CutPrefix(text.Value, "open ")
			switch {
			case text.Value == "vanish":
				return
			case open:
				_, _, err := conn.OpenChannel(kind, nil)
				fmt.Fprint(channel, err)
				channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{7}))
				return
			}
		case "signal":
			ssh.Unmarshal(r.Payload, &text)
			channel.SendRequest("exit-signal", false, ssh.Marshal(struct { // RFC 4254 section 6.10
				Signal            string
				CoreDumped        bool
				Message, Language string
			}{Signal: text.Value}))
			return
		case "break":
			fmt.Fprintf(channel, "a break of %d", binary.BigEndian.Uint32(r.Payload))
			channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{0}))
			return
		}
	}
}
