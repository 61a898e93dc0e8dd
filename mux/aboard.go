package mux

import (
	"context"
	"errors"
	"io"
	"net"
	"os"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/rfc4254"
)

// Aboard is an ssh.Conn on the connection of a master that must survive us:
// its sessions and its connections from the far side are passengers, as those
// of ssh are, and so every version of OpenSSH has them. Proxy mode, which can
// do more, is dangerous there: a master that has passed on a channel which the
// far side refused, or has not answered yet, dies when its client leaves
// (chan_send_close2 in channels.c, "no remote_id"; seen with 9.2).
//
// It knows no requests, and no channels that the far side opens: see Forward.
type Aboard struct{ client *Client }

// Aboard is the connection, with what ssh.NewClient wants besides. It ends
// with the Client.
func (c *Client) Aboard() (*Aboard, <-chan ssh.NewChannel, <-chan *ssh.Request) {
	channels, requests := make(chan ssh.NewChannel), make(chan *ssh.Request)
	go func() { // ends with the master, or with the Client
		<-c.done
		close(channels)
		close(requests)
	}()
	return &Aboard{c}, channels, requests
}

// OpenChannel implements ssh.Conn, for sessions and connections.
func (a *Aboard) OpenChannel(name string, data []byte) (ssh.Channel, <-chan *ssh.Request, error) {
	if name == "session" {
		s := newSessionChannel(a.client)
		return s, s.requests, nil
	}
	to, ok := directTo(name, data)
	if !ok {
		return nil, nil, &ssh.OpenChannelError{Reason: ssh.UnknownChannelType, Message: "a master opens no " + name}
	}
	return a.dial(to)
}

// dial has the master connect to an address.
func (a *Aboard) dial(to Address) (ssh.Channel, <-chan *ssh.Request, error) {
	p, err := newPipes(2)
	if err != nil {
		return nil, nil, err
	}
	defer p.passed.close()
	far, err := a.client.NewStdioForward(context.Background(), to, p.passed[0], p.passed[1])
	if err != nil {
		p.kept.close()
		return nil, nil, openError(err)
	}
	c := &dialChannel{far: far, in: p.kept[0], out: p.kept[1]}
	requests := make(chan *ssh.Request)
	go func() { // ends with the connection, which Close or the end of the Client ends
		defer close(requests)
		a.client.accompany(far)
	}()
	return c, requests, nil
}

// accompany waits for the end of a passenger, which the end of the Client is.
func (c *Client) accompany(p *Passenger) {
	select {
	case <-p.Done():
	case <-c.done:
		_ = p.Close() // the master has ended, or is to end it
		<-p.Done()
	}
}

// openError is a refusal as x/crypto/ssh has it.
func openError(err error) error {
	var refused *Refused
	if errors.As(err, &refused) {
		return &ssh.OpenChannelError{Reason: ssh.ConnectionFailed, Message: refused.Reason}
	}
	return err
}

// directTo is where a channel leads, as direct has written it.
func directTo(name string, data []byte) (to Address, ok bool) {
	switch name {
	case "direct-streamlocal@openssh.com":
		var m rfc4254.Socket
		err := ssh.Unmarshal(data, &m)
		return Address{Path: m.Path}, err == nil
	case "direct-tcpip":
		var m rfc4254.TCP
		err := ssh.Unmarshal(data, &m)
		return Address{Host: m.Host, Port: int(m.Port)}, err == nil
	}
	return to, false
}

// dialChannel is a connection from the far side.
type dialChannel struct {
	far     *Passenger
	in, out *os.File // to the master and from it
}

func (c *dialChannel) Read(p []byte) (int, error)  { return readPipe(c.out, p) }
func (c *dialChannel) Write(p []byte) (int, error) { return writePipe(c.in, p) }
func (c *dialChannel) CloseWrite() error           { return closeAgain(c.in) }
func (c *dialChannel) Stderr() io.ReadWriter       { return nowhere{} }

func (c *dialChannel) Close() error {
	return errors.Join(c.far.Close(), closeAgain(c.in), closeAgain(c.out))
}

func (c *dialChannel) SendRequest(string, bool, []byte) (bool, error) { return false, nil }

// Close implements ssh.Conn.
func (a *Aboard) Close() error { return a.client.Close() }

// Wait implements ssh.Conn.
func (a *Aboard) Wait() error {
	<-a.client.done
	return ErrEnded
}

// SendRequest implements ssh.Conn: there are none.
func (a *Aboard) SendRequest(string, bool, []byte) (bool, []byte, error) {
	return false, nil, errors.ErrUnsupported
}

// What a master does not tell of its connection.
func (a *Aboard) User() string          { return "" }
func (a *Aboard) SessionID() []byte     { return nil }
func (a *Aboard) ClientVersion() []byte { return nil }
func (a *Aboard) ServerVersion() []byte { return nil }

func (a *Aboard) RemoteAddr() net.Addr { return a.client.line.RemoteAddr() }
func (a *Aboard) LocalAddr() net.Addr  { return a.client.line.LocalAddr() }
