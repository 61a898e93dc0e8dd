package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"sallyport/api"
	"sallyport/keys"
)

// enroll has ssh-keygen make a key in a FIDO token: it asks for the PIN and the
// touch. Its file holds only the handle by which the token finds the key, so
// that it may be without a passphrase until it is written where it belongs.
func (a *app) enroll(ctx context.Context, n newKey) (*keys.Secret, error) {
	program, err := exec.LookPath("ssh-keygen")
	if err != nil {
		return nil, &api.Error{
			Code:    "no-ssh-keygen",
			Message: "a key in a FIDO token is made by ssh-keygen, which is not installed",
			Hints:   []string{"apt-get install openssh-client"},
		}
	}
	dir, err := os.MkdirTemp("", "sallyport-key-*") // mode 0700
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "id")
	cmd := exec.CommandContext(ctx, program, "-q", "-t", n.spec.Type, "-N", "", "-C", n.spec.Comment, "-f", path)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.In, a.Err, a.Err
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("ssh-keygen did not make the key: %w", err)
	}
	opened, err := keys.Open(ctx, path, nil)
	if err != nil {
		return nil, err
	}
	return opened.Secret, nil
}
