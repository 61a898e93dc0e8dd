package keys

import (
	"context"
	"crypto"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// Constraints limit what an agent does with a key
// (draft-miller-ssh-agent section 4.2.6).
type Constraints struct {
	Lifetime time.Duration // 0 is for ever
	Confirm  bool          // the agent asks before each signature
	Only     []Destination // where the key may log in; none is everywhere
}

// Add hands the private half of k, which its file has, to the agent, under the
// comment that is in the file, which may be empty; else, as in PEM, under its
// path: maybe_add_key_to_agent (sshconnect.c).
func (a *Agent) Add(k *Key, c Constraints) error {
	if k.file == nil {
		return nil
	}
	half, err := k.file.unlock()
	if err != nil {
		return err
	}
	if _, ok := half.raw.(*tokenKey); ok {
		return fmt.Errorf("the agent takes a security key from ssh-add only")
	}
	comment := half.comment
	if comment == nil {
		comment = &k.Path
	}
	return a.add(half.raw, nil, *comment, c)
}

// AddOpened hands an opened key file to the agent, under the comment that is in
// the file, else under its path, as add_file (ssh-add.c) does; and once more by
// its certificate, if cert is not nil. provider is the library that speaks with
// the token of a security key.
func (a *Agent) AddOpened(o *Opened, cert *ssh.Certificate, provider string, c Constraints) error {
	if token, ok := o.raw.(*tokenKey); ok {
		return a.addToken(token, o.AgentComment(), provider, c)
	}
	if err := a.add(o.raw, nil, o.AgentComment(), c); err != nil || cert == nil {
		return err
	}
	return a.add(o.raw, cert, o.AgentComment(), c)
}

// AgentComment is the name under which an agent shows the key. In PEM a file
// holds no comment.
func (o *Opened) AgentComment() string {
	if o.Comment == "" || o.Lock.Format == FormatPEM || o.Lock.Format == FormatPKCS8 {
		return o.Path
	}
	return o.Comment
}

func (a *Agent) add(key crypto.PrivateKey, cert *ssh.Certificate, comment string, c Constraints) error {
	err := a.client.Add(agent.AddedKey{
		PrivateKey:           key,
		Certificate:          cert,
		Comment:              comment,
		LifetimeSecs:         c.seconds(),
		ConfirmBeforeUse:     c.Confirm,
		ConstraintExtensions: c.extensions(),
	})
	if err != nil {
		return fmt.Errorf("the agent did not take the key: %w", plainWords(err))
	}
	return nil
}

func (c Constraints) seconds() uint32 { return uint32(c.Lifetime / time.Second) }

func (c Constraints) extensions() []agent.ConstraintExtension {
	if len(c.Only) == 0 {
		return nil
	}
	return []agent.ConstraintExtension{{ExtensionName: restrictDestination, ExtensionDetails: marshalDestinations(c.Only)}}
}

// The numbers of draft-miller-ssh-agent section 5, for the message that the
// library does not know.
const (
	agentSuccess           = 6
	agentAddIDConstrained  = 25
	agentConstrainLifetime = 1
	agentConstrainConfirm  = 2
	agentConstrainExtended = 255
)

// skProvider names the library of a security key to the agent (authfd.c).
const skProvider = "sk-provider@openssh.com"

// addToken hands over what stands for a key in a FIDO token.
func (a *Agent) addToken(key *tokenKey, comment, provider string, c Constraints) error {
	message := append([]byte{agentAddIDConstrained}, key.serialized...)
	message = append(message, ssh.Marshal(struct{ Comment string }{comment})...)
	if c.Lifetime != 0 {
		message = append(message, ssh.Marshal(struct {
			Kind    byte
			Seconds uint32
		}{agentConstrainLifetime, c.seconds()})...)
	}
	if c.Confirm {
		message = append(message, agentConstrainConfirm)
	}
	extensions := append([]agent.ConstraintExtension{{ExtensionName: skProvider, ExtensionDetails: []byte(provider)}}, c.extensions()...)
	for _, e := range extensions {
		message = append(message, ssh.Marshal(struct {
			Kind    byte
			Name    string
			Details []byte
		}{agentConstrainExtended, e.ExtensionName, e.ExtensionDetails})...)
	}
	if err := a.request(message); err != nil {
		return fmt.Errorf("the agent did not take the security key, with %q as its provider: %w", provider, err)
	}
	return nil
}

// request asks for something by a message of ours, on a connection of its own:
// the other one is the library's.
func (a *Agent) request(message []byte) error {
	conn, err := new(net.Dialer).DialContext(a.ctx, "unix", a.Socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(a.ctx, func() { conn.Close() })()
	framed := append(binary.BigEndian.AppendUint32(nil, uint32(len(message))), message...)
	if _, err := conn.Write(framed); err != nil {
		return err
	}
	reply := make([]byte, 5)
	if _, err := io.ReadFull(conn, reply); err != nil {
		return err
	}
	if reply[4] != agentSuccess {
		return errors.New("failure")
	}
	return nil
}
