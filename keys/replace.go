package keys

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// SetPassphrase writes the private key file anew with another passphrase, or
// without one if that is empty: in OpenSSH's format whatever it was, but for a
// .ppk, which stays one. rounds are those of Encode.
func (o *Opened) SetPassphrase(passphrase []byte, rounds int) error {
	lock := o.Lock
	if lock.Format != FormatPuTTY {
		lock = Lock{Format: FormatOpenSSH, Rounds: uint32(rounds)}
	}
	text, err := o.encodeAs(lock, passphrase)
	if err != nil {
		return err
	}
	defer clear(text)
	return o.replace(text, passphrase)
}

// replace puts text in the place of the file that o was read from, once it has
// been proved to open with passphrase to the same key and comment.
func (o *Opened) replace(text, passphrase []byte) error {
	return replace(o.Path, o.sum, text, func(data []byte) error {
		if len(passphrase) == 0 {
			passphrase = nil
		}
		again, err := decode(data, passphrase)
		if err != nil {
			return err
		}
		return o.same(again)
	})
}

// same tells what is wrong unless both are one key with one comment.
func (s *Secret) same(other *Secret) error {
	mine, err := s.serialize()
	defer clear(mine)
	if err != nil {
		return err
	}
	theirs, err := other.serialize()
	defer clear(theirs)
	switch {
	case err != nil:
		return err
	case !bytes.Equal(mine, theirs) || !Equal(s.Public, other.Public):
		return errors.New("it is another key")
	case s.Comment != other.Comment:
		return errors.New("its comment is another")
	}
	return nil
}

// replace puts text in the place of the file at path, which holds what has the
// hash was, with its mode and owner. The old file stays until prove has read
// the new one: whatever happens, one of the two is there whole. A link stays
// what it is, and the file that it names is replaced.
func replace(path string, was [sha256.Size]byte, text []byte, prove func(data []byte) error) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(real)
	if err != nil {
		return err
	}
	if n := hardLinks(info); n > 1 {
		return fmt.Errorf("%q has %d names (hard links), which a new file would part; it was left as it is", path, n)
	}
	temporary, err := writeBeside(real, text, func(f *os.File) error { return like(f, info) })
	if err != nil {
		return err
	}
	defer os.Remove(temporary) // gone already if all went well
	if err := readBack(temporary, prove); err != nil {
		return fmt.Errorf("the new text of %q does not read as it should, and the old one stays: %w", path, err)
	}
	if err := readBack(real, unchanged(path, was)); err != nil {
		return err
	}
	if err := os.Rename(temporary, real); err != nil {
		return err
	}
	return syncDir(filepath.Dir(real))
}

func readBack(path string, look func(data []byte) error) error {
	data, err := readFile(path)
	defer clear(data)
	if err != nil {
		return err
	}
	return look(data)
}

func unchanged(path string, was [sha256.Size]byte) func(data []byte) error {
	return func(data []byte) error {
		if sha256.Sum256(data) != was {
			return fmt.Errorf("%q was changed by another program in the meantime, and was left as it is", path)
		}
		return nil
	}
}
