package sessions

import (
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/transport"
)

// lendAgent lends the caller's agent if value, of ForwardAgent, says so. One
// that does not answer now is not offered (check_agent_present in ssh.c).
func (l *lender) lendAgent(value string, host *config.Host, env transport.Env) {
	socket := agentSocket(value, host, env)
	if socket == "" {
		return
	}
	c, err := dial("unix", socket)
	if err != nil {
		return
	}
	_ = c.Close() // it was only to see whether an agent is there
	l.agent = socket
}

// agentSocket reads ForwardAgent: a switch, the path of a socket, or a
// variable of the caller's that holds one.
func agentSocket(value string, host *config.Host, env transport.Env) string {
	switch strings.ToLower(value) {
	case "", "no", "false":
		return ""
	case "yes", "true":
		return transport.AgentSocket(host, env)
	}
	if name, ok := strings.CutPrefix(value, "$"); ok {
		return env.Get(name)
	}
	return value
}

// agent serves one channel with one connection to the agent of the latest
// session that forwards its own.
func (p *peers) agent(c ssh.NewChannel) {
	lenders := p.those(func(s *lender) bool { return s.agent != "" })
	if len(lenders) == 0 {
		p.unasked(c, "agent", func(l lent) bool { return l.agent })
		return
	}
	near, err := p.dialAgent(lenders[0].agent)
	if err != nil {
		refuse(c)
		return
	}
	far, requests, err := c.Accept()
	if err != nil {
		_ = near.Close() // it was not used
		return
	}
	go ssh.DiscardRequests(requests) // ends with the channel
	splice(far, near)
}

// dialAgent connects to the agent and tells it to which host it is lent:
// client_request_agent (clientloop.c). Only an agent that keeps a key to some
// hosts cares.
func (p *peers) dialAgent(socket string) (net.Conn, error) {
	near, err := dial("unix", socket)
	if err != nil {
		return nil, err
	}
	binding, known := p.conn.Binding()
	if !known {
		return near, nil
	}
	binding.Forwarded = true
	hangs := time.AfterFunc(dialLimit, func() { near.Close() })
	_ = binding.Tell(near) // one that refuses is as good as before
	if !hangs.Stop() {
		return nil, os.ErrDeadlineExceeded
	}
	return near, nil
}
