package sessions

import (
	"net"
	"os"
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
	_, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for n := range channels {
		if channel, requests, err := n.Accept(); err == nil {
			go perform(channel, requests)
		}
	}
}

// perform serves one session: "refuse" is refused, "vanish" ends without a
// status, and any other command ends by the first signal that comes.
func perform(channel ssh.Channel, requests <-chan *ssh.Request) {
	defer channel.Close()
	for r := range requests {
		var text struct{ Value string }
		if r.Type != "exec" && r.Type != "signal" || ssh.Unmarshal(r.Payload, &text) != nil {
			continue
		}
		switch {
		case text.Value == "refuse":
			r.Reply(false, nil)
		case text.Value == "vanish":
			r.Reply(true, nil)
			return
		case r.Type == "exec":
			r.Reply(true, nil)
		default:
			channel.SendRequest("exit-signal", false, ssh.Marshal(struct { // RFC 4254 section 6.10
				Signal            string
				CoreDumped        bool
				Message, Language string
			}{Signal: text.Value}))
			return
		}
	}
}
