package keys

import (
	"crypto"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
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
		return c, ErrNoKey
	}
	if err := ssh.Unmarshal([]byte(rest), &c); err != nil || c.Keys != 1 {
		return c, ErrNoKey
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

// section is the private section, [PROTOCOL.key] section 3, after the number
// that it begins with twice, by which a wrong passphrase is known.
func (c container) section(passphrase []byte) ([]byte, error) {
	plain, err := c.plain(passphrase)
	if err != nil {
		return nil, err
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

func (c container) plain(passphrase []byte) ([]byte, error) {
	if c.CipherName == "none" && c.KDFName == "none" {
		return c.Private, nil
	}
	cipher, ok := containerCiphers[c.CipherName]
	if !ok || c.KDFName != "bcrypt" {
		return nil, fmt.Errorf("its encryption %q by %q is not supported", c.CipherName, c.KDFName)
	}
	if passphrase == nil {
		return nil, &ssh.PassphraseMissingError{}
	}
	var kdf bcryptOptions
	if err := ssh.Unmarshal([]byte(c.KDFOptions), &kdf); err != nil || kdf.Rounds < 1 || kdf.Rounds > MaxRounds || len(kdf.Salt) == 0 {
		return nil, errMalformed
	}
	derived := bcryptPBKDF(passphrase, kdf.Salt, int(kdf.Rounds), cipher.key+cipher.iv)
	defer clear(derived)
	return cipher.open(derived[:cipher.key], derived[cipher.key:], c.Private, c.Rest)
}

// bcryptOptions are the KDFOptions of "bcrypt", [PROTOCOL.key] section 2.
type bcryptOptions struct {
	Salt   []byte
	Rounds uint32
}

// MaxRounds bounds the work that a file can ask for; ssh-keygen's default is
// 16, later 24.
const MaxRounds = 10_000

// parseContainer has the library read what is in the container, once it is in
// the clear: it knows fewer ciphers than ssh-keygen.
func parseContainer(data, passphrase []byte) (raw crypto.PrivateKey, comment *string, err error) {
	c, err := openContainer(data)
	if err != nil {
		return nil, nil, err
	}
	if c.Private, err = c.plain(passphrase); err != nil {
		return nil, nil, err
	}
	encrypted := c.CipherName != "none"
	c.CipherName, c.KDFName, c.KDFOptions, c.Rest = "none", "none", "", nil
	if raw, err = c.key(); err != nil && encrypted && !c.checks() {
		return nil, nil, x509.IncorrectPasswordError
	} else if err != nil {
		return nil, nil, err
	}
	section, err := c.section(nil)
	if err != nil {
		return nil, nil, err
	}
	_, text, err := splitSection(section)
	if err != nil {
		return nil, nil, err
	}
	return raw, &text, nil
}

// key is the key of a container that is in the clear.
func (c container) key() (crypto.PrivateKey, error) {
	if public, err := ssh.ParsePublicKey(c.Public); err == nil && isSecurityKey(public) {
		token, err := parseTokenKey(c, public)
		if err != nil {
			return nil, err
		}
		return token, nil
	}
	file := c.armour()
	defer clear(file)
	raw, err := ssh.ParseRawPrivateKey(file)
	return raw, plainWords(err)
}

// checks tells whether the passphrase was right.
func (c container) checks() bool {
	return len(c.Private) >= 8 && binary.BigEndian.Uint32(c.Private) == binary.BigEndian.Uint32(c.Private[4:])
}

// armour is the file of the container.
func (c container) armour() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: containerType, Bytes: append([]byte(containerMagic), ssh.Marshal(c)...)})
}
