package keys

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// PPKVersion is the newest version of PuTTY's files, which PuTTY reads since
// 0.75.
const PPKVersion = 3

// EncodePPK is the text of a .ppk file of version 2 or 3; an empty passphrase
// is none.
func (s *Secret) EncodePPK(passphrase []byte, version int) ([]byte, error) {
	if version != 2 && version != 3 {
		return nil, fmt.Errorf("version %d of PuTTY's key files is not written here, only 2 and 3", version)
	}
	if err := CheckComment(s.Comment); err != nil {
		return nil, err
	}
	private, err := s.ppkHalf()
	defer clear(private)
	if err != nil {
		return nil, err
	}
	p := &ppk{version: version, algorithm: s.Public.Type(), cipher: "none", comment: s.Comment, public: s.Public.Marshal()}
	if len(passphrase) > 0 {
		p.cipher, p.argon = ppkCipher, newArgon()
	} else {
		passphrase = nil
	}
	if err := p.seal(private, passphrase); err != nil {
		return nil, err
	}
	return p.text(), nil
}

// ppkHalf is what ppkPrivate reads.
func (s *Secret) ppkHalf() ([]byte, error) {
	switch key := s.key().(type) {
	case *rsa.PrivateKey:
		return ppkRSAHalf(key)
	case *ecdsa.PrivateKey:
		scalar, err := key.Bytes()
		defer clear(scalar)
		if err != nil {
			return nil, plainWords(err)
		}
		return ssh.Marshal(struct{ D *big.Int }{new(big.Int).SetBytes(scalar)}), nil
	case ed25519.PrivateKey:
		return ssh.Marshal(struct{ Seed []byte }{key.Seed()}), nil
	}
	return nil, errNoForm(FormatPuTTY, s.Public)
}

// ppkRSAHalf has the greater prime first, as PuTTY writes it.
func ppkRSAHalf(key *rsa.PrivateKey) ([]byte, error) {
	if len(key.Primes) != 2 {
		return nil, fmt.Errorf("PuTTY has no RSA keys of %d primes", len(key.Primes))
	}
	p, q := key.Primes[0], key.Primes[1]
	if p.Cmp(q) < 0 {
		p, q = q, p
	}
	return ssh.Marshal(struct{ D, P, Q, Inverse *big.Int }{key.D, p, q, new(big.Int).ModInverse(q, p)}), nil
}

// seal fills in the private half and its MAC. The padding, which is the
// beginning of a hash, is PuTTY's: it makes the last block hard to guess.
func (p *ppk) seal(plain, passphrase []byte) error {
	if p.encrypted() {
		sum := sha1.Sum(plain)
		plain = slices.Concat(plain, sum[:-len(plain)&(aes.BlockSize-1)])
		defer clear(plain)
	}
	keys := p.derive(passphrase)
	defer keys.wipe()
	p.mac = p.sum(keys, plain)
	p.private = bytes.Clone(plain)
	if !p.encrypted() {
		return nil
	}
	block, err := aes.NewCipher(keys.cipher)
	if err != nil {
		return err
	}
	cipher.NewCBCEncrypter(block, keys.iv).CryptBlocks(p.private, p.private)
	return nil
}

// newArgon is the second recommended choice of RFC 9106 section 4.
func newArgon() argon {
	a := argon{flavour: "Argon2id", memory: 64 << 10, passes: 3, parallelism: 4, salt: make([]byte, 16)}
	rand.Read(a.salt)
	return a
}

// text is the file.
func (p *ppk) text() []byte {
	const width = 64
	var b bytes.Buffer
	lines := func(name string, data []byte) {
		body := wrap(base64.StdEncoding.EncodeToString(data), width)
		fmt.Fprintf(&b, "%s: %d\n%s\n", name, len(body), strings.Join(body, "\n"))
	}
	fmt.Fprintf(&b, "%s%d: %s\nEncryption: %s\nComment: %s\n", puttyMagic, p.version, p.algorithm, p.cipher, p.comment)
	lines("Public-Lines", p.public)
	if p.version == 3 && p.encrypted() {
		fmt.Fprintf(&b, "Key-Derivation: %s\nArgon2-Memory: %d\nArgon2-Passes: %d\nArgon2-Parallelism: %d\nArgon2-Salt: %x\n",
			p.argon.flavour, p.argon.memory, p.argon.passes, p.argon.parallelism, p.argon.salt)
	}
	lines("Private-Lines", p.private)
	fmt.Fprintf(&b, "Private-MAC: %x\n", p.mac)
	return b.Bytes()
}
