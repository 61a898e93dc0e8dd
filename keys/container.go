package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/x509"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// containerType is the PEM type of OpenSSH's format, containerMagic opens its
// binary part.
const (
	containerType  = "OPENSSH PRIVATE KEY"
	containerMagic = "openssh-key-v1\x00"
)

// container is the head of OpenSSH's format, [PROTOCOL.key] section 1: only
// the private section is encrypted.
type container struct {
	CipherName string
	KDFName    string
	KDFOptions string
	Keys       uint32
	Public     []byte
	Private    []byte
	Rest       []byte `ssh:"rest"`
}

func openContainer(data []byte) (c container, err error) {
	rest, ok := strings.CutPrefix(string(data), containerMagic)
	if !ok {
		return c, errNoKey
	}
	if err := ssh.Unmarshal([]byte(rest), &c); err != nil || c.Keys != 1 {
		return c, errNoKey
	}
	return c, nil
}

func publicOfContainer(data []byte) (ssh.PublicKey, error) {
	c, err := openContainer(data)
	if err != nil {
		return nil, err
	}
	public, err := ssh.ParsePublicKey(c.Public)
	if err != nil {
		return nil, plainWords(err)
	}
	return public, nil
}

// section is the private section, [PROTOCOL.key] section 3: it begins with
// the same number twice, by which a wrong passphrase is known.
func (c container) section(passphrase []byte) ([]byte, error) {
	plain := c.Private
	switch {
	case c.CipherName == "none" && c.KDFName == "none":
	case c.CipherName != "aes256-ctr" || c.KDFName != "bcrypt":
		return nil, fmt.Errorf("its encryption %q by %q is not supported for a security key", c.CipherName, c.KDFName)
	case passphrase == nil:
		return nil, &ssh.PassphraseMissingError{}
	default:
		var err error
		if plain, err = c.decrypt(passphrase); err != nil {
			return nil, err
		}
	}
	var head struct {
		Check, Again uint32
		Rest         []byte `ssh:"rest"`
	}
	if err := ssh.Unmarshal(plain, &head); err != nil {
		return nil, errMalformed
	}
	if head.Check != head.Again {
		return nil, x509.IncorrectPasswordError
	}
	return head.Rest, nil
}

// maxRounds bounds the work that a file can ask for; ssh-keygen's default is
// 16, later 24.
const maxRounds = 10_000

func (c container) decrypt(passphrase []byte) ([]byte, error) {
	var kdf struct {
		Salt   []byte
		Rounds uint32
	}
	if err := ssh.Unmarshal([]byte(c.KDFOptions), &kdf); err != nil || kdf.Rounds < 1 || kdf.Rounds > maxRounds || len(kdf.Salt) == 0 {
		return nil, errMalformed
	}
	const keySize = 32
	derived := bcryptPBKDF(passphrase, kdf.Salt, int(kdf.Rounds), keySize+aes.BlockSize)
	defer clear(derived)
	block, err := aes.NewCipher(derived[:keySize])
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(c.Private))
	cipher.NewCTR(block, derived[keySize:]).XORKeyStream(plain, c.Private)
	return plain, nil
}
