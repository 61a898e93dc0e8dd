package transport

import (
	"context"
	"sync"
	"sync/atomic"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/keys"
)

// SessionChannel is a session of RFC 4254 section 6 in which nothing was
// asked for yet.
type SessionChannel struct {
	ssh.Channel
	Requests <-chan *ssh.Request // from the far side; they have to be taken

	conn     *Conn
	terminal atomic.Bool // it was asked for
}

// SendRequest implements ssh.Channel.
func (s *SessionChannel) SendRequest(name string, wantReply bool, payload []byte) (bool, error) {
	switch name {
	case "pty-req":
		s.terminal.Store(true)
	case "shell", "exec", "subsystem":
		defer s.conn.wire.relax()
	}
	return s.Channel.SendRequest(name, wantReply, payload)
}

// keyLength is of what was typed, in bytes: what is longer was not.
const keyLength = 64

// Write implements ssh.Channel. A key goes at once.
func (s *SessionChannel) Write(p []byte) (int, error) {
	n, err := s.Channel.Write(p)
	if len(p) <= keyLength && s.terminal.Load() {
		s.conn.hurry()
		s.conn.typing()
		if told := s.conn.typed; told != nil {
			told()
		}
	}
	return n, err
}

// hurry writes what waits, on the connection and on those below it.
func (c *Conn) hurry() {
	for ; c != nil; c = c.via {
		c.wire.outbox.push(c.wire.brisk)
	}
}

// OpenSession opens a session channel, or takes the spare one. It leaves all
// requests to the caller, who so knows how a subsystem ends.
func (c *Conn) OpenSession(ctx context.Context) (*SessionChannel, error) {
	defer c.replenish()
	if ready := c.spare.take(); ready != nil {
		return ready, nil
	}
	channel, err := c.openSession(ctx)
	if err != nil {
		return nil, c.explainSession(ctx, err)
	}
	return channel, nil
}

// openSession is a fresh one, with the errors as they come.
func (c *Conn) openSession(ctx context.Context) (*SessionChannel, error) {
	open := func() (*SessionChannel, error) {
		channel, requests, err := c.client.OpenChannel("session", nil)
		return &SessionChannel{Channel: channel, Requests: requests, conn: c}, err
	}
	return inTime(ctx, c, open, func(late *SessionChannel) {
		go ssh.DiscardRequests(late.Requests) // ends with the channel
		late.Close()
	})
}

// Incoming hands over the channels of a kind that the far side opens; those
// of other kinds are refused. It is called once for a kind, and the channels
// have to be taken until the connection ends.
func (c *Conn) Incoming(kind string) <-chan ssh.NewChannel { return c.client.HandleChannelOpen(kind) }

// AgentSocket is where the agent of a host listens for this caller, "" for
// none: IdentityAgent, else SSH_AUTH_SOCK.
func AgentSocket(h *config.Host, env Env) string { return agentSocket(h, env) }

// Binding proves to an agent which host this is a connection to. It is not
// known of a connection that an ssh has made, which binds agents itself.
func (c *Conn) Binding() (b keys.Binding, known bool) {
	b.HostKey, b.Signature = c.wire.proof()
	b.Session = c.client.SessionID()
	return b, b.Signature != nil
}

// belongings are what others keep for as long as a connection lives.
type belongings struct {
	mu  sync.Mutex // guards all
	all map[any]any
}

// Belonging is what the connection keeps under a key, made when it is first
// asked for. A key is of a type of its owner's, so that no two owners share
// one by chance.
func (c *Conn) Belonging(key any, make func() any) any {
	b := &c.belongings
	b.mu.Lock()
	defer b.mu.Unlock()
	if v, ok := b.all[key]; ok {
		return v
	}
	if b.all == nil {
		b.all = map[any]any{}
	}
	b.all[key] = make()
	return b.all[key]
}
