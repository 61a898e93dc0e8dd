package keys

import (
	"fmt"
	"io"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// sessionBind is the request that names the SSH connection which a connection
// to the agent is for ([PROTOCOL.agent] section 1).
const sessionBind = "session-bind@openssh.com"

// Binding proves to an agent which host an SSH connection leads to. Without it
// an agent signs with no key that is kept to some hosts, see Destination.
type Binding struct {
	HostKey   []byte // as the host sent it
	Session   []byte // the session identifier (RFC 4253 section 7.2)
	Signature []byte // of Session, by HostKey
	Forwarded bool   // the host is lent the agent, rather than logged in to
}

// Bind tells the agent what the connection to it is for; Keys then has those
// that may be used for that. An agent that knows no bindings refuses, and
// serves as before.
func (a *Agent) Bind(b Binding) error { return b.tell(a.client) }

// Tell is Bind on a connection to an agent that somebody else will use: not a
// byte beyond the answer is read.
func (b Binding) Tell(conn io.ReadWriter) error {
	return b.tell(agent.NewClient(struct{ io.ReadWriter }{conn})) // a Closer would be read ahead
}

func (b Binding) tell(a agent.ExtendedAgent) error {
	if _, err := a.Extension(sessionBind, ssh.Marshal(b)); err != nil {
		return fmt.Errorf("the agent took no binding: %w", plainWords(err))
	}
	return nil
}
