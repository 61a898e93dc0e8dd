package demo

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/rfc4254"
)

// server is the SSH server of one host.
type server struct {
	net    *Network
	host   *host
	config *ssh.ServerConfig
}

func newServer(n *Network, h *host, keys hostKeys, ids identities) *server {
	s := &server{net: n, host: h, config: &ssh.ServerConfig{ServerVersion: "SSH-2.0-Sallyport_demo"}}
	s.config.AddHostKey(keys.ed25519)
	if keys.rsa != nil {
		s.config.AddHostKey(keys.rsa)
	}
	switch {
	case h.login.identity != "":
		s.config.PublicKeyCallback = s.byKey(ids[h.login.identity].public)
	case h.login.code != "":
		s.config.KeyboardInteractiveCallback = s.byPasswordAndCode
	default:
		s.config.PasswordCallback = s.byPassword
	}
	return s
}

// errDenied is not shown to the client; the protocol says only "failure".
var errDenied = errors.New("permission denied")

func (s *server) byKey(want ssh.PublicKey) func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
	return func(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		return nil, permit(c.User() == s.host.user && same(string(key.Marshal()), string(want.Marshal())))
	}
}

func (s *server) byPassword(c ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
	return nil, permit(c.User() == s.host.user && same(string(given), s.host.login.password))
}

// byPasswordAndCode asks in two rounds, as a site's two PAM modules do (RFC
// 4256 section 3.1). The code is asked for whether or not the password was
// right, so that the answer to the first round tells nothing.
func (s *server) byPasswordAndCode(c ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
	first, err := ask("", "", []string{"Password: "}, []bool{false})
	if err != nil {
		return nil, err
	}
	second, err := ask("One-time code",
		"Your telephone would show it. The demo's is "+s.host.login.code+".",
		[]string{"One-time code: "}, []bool{false})
	if err != nil {
		return nil, err
	}
	return nil, permit(c.User() == s.host.user &&
		len(first) == 1 && same(first[0], s.host.login.password) &&
		len(second) == 1 && same(second[0], s.host.login.code))
}

func permit(ok bool) error {
	if !ok {
		return errDenied
	}
	return nil
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// serve speaks SSH on c until one side or the network ends it, and waits for
// all that ran on it.
func (s *server) serve(c net.Conn) {
	defer context.AfterFunc(s.net.ctx, func() { _ = c.Close() })() // ends every read and write below
	defer c.Close()
	conn, channels, requests, err := ssh.NewServerConn(c, s.config)
	if err != nil {
		return // the client knows why; there is nobody here to tell
	}
	defer conn.Close()
	s.net.running.Go(func() { answerGlobal(requests) }) // ends with conn; Close waits
	ctx, cancel := context.WithCancel(s.net.ctx)
	defer cancel()
	for offer := range channels {
		s.net.running.Go(func() { s.open(ctx, offer) }) // ends with ctx or the channel; Close waits
	}
}

// answerGlobal answers keepalives, and refuses remote forwards: they would
// open ports of the machine.
func answerGlobal(requests <-chan *ssh.Request) {
	for r := range requests {
		reply(r, r.Type == keepalive)
	}
}

const keepalive = "keepalive@openssh.com"

// reply answers a request that wants an answer. It fails only where the
// connection has ended, which whoever serves it sees by itself.
func reply(r *ssh.Request, ok bool) {
	if r.WantReply {
		_ = r.Reply(ok, nil)
	}
}

func (s *server) open(ctx context.Context, offer ssh.NewChannel) {
	switch offer.ChannelType() {
	case "session":
		s.openSession(ctx, offer)
	case "direct-tcpip":
		s.openForward(offer)
	default:
		_ = offer.Reject(ssh.UnknownChannelType, "unknown channel type") // fails only with the connection
	}
}

func (s *server) openSession(ctx context.Context, offer ssh.NewChannel) {
	ch, requests, err := offer.Accept()
	if err != nil {
		return // the connection has ended
	}
	serveSession(ctx, s, ch, requests)
}

// openForward connects a direct-tcpip channel (RFC 4254 section 7.2) to what
// the host's table has at that address. Nothing else exists: there is no
// look-up and no dial.
func (s *server) openForward(offer ssh.NewChannel) {
	var to rfc4254.TCP
	if err := ssh.Unmarshal(offer.ExtraData(), &to); err != nil {
		_ = offer.Reject(ssh.ConnectionFailed, "malformed request") // fails only with the connection
		return
	}
	address := net.JoinHostPort(to.Host, strconv.FormatUint(uint64(to.Port), 10))
	far, ok := s.net.dial(s.host.reaches[address])
	if !ok {
		_ = offer.Reject(ssh.ConnectionFailed, fmt.Sprintf("%s does not lead to %q", s.host.name, address)) // fails only with the connection
		return
	}
	ch, requests, err := offer.Accept()
	if err != nil {
		_ = far.Close() // nobody has used it
		return
	}
	s.net.running.Go(func() { answerGlobal(requests) }) // ends with ch; Close waits
	s.splice(ch, far.(halfCloser))
}

// halfCloser is a connection whose writing side can be closed alone.
type halfCloser interface {
	io.ReadWriteCloser
	CloseWrite() error
}

// splice copies both ways until both have ended. An EOF one way is passed on
// as such; an error ends both.
func (s *server) splice(a, b halfCloser) {
	oneWay := func(to, from halfCloser) {
		if _, err := io.Copy(to, from); err == nil && to.CloseWrite() == nil {
			return
		}
		_, _ = a.Close(), b.Close() // already broken: there is nothing left to lose
	}
	done := make(chan struct{})
	s.net.running.Go(func() { oneWay(a, b); close(done) }) // ends with a and b; waited for below
	oneWay(b, a)
	<-done
	_, _ = a.Close(), b.Close() // both directions have ended: nothing is in flight
}
