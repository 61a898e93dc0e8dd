package transport

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"sallyport/config"
)

// hostKeys stands in until the real one is there: known keys only.
type hostKeys struct{ known ssh.HostKeyCallback }

func newHostKeys(ctx context.Context, h *config.Host, env Env, ask askFunc) (*hostKeys, error) {
	known, err := knownhosts.New(strings.Fields(h.Get("UserKnownHostsFile"))...)
	return &hostKeys{known}, err
}

func (k *hostKeys) algorithms() []string { return nil }

func (k *hostKeys) check(hostname string, remote net.Addr, key ssh.PublicKey) error {
	if err := k.known(hostname, remote, key); err != nil {
		return &Failure{Code: "hostkey-unknown", Message: fmt.Sprintf("the host key of %q is not known: %v", hostname, err)}
	}
	return nil
}

// auth stands in until the real one is there: plain key files only.
type auth struct {
	h   *config.Host
	ask askFunc
}

func newAuth(ctx context.Context, h *config.Host, env Env, ask askFunc, step func(string)) *auth {
	return &auth{h, ask}
}

func (a *auth) next(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	if len(c.TriedMethods) > 1 {
		return nil, nil
	}
	files, _ := a.h.IdentityFiles()
	var signers []ssh.Signer
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		s, err := ssh.ParsePrivateKey(text)
		if err != nil {
			return nil, err
		}
		signers = append(signers, s)
	}
	return ssh.PublicKeys(signers...), nil
}

func (a *auth) explain(err error) *Failure {
	if strings.Contains(err.Error(), "unable to authenticate") {
		return &Failure{Code: CodeAuth, Message: err.Error()}
	}
	return nil
}

func (a *auth) close() {}
