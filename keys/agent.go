package keys

import (
	"context"
	"fmt"
	"io"
	"net"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// Agent is a connection to an ssh-agent.
type Agent struct {
	Socket string

	ctx    context.Context // of DialAgent
	conn   net.Conn
	client agent.ExtendedAgent
	stop   func() bool
}

// DialAgent connects to the agent at the unix socket. The end of ctx breaks
// the connection, also while the agent waits for its owner to confirm a
// signature. Close ends it otherwise.
func DialAgent(ctx context.Context, socket string) (*Agent, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("connecting to the agent at %q: %w", socket, err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	return &Agent{Socket: socket, ctx: ctx, conn: conn, client: agent.NewClient(conn), stop: stop}, nil
}

// Close ends the connection; the agent's keys cannot sign any more.
func (a *Agent) Close() error {
	a.stop()
	return a.conn.Close()
}

// Keys lists the agent's keys in its order, certificates among them. Those of
// types that are unknown here are left out.
func (a *Agent) Keys() ([]*Key, error) {
	list, err := a.client.List()
	if err != nil {
		return nil, fmt.Errorf("listing the agent's keys: %w", plainWords(err))
	}
	var all []*Key
	for _, entry := range list {
		public, err := ssh.ParsePublicKey(entry.Blob)
		if err != nil {
			continue
		}
		all = append(all, &Key{
			Signer:  &agentSigner{agent: a.client, public: public},
			Public:  public,
			Comment: entry.Comment,
			InAgent: true,
		})
	}
	return all, nil
}

// Remove makes the agent forget a key. A certificate is a key of its own.
func (a *Agent) Remove(key ssh.PublicKey) error {
	if err := a.client.Remove(key); err != nil {
		return fmt.Errorf("the agent did not remove the key: %w", plainWords(err))
	}
	return nil
}

// RemoveAll makes the agent forget all keys.
func (a *Agent) RemoveAll() error {
	if err := a.client.RemoveAll(); err != nil {
		return fmt.Errorf("the agent did not remove its keys: %w", plainWords(err))
	}
	return nil
}

// Lock makes the agent show and use no key until Unlock.
func (a *Agent) Lock(passphrase []byte) error {
	if err := a.client.Lock(passphrase); err != nil {
		return fmt.Errorf("the agent did not lock itself: %w", plainWords(err))
	}
	return nil
}

// Unlock undoes Lock.
func (a *Agent) Unlock(passphrase []byte) error {
	if err := a.client.Unlock(passphrase); err != nil {
		return fmt.Errorf("the agent did not unlock itself: %w", plainWords(err))
	}
	return nil
}

// agentSigner has the agent sign.
type agentSigner struct {
	agent  agent.ExtendedAgent
	public ssh.PublicKey
}

func (s *agentSigner) PublicKey() ssh.PublicKey { return s.public }

func (s *agentSigner) Algorithms() []string { return SignatureAlgorithms(s.public) }

func (s *agentSigner) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	return s.SignWithAlgorithm(rand, data, "")
}

// SignWithAlgorithm asks for the hash of an RSA signature by the flags of
// draft-miller-ssh-agent section 4.5.1.
func (s *agentSigner) SignWithAlgorithm(_ io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	var flags agent.SignatureFlags
	switch algorithm {
	case ssh.KeyAlgoRSASHA256:
		flags = agent.SignatureFlagRsaSha256
	case ssh.KeyAlgoRSASHA512:
		flags = agent.SignatureFlagRsaSha512
	}
	signature, err := s.agent.SignWithFlags(s.public, data, flags)
	if err != nil {
		return nil, fmt.Errorf("the agent did not sign: %w", plainWords(err))
	}
	return signature, nil
}
