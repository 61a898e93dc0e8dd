package api

import (
	"fmt"
	"os"

	validator "github.com/wagslane/go-password-validator"

	"sallyport/internal/nss"
	"sallyport/keys"
)

// NewKey is a key pair that is to be made.
type NewKey struct {
	Spec   keys.Spec
	Path   string // of the private half; the public one is Path.pub
	Rounds int    // of bcrypt, from 1 to keys.MaxRounds
}

// MadeKey is a new key pair, in the words of "key ls".
type MadeKey struct {
	*keys.Facts
	Randomart string `json:"randomart"`
}

// MakeKey makes a key pair that is in no token, protected by a passphrase
// unless that is empty. No file is written over.
func MakeKey(n NewKey, passphrase []byte) (*MadeKey, error) {
	secret, err := keys.Generate(n.Spec)
	if err != nil {
		return nil, err
	}
	return n.Keep(secret, passphrase)
}

// Keep writes a private key and its public half.
func (n NewKey) Keep(secret *keys.Secret, passphrase []byte) (*MadeKey, error) {
	private, err := secret.Encode(passphrase, n.Rounds)
	if err != nil {
		return nil, err
	}
	defer clear(private)
	if err := keys.Create(n.Path, private, secret.AuthorizedLine()); err != nil {
		return nil, err
	}
	facts, err := keys.Inspect(n.Path)
	if err != nil {
		return nil, err
	}
	return &MadeKey{facts, keys.Randomart(facts.Public)}, nil
}

// VacantKey tells before any question that a key would be in the way, and the
// command that goes around it.
func VacantKey(path, around string) error {
	for _, taken := range []string{path, path + ".pub"} {
		if _, err := os.Lstat(taken); err == nil {
			return &Error{
				Code:    "key-exists",
				Message: fmt.Sprintf("%q exists already; it was left as it is", taken),
				Hints:   []string{around},
			}
		}
	}
	return nil
}

// KeyComment is the comment that ssh-keygen writes: who has made the key, and
// where.
func KeyComment() string {
	host, _ := os.Hostname() // a comment may do without
	if u, err := nss.CurrentUser(); err == nil {
		return u.Username + "@" + host
	}
	return host
}

// PassphraseStrength says what a passphrase is worth against somebody who has
// the file. No list of words is at hand, which would be read at each start of
// any command: well-known ones are worth less than is said.
func PassphraseStrength(passphrase []byte) string {
	// The library takes a string, of which it keeps nothing.
	bits := validator.GetEntropy(string(passphrase))
	verdict := "strong"
	switch {
	case bits < 60:
		verdict = "weak; four or five random words are better"
	case bits < 80:
		verdict = "fair"
	}
	return fmt.Sprintf("strength: about %.0f bits if nobody can guess its words: %s", bits, verdict)
}
