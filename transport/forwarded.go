package transport

import (
	"context"
	"io"
	"net"
	"slices"
	"sync"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/rfc4254"
)

// forwarded hands the channels of remote forwards to their listeners.
type forwarded struct {
	start sync.Once // begins to receive

	mu        sync.Mutex    // guards what follows
	listeners []*Listener   // the oldest first
	choosing  int           // requests under way for a port of the far side's choice
	chosen    chan struct{} // closed when choosing goes down; nil if nobody waits
}

// receive takes the channels that the far side opens for its listeners, until
// the connection ends.
func (c *Conn) receive() {
	for _, kind := range []string{"forwarded-tcpip", "forwarded-streamlocal@openssh.com"} {
		channels := c.client.HandleChannelOpen(kind)
		go func() { // ends with the connection, which closes channels
			for channel := range channels {
				c.forwarded.offer(&Offer{conn: c, channel: channel})
			}
		}()
	}
}

// offer hands a channel to its listener, or refuses it.
func (f *forwarded) offer(o *Offer) {
	at, err := o.place()
	if err != nil {
		o.Refuse("malformed request")
		return
	}
	l := f.find(at)
	if l == nil {
		o.Refuse("nobody listens there") // RFC 4254 section 7.2: MUST be rejected
		return
	}
	select {
	case l.offers <- o:
	case <-l.closed:
		o.Refuse("nobody listens there any more")
	case <-l.conn.done:
	}
}

// add makes a listener known, unless nobody wants it any more.
func (f *forwarded) add(l *Listener) {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-l.closed:
	default:
		f.listeners = append(f.listeners, l)
	}
}

func (f *forwarded) remove(l *Listener) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listeners = slices.DeleteFunc(f.listeners, func(other *Listener) bool { return other == l })
}

func (f *forwarded) choose() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.choosing++
}

func (f *forwarded) chose() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.choosing--
	if f.chosen != nil {
		close(f.chosen)
		f.chosen = nil
	}
}

// find is the listener at a place, nil if there is none. While the far side
// is choosing ports, one that is not known may only just have been chosen.
func (f *forwarded) find(at place) *Listener {
	for {
		l, wait := f.look(at)
		if wait == nil {
			return l
		}
		<-wait // a request ends with the connection at the latest
	}
}

func (f *forwarded) look(at place) (l *Listener, wait <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.listeners {
		if l.names(at) {
			return l, nil
		}
	}
	if at.path != "" || f.choosing == 0 {
		return nil, nil
	}
	if f.chosen == nil {
		f.chosen = make(chan struct{})
	}
	return nil, f.chosen
}

// names tells whether the far side means l. OpenSSH 5 gives the port that was
// asked for, 0, for the one that it has chosen (SSH_BUG_DYNAMIC_RPORT).
func (l *Listener) names(at place) bool {
	return l.at == at || l.any && at == place{host: l.at.host}
}

// Offer is a connection that somebody made to a listener. It hangs until it is
// accepted or refused.
type Offer struct {
	conn    *Conn
	channel ssh.NewChannel // of a native connection
	near    *net.UnixConn  // of a lent one: ssh has accepted it
}

// Channel is an accepted Offer.
type Channel interface {
	io.ReadWriteCloser
	CloseWrite() error
	SendRequest(name string, wantReply bool, payload []byte) (bool, error)
}

// place is where somebody has connected. Who it was does not matter.
func (o *Offer) place() (place, error) {
	if o.channel.ChannelType() != "forwarded-tcpip" {
		var to rfc4254.ForwardedSocket
		err := ssh.Unmarshal(o.channel.ExtraData(), &to)
		return place{path: to.Path}, err
	}
	var to rfc4254.TCP
	err := ssh.Unmarshal(o.channel.ExtraData(), &to)
	return place{host: to.Host, port: to.Port}, err
}

// Request is the channel that the far side of a native connection asks for.
func (o *Offer) Request() (kind string, data []byte) {
	return o.channel.ChannelType(), o.channel.ExtraData()
}

// Accept opens the channel.
func (o *Offer) Accept(ctx context.Context) (Channel, error) {
	if o.near != nil {
		return nearChannel{o.near}, nil
	}
	channel, err := inTime(ctx, o.conn, o.open, func(late ssh.Channel) { late.Close() })
	if err != nil {
		return nil, o.conn.explainChannel(ctx, err)
	}
	return channel, nil
}

func (o *Offer) open() (ssh.Channel, error) {
	channel, requests, err := o.channel.Accept()
	if err != nil {
		return nil, err
	}
	go ssh.DiscardRequests(requests)         // ends with the channel
	go io.Copy(io.Discard, channel.Stderr()) // ends with the channel; a forward has no such stream
	return channel, nil
}

// Refuse closes what somebody has connected to. It does not wait for a full
// network.
func (o *Offer) Refuse(why string) {
	if o.near != nil {
		_ = o.near.Close() // nobody has used it
		return
	}
	go o.channel.Reject(ssh.ConnectionFailed, why) // ends with the connection
}
