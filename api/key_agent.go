package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/keys"
)

// AddedKey is a key that an agent has taken.
type AddedKey struct {
	Path        string   `json:"path"`
	Type        string   `json:"type"`
	SHA256      string   `json:"sha256"`
	Comment     string   `json:"comment"`
	Certificate string   `json:"certificate,omitempty"` // its ID
	Lifetime    int      `json:"lifetime_seconds,omitempty"`
	Confirm     bool     `json:"confirm"`
	Only        []string `json:"only,omitempty"` // as it was asked for
}

// AddToAgent gives the key in a file to an agent, with the certificate beside
// it.
func AddToAgent(ctx context.Context, agent *keys.Agent, path string, ask keys.Passphrase, c keys.Constraints) (*AddedKey, error) {
	if err := keys.CheckMode(path); err != nil {
		return nil, err
	}
	opened, err := keys.Open(ctx, path, ask)
	if err != nil {
		return nil, err
	}
	defer opened.Wipe()
	cert, err := certificateOf(opened)
	if err != nil {
		return nil, err
	}
	if err := agent.AddOpened(opened, cert, tokenProvider(), c); err != nil {
		return nil, err
	}
	added := &AddedKey{
		Path: path, Type: keys.TypeName(opened.Public), SHA256: keys.Fingerprint(opened.Public), Comment: opened.AgentComment(),
		Lifetime: int(c.Lifetime / time.Second), Confirm: c.Confirm,
	}
	if cert != nil {
		added.Certificate = cert.KeyId
	}
	return added, nil
}

// certificateOf is the certificate beside a key, nil for none.
func certificateOf(o *keys.Opened) (*ssh.Certificate, error) {
	cert, err := keys.LoadCertificate(o.Path + "-cert.pub")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !keys.Equal(cert.Key, o.Public):
		return nil, fmt.Errorf("the certificate %q is not of the key beside it", o.Path+"-cert.pub")
	}
	return cert, nil
}

// tokenProvider is the library by which the agent speaks with FIDO tokens, as
// ssh-add finds it.
func tokenProvider() string {
	if named := os.Getenv("SSH_SK_PROVIDER"); named != "" {
		return named
	}
	return "internal"
}

// errNoAgent says how to come by an agent.
var errNoAgent = &Error{Code: CodeNotFound, Message: "there is no agent: SSH_AUTH_SOCK is not set", Hints: []string{`eval "$(sallyport agent start)"`}}

// Hold gives the pair to the agent at a socket, and asks for its passphrase.
func (k *KeyPair) Hold(ctx context.Context, socket string, ask Interview) error {
	return withAgent(ctx, socket, func(agent *keys.Agent) error {
		_, err := AddToAgent(ctx, agent, k.Path, ask.Passphrase, keys.Constraints{})
		return err
	})
}

// Forget has the agent at a socket forget the pair, with its certificates.
func (k *KeyPair) Forget(ctx context.Context, socket string) error {
	return withAgent(ctx, socket, func(agent *keys.Agent) error {
		held, err := agent.Keys()
		if err != nil {
			return err
		}
		for _, h := range held {
			if keys.Equal(keys.Plain(h.Public), keys.Plain(k.Public)) {
				if err := agent.Remove(h.Public); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func withAgent(ctx context.Context, socket string, f func(*keys.Agent) error) error {
	if socket == "" {
		return errNoAgent
	}
	agent, err := keys.DialAgent(ctx, socket)
	if err != nil {
		return err
	}
	defer agent.Close()
	return f(agent)
}

// passphraseTries is how often the passphrase of a file is asked for:
// NumberOfPasswordPrompts of ssh_config(5).
const passphraseTries = 3

// Passphrase is a keys.Passphrase.
func (i Interview) Passphrase(ctx context.Context, path string, try int) ([]byte, error) {
	if try > passphraseTries {
		return nil, errors.New("the passphrase is wrong")
	}
	shown := config.Printable(path)
	answer, err := i.Ask(ctx, Question{Kind: AskPassphrase, Host: shown, File: shown, Title: "The key is locked.", Prompts: []Prompt{{Text: "Passphrase"}}, Try: try})
	if err != nil || len(answer.Texts) != 1 {
		answer.Wipe()
		return nil, errors.Join(err, ctx.Err())
	}
	return answer.Texts[0], nil
}
