package keys

import (
	"context"

	"golang.org/x/crypto/ssh"
)

// Passphrase asks for the passphrase of the key file at path. tries counts
// from 1. An error ends the asking. The slice is wiped after use.
type Passphrase func(ctx context.Context, path string, tries int) ([]byte, error)

// Key is a key that can sign: from a file or from an agent.
type Key struct {
	Signer  ssh.Signer // asks for the passphrase at the first signature, not before
	Public  ssh.PublicKey
	Path    string // the file, as configured; "" when only the agent has it
	Comment string // the agent's or the file's comment
	InAgent bool
}
