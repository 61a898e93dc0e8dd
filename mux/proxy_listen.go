package mux

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/rfc4254"
)

// Arrival is somebody who has connected to a remote forward of a client in
// proxy mode. It hangs until it is accepted or refused.
type Arrival struct {
	Kind   string // of the channel that the far side has opened
	Data   []byte // that came with it
	Accept func(context.Context) (Stream, error)
	Refuse func(why string)
}

// Stream is an accepted Arrival.
type Stream interface {
	io.ReadWriteCloser
	CloseWrite() error
}

// farListeners are the remote forwards of one client in proxy mode. A real
// master passes the requests on and never an answer back (channels.c); here
// they are answered.
type farListeners struct {
	channels *Channels
	conn     ssh.Conn // of the client
	joined   sync.WaitGroup
	open     map[string]func() // their ends, by place; touched only by serve
}

// serve takes the client's requests until it ends, and with it the listeners.
func (l *farListeners) serve(ctx context.Context, requests <-chan *ssh.Request) {
	defer l.joined.Wait()
	defer func() {
		for _, end := range l.open {
			end()
		}
	}()
	for request := range requests {
		port, err := l.handle(ctx, request)
		if request.WantReply {
			// The port always, though RFC 4254 wants it for port 0 only: in this
			// mode ssh takes no message that is shorter (packet.c).
			_ = request.Reply(err == nil, ssh.Marshal(rfc4254.Chosen{Port: uint32(port)})) // a client that has gone needs no answer
		}
	}
}

// errNotServed is for requests that are none of a forward.
var errNotServed = errors.New("unsupported request")

// handle serves a request of RFC 4254 section 7.1, or of PROTOCOL of OpenSSH,
// section 2.4.
func (l *farListeners) handle(ctx context.Context, request *ssh.Request) (port int, err error) {
	switch request.Type {
	case "tcpip-forward", "cancel-tcpip-forward":
		var at rfc4254.Listen
		if err := ssh.Unmarshal(request.Payload, &at); err != nil {
			return 0, err
		}
		if request.Type == "cancel-tcpip-forward" {
			return 0, l.cancel("tcp", joinPort(at.Host, int(at.Port)))
		}
		return l.listen(ctx, "tcp", at.Host, int(at.Port))
	case "streamlocal-forward@openssh.com", "cancel-streamlocal-forward@openssh.com":
		var at rfc4254.ListenSocket
		if err := ssh.Unmarshal(request.Payload, &at); err != nil {
			return 0, err
		}
		if request.Type == "cancel-streamlocal-forward@openssh.com" {
			return 0, l.cancel("unix", at.Path)
		}
		return l.listen(ctx, "unix", at.Path, 0)
	}
	return 0, errNotServed
}

func joinPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// listen begins a forward. host is the path of a socket on "unix".
func (l *farListeners) listen(ctx context.Context, network, host string, port int) (int, error) {
	if l.channels.Listen == nil {
		return 0, errNotServed
	}
	address := host
	if network == "tcp" {
		address = joinPort(host, port)
	}
	port, end, err := l.channels.Listen(ctx, network, address, func(a Arrival) {
		l.joined.Go(func() { l.join(ctx, a) }) // ends with the channel
	})
	if err != nil {
		return 0, err
	}
	if network == "tcp" {
		address = joinPort(host, port)
	}
	l.open[network+" "+address] = end
	return port, nil
}

func (l *farListeners) cancel(network, address string) error {
	key := network + " " + address
	end := l.open[key]
	if end == nil {
		return errors.New("port not forwarded")
	}
	delete(l.open, key)
	end()
	return nil
}

// join hands who has come to the client, and copies both ways.
func (l *farListeners) join(ctx context.Context, a Arrival) {
	near, requests, err := l.conn.OpenChannel(a.Kind, a.Data)
	if err != nil {
		a.Refuse("the client does not take it")
		return
	}
	go ssh.DiscardRequests(requests) // ends with the channel
	defer near.Close()
	far, err := a.Accept(ctx)
	if err != nil {
		return
	}
	defer far.Close()
	defer context.AfterFunc(ctx, func() { far.Close() })()
	var both sync.WaitGroup
	both.Go(func() { passStream(far, near) })
	both.Go(func() { passStream(near, far) })
	both.Wait()
}

// passStream copies one way to its end, which it passes on.
func passStream(to, from Stream) {
	if err := transfer(to, from); err != nil {
		_ = to.Close() // it is of no use any more
		return
	}
	_ = to.CloseWrite() // whoever has gone needs no end
}
