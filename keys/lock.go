package keys

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// The formats of private key files.
const (
	FormatOpenSSH = "OpenSSH"
	FormatPEM     = "PEM"
	FormatPKCS8   = "PKCS#8"
	FormatPuTTY   = "PuTTY"
)

// puttyMagic opens a .ppk file of any version.
const puttyMagic = "PuTTY-User-Key-File-"

// Lock is how a private key file is written and protected.
type Lock struct {
	Format    string `json:"format"`
	Encrypted bool   `json:"encrypted"`
	Cipher    string `json:"cipher,omitempty"` // "" also where it can only be known with work, as in PKCS#8
	Rounds    uint32 `json:"rounds,omitempty"` // of bcrypt
	// Version and KDF are PuTTY's: 2 or 3, and "Argon2id" or its like.
	Version int    `json:"version,omitempty"`
	KDF     string `json:"kdf,omitempty"`
}

// String says how a key is protected: "OpenSSH, aes256-ctr with 16 rounds of
// bcrypt".
func (l Lock) String() string {
	switch {
	case l.Version > 0:
		return l.putty()
	case !l.Encrypted:
		return l.Format + ", no passphrase"
	case l.Rounds > 0:
		return fmt.Sprintf("%s, %s with %d rounds of bcrypt", l.Format, l.Cipher, l.Rounds)
	}
	return strings.TrimSpace(l.Format + ", encrypted " + l.Cipher)
}

// putty names what slows down who guesses the passphrase: in version 2 nothing
// does.
func (l Lock) putty() string {
	what := fmt.Sprintf("%s version %d", l.Format, l.Version)
	switch {
	case !l.Encrypted:
		return what + ", no passphrase"
	case l.KDF != "":
		return fmt.Sprintf("%s, %s with %s", what, l.Cipher, l.KDF)
	}
	return fmt.Sprintf("%s, %s with SHA-1", what, l.Cipher)
}

// lockOf reads what stands in clear in a private key file; false is a file in
// no format that is known.
func lockOf(data []byte) (Lock, bool) {
	if bytes.HasPrefix(data, []byte(puttyMagic)) {
		p, err := parsePPK(data)
		if err != nil {
			return Lock{Format: FormatPuTTY}, true
		}
		return p.lock(), true
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return Lock{}, false
	}
	defer clear(block.Bytes)
	switch block.Type {
	case containerType:
		c, err := openContainer(block.Bytes)
		return c.lock(), err == nil
	case encryptedPKCS8:
		return Lock{Format: FormatPKCS8, Encrypted: true}, true
	case plainPKCS8:
		return Lock{Format: FormatPKCS8}, true
	}
	if !strings.HasSuffix(block.Type, " PRIVATE KEY") {
		return Lock{}, false
	}
	// RFC 1421 section 4.6.1.3: the cipher and its start value.
	cipher, _, _ := strings.Cut(block.Headers["DEK-Info"], ",")
	return Lock{Format: FormatPEM, Encrypted: cipher != "", Cipher: cipher}, true
}

func (c container) lock() Lock {
	l := Lock{Format: FormatOpenSSH}
	if c.CipherName == "none" {
		return l
	}
	l.Encrypted, l.Cipher = true, c.CipherName
	var kdf bcryptOptions
	if c.KDFName == "bcrypt" && ssh.Unmarshal([]byte(c.KDFOptions), &kdf) == nil {
		l.Rounds = kdf.Rounds
	}
	return l
}

func (p *ppk) lock() Lock {
	l := Lock{Format: FormatPuTTY, Version: p.version}
	if p.encrypted() {
		l.Encrypted, l.Cipher, l.KDF = true, p.cipher, p.argon.flavour
	}
	return l
}
