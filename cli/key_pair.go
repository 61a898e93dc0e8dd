package cli

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"sallyport/api"
	"sallyport/keys"
)

// privatePath is the path of the private half of a pair of which either half
// is named.
func privatePath(path string) string {
	return strings.TrimSuffix(filepath.Clean(path), ".pub")
}

// inspectPair looks at a pair of which either half is named.
func inspectPair(path string) (*keys.Facts, error) {
	facts, err := keys.Inspect(privatePath(path))
	return facts, noSuchKey(err)
}

// openKey reads a private key, and asks for its passphrase.
func openKey(ctx context.Context, path string) (*keys.Opened, error) {
	return openKeyBy(ctx, path, filePassphrase)
}

func openKeyBy(ctx context.Context, path string, ask keys.Passphrase) (*keys.Opened, error) {
	opened, err := keys.Open(ctx, path, ask)
	return opened, noSuchKey(unanswered(err, askpassHint))
}

// noSuchKey says where keys are listed if there is none of the name.
func noSuchKey(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) && errors.Is(err, fs.ErrNotExist) {
		return &api.Error{
			Code:    api.CodeNotFound,
			Message: api.Printable(err.Error()),
			Hints:   []string{"the keys that you have: sallyport key ls"},
		}
	}
	return err
}

// word is a path as a word of a shell, for a hint.
func word(path string) string { return api.Printable(shellescape.Quote(path)) }

// backups is where a key is kept that goes out of use.
func (a *app) backups() (string, error) {
	dirs, err := a.dirs()
	return filepath.Join(dirs.State, "backups", "keys"), err
}
