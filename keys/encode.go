package keys

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// DefaultRounds is the work of bcrypt that a new file asks for, as in
// ssh-keygen since OpenSSH 9.4.
const DefaultRounds = 24

// Encode is the text of a private key file in OpenSSH's format. passphrase is
// empty for none; rounds are those of bcrypt, from 1 to MaxRounds.
func (s *Secret) Encode(passphrase []byte, rounds int) ([]byte, error) {
	if err := CheckComment(s.Comment); err != nil {
		return nil, err
	}
	key, err := s.serialize()
	if err != nil {
		return nil, err
	}
	defer clear(key)
	c := container{CipherName: "none", KDFName: "none", Keys: 1, Public: s.Public.Marshal(), Private: newSection(key, s.Comment)}
	defer clear(c.Private)
	if len(passphrase) > 0 {
		if c, err = c.seal(passphrase, rounds); err != nil {
			return nil, err
		}
	}
	return c.armour(), nil
}

// newSection is a private section in the clear, [PROTOCOL.key] section 3.
func newSection(key []byte, comment string) []byte {
	var check [4]byte
	rand.Read(check[:])
	section := append(append(append([]byte{}, check[:]...), check[:]...), key...)
	section = append(section, ssh.Marshal(struct{ Comment string }{comment})...)
	for pad := byte(1); len(section)%aes.BlockSize != 0; pad++ {
		section = append(section, pad)
	}
	return section
}

// CheckComment refuses what would break the line of a public key.
func CheckComment(comment string) error {
	if strings.ContainsAny(comment, "\r\n\x00") {
		return errors.New("a comment is one line")
	}
	return nil
}

// AuthorizedLine is the public half as a .pub file has it, with its newline.
func (s *Secret) AuthorizedLine() []byte { return PublicLine(s.Public, s.Comment) }

// PublicLine is a public key as a .pub file has it, with its newline.
func PublicLine(key ssh.PublicKey, comment string) []byte {
	line := bytes.TrimSuffix(ssh.MarshalAuthorizedKey(key), []byte("\n"))
	if comment != "" {
		line = append(append(line, ' '), comment...)
	}
	return append(line, '\n')
}

// serialize is the private half with the name of its type before it.
func (s *Secret) serialize() ([]byte, error) {
	if token, ok := s.raw.(*tokenKey); ok {
		return bytes.Clone(token.serialized), nil
	}
	block, err := ssh.MarshalPrivateKey(s.raw, "")
	if err != nil {
		return nil, plainWords(err)
	}
	defer clear(block.Bytes)
	c, err := openContainer(block.Bytes)
	if err != nil {
		return nil, err
	}
	section, err := c.section(nil)
	if err != nil {
		return nil, err
	}
	key, _, err := splitSection(section)
	return key, err
}

// seal encrypts as ssh-keygen does when it is asked for no other cipher.
func (c container) seal(passphrase []byte, rounds int) (container, error) {
	if rounds < 1 || rounds > MaxRounds {
		return c, fmt.Errorf("%d rounds of bcrypt are not between 1 and %d", rounds, MaxRounds)
	}
	salt := make([]byte, 16)
	rand.Read(salt)
	const keySize = 32
	derived := bcryptPBKDF(passphrase, salt, rounds, keySize+aes.BlockSize)
	defer clear(derived)
	block, err := aes.NewCipher(derived[:keySize])
	if err != nil {
		return c, err
	}
	sealed := make([]byte, len(c.Private))
	cipher.NewCTR(block, derived[keySize:]).XORKeyStream(sealed, c.Private)
	c.CipherName, c.KDFName, c.Private = "aes256-ctr", "bcrypt", sealed
	c.KDFOptions = string(ssh.Marshal(bcryptOptions{salt, uint32(rounds)}))
	return c, nil
}
