package mux

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"

	"golang.org/x/crypto/ssh"
)

// Proxy implements Handler: the channels of a client that speaks bare SSH
// messages are joined with channels of the shared connection. The client gets
// sessions, connections from the far side and, with Listen, remote forwards.
//
// x/crypto/ssh has the client's side of proxy mode only. Behind the greeting
// both sides are alike.
func (c *Channels) Proxy(ctx context.Context, conn net.Conn) error {
	down, opens, requests, err := ssh.NewControlClientConn(newGreeted(conn))
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { down.Close() })()
	var relays sync.WaitGroup
	forwards := &farListeners{channels: c, conn: down, open: map[string]func(){}}
	relays.Go(func() { forwards.serve(ctx, requests) }) // ends with the connection
	for open := range opens {
		relays.Go(func() { c.relay(ctx, down, open) }) // ends with the channel
	}
	relays.Wait()
	return down.Wait()
}

// relayed are the channels that a client may open.
var relayed = []string{"session", "direct-tcpip", "direct-streamlocal@openssh.com"}

// relay joins one channel of a client with one of the far side.
func (c *Channels) relay(ctx context.Context, conn ssh.Conn, open ssh.NewChannel) {
	if !slices.Contains(relayed, open.ChannelType()) {
		_ = open.Reject(ssh.UnknownChannelType, "unsupported channel type") // a client that has gone needs no answer
		return
	}
	up, upRequests, err := c.Conn.OpenChannel(ctx, open.ChannelType(), open.ExtraData())
	if err != nil {
		reason, message := ssh.ConnectionFailed, "open failed"
		if refused := new(ssh.OpenChannelError); errors.As(err, &refused) {
			reason, message = refused.Reason, refused.Message
		}
		_ = open.Reject(reason, message) // a client that has gone needs no answer
		return
	}
	down, downRequests, err := open.Accept()
	if err != nil {
		_ = up.Close() // nothing was said on it
		return
	}
	r := &relay{channels: c, conn: conn, down: down, up: up, started: make(chan struct{}), loan: Loan{End: func() {}}}
	if open.ChannelType() != "session" {
		r.start()
	}
	go r.upward(ctx, downRequests) // ends with the client's channel
	r.downward(ctx, upRequests)
}

// relay is a pair of channels.
type relay struct {
	channels *Channels
	conn     ssh.Conn // of the client
	down, up ssh.Channel

	// started is closed once a session has its program: sshd drops what it
	// gets before.
	started chan struct{}
	once    sync.Once

	loan Loan // touched only by upward
}

func (r *relay) start() { r.once.Do(func() { close(r.started) }) }

// upward passes on a client's requests and input, until its channel is
// closed.
func (r *relay) upward(ctx context.Context, requests <-chan *ssh.Request) {
	ended := make(chan struct{})
	defer close(ended)
	defer func() { r.loan.End() }()
	go func() { // ends with the channel
		select {
		case <-r.started:
			send(r.up, r.down)
		case <-ended:
		}
	}()
	for request := range requests {
		ok, err := false, error(nil)
		if r.permits(ctx, request.Type) {
			ok, err = r.up.SendRequest(request.Type, request.WantReply, request.Payload)
		}
		if request.WantReply {
			err = errors.Join(err, request.Reply(ok, nil))
		}
		if err != nil {
			break
		}
		if slices.Contains(programs, request.Type) {
			r.start()
		}
	}
	for range requests { // what comes now is too late
	}
	_ = r.up.Close() // the client's channel is closed, so this one is to be
}

// programs are the requests that start one.
var programs = []string{"shell", "exec", "subsystem"}

// permits tells whether a request may be passed on. The agent is that of the
// master's user, as with OpenSSH's masters.
func (r *relay) permits(ctx context.Context, request string) bool {
	switch request {
	case "auth-agent-req@openssh.com":
		r.loan.End()
		r.loan = r.channels.lend(ctx, Spec{Agent: true})
		return r.loan.Agent
	case "x11-req":
		return false // there is nobody to answer for the display
	}
	return true
}

// downward passes on the far side's output, and last how it ended, so that a
// client does not take a connection that broke for the end of a program.
func (r *relay) downward(ctx context.Context, requests <-chan *ssh.Request) {
	ended := make(chan struct{})
	go r.output(ended)
	var last []*ssh.Request
	for request := range requests {
		if request.Type == "exit-status" || request.Type == "exit-signal" {
			last = append(last, request)
			continue
		}
		pass(r.down, request)
	}
	<-ended
	if r.channels.Conn.Outlives(ctx) != nil {
		_ = r.conn.Close() // it ends as the far side's has
		return
	}
	for _, request := range last {
		pass(r.down, request)
	}
	_ = r.down.Close() // a client that has gone needs no end
}

// output copies both streams, and their one end.
func (r *relay) output(ended chan<- struct{}) {
	defer close(ended)
	var both sync.WaitGroup
	both.Go(func() { drain(r.down, r.up) })
	both.Go(func() { drain(r.down.Stderr(), r.up.Stderr()) })
	both.Wait()
	_ = r.down.CloseWrite() // a client that has gone needs no end
}

// drain copies until in ends. What the other side does not take is read all
// the same, or else nothing would come on the other stream either.
func drain(out io.Writer, in io.Reader) {
	if err := transfer(out, in); err != nil {
		_, _ = io.Copy(io.Discard, in) // it ends with the channel
	}
}

// pass hands on a request, and its answer.
func pass(to ssh.Channel, request *ssh.Request) {
	ok, _ := to.SendRequest(request.Type, request.WantReply, request.Payload) // a client that has gone says no
	if request.WantReply {
		_ = request.Reply(ok, nil) // what is wrong with the connection, the copies will see
	}
}
