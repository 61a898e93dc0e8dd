package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"al.essio.dev/pkg/shellescape"
	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/internal/rfc4254"
)

// Listener is a port or a socket of the far side, which passes on to us
// whoever connects there (RFC 4254 section 7; PROTOCOL of OpenSSH, section
// 2.4). Until it is closed somebody must call Accept: the listeners of a
// connection wait for each other.
//
// Those of x/crypto/ssh are not used: they lose a connection that comes
// before the answer to their request was read, or whose origin they cannot
// parse, and they accept before anybody knows whether the target answers.
type Listener struct {
	conn   *Conn
	at     place          // fixed once Listen has returned
	any    bool           // the far side was asked to choose the port
	shared *sharedForward // of a master's connection, else nil
	offers chan *Offer
	closed chan struct{}
	once   sync.Once // closes closed
}

// place is where a listener is, as the far side names it: by the host that it
// was asked for.
type place struct {
	path string // of a unix socket, else ""
	host string
	port uint32
}

// Listen asks the far side to listen: on "tcp" at "host:port", where no host
// means all its addresses and port 0 one of its choice; on "unix" at a path.
// Which addresses it takes is up to its GatewayPorts. It fails with a
// *Failure, or with the cause of ctx.
func (c *Conn) Listen(ctx context.Context, network, address string) (*Listener, error) {
	if c.master != nil {
		return c.listenShared(ctx, network, address)
	}
	l := newListener(c)
	if err := l.parse(network, address); err != nil {
		return nil, err
	}
	c.forwarded.start.Do(c.receive)
	_, err := inTime(ctx, c, l.request, func(*Listener) { l.cancel() })
	if err != nil {
		l.abandon()
		return nil, c.explainListen(ctx, l.at, err)
	}
	return l, nil
}

func newListener(c *Conn) *Listener {
	return &Listener{conn: c, offers: make(chan *Offer), closed: make(chan struct{})}
}

func (l *Listener) parse(network, address string) error {
	if network == "unix" {
		l.at.path = address
		if address == "" {
			return errors.New("a socket needs a path")
		}
		return nil
	}
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	port, err := strconv.ParseUint(text, 10, 16)
	l.at.host, l.at.port, l.any = host, uint32(port), port == 0
	return err
}

// errNotGranted is the answer of a far side that does not listen; the
// protocol has no reasons.
var errNotGranted = errors.New("the server refuses it")

// request asks for the listener, without a limit of time. It is known before
// the answer, for connections may come on its heels.
func (l *Listener) request() (*Listener, error) {
	f := &l.conn.forwarded
	if l.any {
		f.choose()
		defer f.chose()
	} else {
		f.add(l)
	}
	name, payload := l.at.message("")
	granted, answer, err := l.conn.client.SendRequest(name, true, payload)
	switch {
	case err != nil:
		return nil, err
	case !granted:
		return nil, errNotGranted
	case l.any:
		return l, l.take(answer)
	}
	return l, nil
}

// take reads which port the far side has chosen (RFC 4254 section 7.1).
func (l *Listener) take(answer []byte) error {
	var chosen rfc4254.Chosen
	if err := ssh.Unmarshal(answer, &chosen); err != nil || chosen.Port == 0 || chosen.Port > 65535 {
		return fmt.Errorf("%w: its answer has no port", errNotGranted)
	}
	l.at.port = chosen.Port
	l.conn.forwarded.add(l)
	return nil
}

// message is the request to listen there, or with "cancel-" to stop.
func (p place) message(verb string) (name string, payload []byte) {
	if p.path != "" {
		return verb + "streamlocal-forward@openssh.com", ssh.Marshal(rfc4254.ListenSocket{Path: p.path})
	}
	return verb + "tcpip-forward", ssh.Marshal(rfc4254.Listen{Host: p.host, Port: p.port})
}

// Port is where the far side listens, also if it has chosen; 0 for a socket.
func (l *Listener) Port() int { return int(l.at.port) }

// Accept waits for the next connection. It fails with net.ErrClosed after
// Close, with the failure of a connection that has ended, or with the cause
// of ctx.
func (l *Listener) Accept(ctx context.Context) (*Offer, error) {
	select {
	case o := <-l.offers:
		return o, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-l.conn.done:
		return nil, l.conn.Err()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Close has the far side stop listening. Connections that were accepted go on.
func (l *Listener) Close() {
	l.abandon()
	l.cancel()
}

// abandon refuses whoever comes from now on.
func (l *Listener) abandon() {
	l.once.Do(func() { close(l.closed) })
	l.conn.forwarded.remove(l)
}

// cancel tells the far side, which answers nothing, as with ssh. A connection
// that takes no more bytes is not waited for longer than a moment.
func (l *Listener) cancel() {
	if l.shared != nil {
		l.conn.master.cancel(l.shared)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), lateness)
	defer cancel()
	name, payload := l.at.message("cancel-")
	_, _ = inTime(ctx, l.conn, func() (struct{}, error) { // the far side, too, ends the listener with the connection
		_, _, err := l.conn.client.SendRequest(name, false, payload)
		return struct{}{}, err
	}, func(struct{}) {})
}

// explainListen is why the far side does not listen.
func (c *Conn) explainListen(ctx context.Context, at place, err error) error {
	if !errors.Is(err, errNotGranted) {
		return c.explainChannel(ctx, err)
	}
	f := &Failure{Code: CodeProhibited, Hop: c.host, At: time.Now()}
	switch {
	case at.path != "":
		f.Message = fmt.Sprintf("%q does not listen on %q: the path is taken there, or AllowStreamLocalForwarding forbids it", c.host, at.path)
		f.Hint = "ssh " + shellescape.Quote(c.host) + " ls -l " + shellescape.Quote(shellescape.Quote(at.path))
	case at.port == 0:
		f.Message = fmt.Sprintf("%q listens on no port for us", c.host)
		f.Hint = "AllowTcpForwarding or PermitListen of the server forbids it: ask its administrator"
	default:
		f.Message = fmt.Sprintf("%q does not listen on port %d: it is in use there, or AllowTcpForwarding or PermitListen forbids it", c.host, at.port)
		f.Hint = fmt.Sprintf("ssh %s ss -ltn 'sport = :%d'", shellescape.Quote(c.host), at.port)
	}
	if at.path == "" && 0 < at.port && at.port < 1024 {
		f.Message += "; below 1024 only root may listen"
	}
	f.Message, f.Hint = config.Printable(f.Message), config.Printable(f.Hint)
	return f
}
