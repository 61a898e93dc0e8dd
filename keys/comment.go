package keys

import (
	"bytes"
	"crypto/sha256"
	"errors"

	"golang.org/x/crypto/ssh"
)

// HoldsComment tells whether a private key file of this format has room for a
// comment.
func (l Lock) HoldsComment() bool {
	return l.Format == FormatOpenSSH || l.Format == FormatPuTTY
}

// SetComment writes another comment into the private key file. The passphrase
// stays, and so does what slows down who guesses it.
func (o *Opened) SetComment(comment string) error {
	renamed := *o.Secret
	renamed.Comment = comment
	text, err := renamed.encodeAs(o.Lock, o.Passphrase)
	if err != nil {
		return err
	}
	defer clear(text)
	next := *o
	next.Secret = &renamed
	return next.replace(text, o.Passphrase)
}

var errNoRoom = errors.New("its format has no room for a comment")

// encodeAs is the text of a private key file as lock describes it.
func (s *Secret) encodeAs(lock Lock, passphrase []byte) ([]byte, error) {
	switch lock.Format {
	case FormatPuTTY:
		return s.EncodePPK(passphrase, lock.Version)
	case FormatOpenSSH:
		return s.Encode(passphrase, int(lock.Rounds))
	}
	return nil, errNoRoom
}

// SetPublicComment writes another comment behind key in the .pub file at path.
// It fails if that is another key's.
func SetPublicComment(path string, key ssh.PublicKey, comment string) error {
	if err := CheckComment(comment); err != nil {
		return err
	}
	data, err := readFile(path)
	if err != nil {
		return err
	}
	text, ok := withComment(data, key, comment)
	if !ok {
		return &FileError{path, errMismatch}
	}
	return replace(path, sha256.Sum256(data), text, func(data []byte) error {
		if _, written, ok := ParsePublic(data); !ok || written != comment {
			return errors.New("its comment is another")
		}
		return nil
	})
}

// withComment changes the line of key, the first of the file that is a key;
// other lines stay as they are.
func withComment(data []byte, key ssh.PublicKey, comment string) (text []byte, ok bool) {
	for line := range bytes.Lines(data) {
		public, _, found := ParsePublic(line)
		if found && !ok {
			if !Equal(public, key) {
				return nil, false
			}
			line, ok = PublicLine(key, comment), true
		}
		text = append(text, line...)
	}
	return text, ok
}
