package keys

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/ssh"
)

// ppk is a key file of PuTTY of version 2 or 3: appendix C of its manual, "PPK
// file format".
type ppk struct {
	version   int
	algorithm string // of the key, as on the wire
	cipher    string // "none" or ppkCipher
	comment   string
	public    []byte
	argon     argon  // of an encrypted file of version 3
	private   []byte // encrypted unless cipher is "none"
	mac       []byte
}

const ppkCipher = "aes256-cbc"

var errChanged = errors.New("it was changed after PuTTY wrote it: its MAC does not match")

func (p *ppk) encrypted() bool { return p.cipher != "none" }

// decodePPK fails as parsePrivate does.
func decodePPK(data, passphrase []byte) (*Secret, error) {
	p, err := parsePPK(data)
	if err != nil {
		return nil, err
	}
	public, err := ssh.ParsePublicKey(p.public)
	if err != nil || public.Type() != p.algorithm {
		return nil, errors.New("its public half is not a key of the type that it names")
	}
	plain, err := p.open(passphrase)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	raw, err := ppkPrivate(public, plain)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.NewSignerFromKey(raw)
	if err != nil {
		return nil, plainWords(err)
	}
	if !Equal(signer.PublicKey(), public) {
		return nil, errors.New("its halves do not belong together")
	}
	return &Secret{Public: public, Comment: p.comment, raw: raw}, nil
}

// open is the private half in the clear. Nothing of it is used before its MAC
// is right. A wrong passphrase can't be told from a changed file.
func (p *ppk) open(passphrase []byte) ([]byte, error) {
	if !p.encrypted() {
		passphrase = nil
	} else if passphrase == nil {
		return nil, &ssh.PassphraseMissingError{}
	}
	keys := p.derive(passphrase)
	defer keys.wipe()
	plain := bytes.Clone(p.private)
	if p.encrypted() {
		block, err := aes.NewCipher(keys.cipher)
		if err != nil {
			return nil, err
		}
		cipher.NewCBCDecrypter(block, keys.iv).CryptBlocks(plain, plain)
	}
	if hmac.Equal(p.sum(keys, plain), p.mac) {
		return plain, nil
	}
	clear(plain)
	if p.encrypted() {
		return nil, x509.IncorrectPasswordError
	}
	return nil, errChanged
}

func (p *ppk) sum(keys ppkKeys, plain []byte) []byte {
	mac := hmac.New(keys.hash, keys.mac)
	covered := ssh.Marshal(struct {
		Algorithm, Cipher, Comment string
		Public, Private            []byte
	}{p.algorithm, p.cipher, p.comment, p.public, plain})
	defer clear(covered)
	mac.Write(covered)
	return mac.Sum(nil)
}

// ppkPrivate reads the private half: what the public one does not have.
// Padding follows.
func ppkPrivate(public ssh.PublicKey, plain []byte) (crypto.PrivateKey, error) {
	wrapped, ok := public.(ssh.CryptoPublicKey)
	if !ok {
		return nil, errPPKType(public)
	}
	switch key := wrapped.CryptoPublicKey().(type) {
	case *rsa.PublicKey:
		return ppkRSA(key, plain)
	case *ecdsa.PublicKey:
		return ppkECDSA(key.Curve, plain)
	case ed25519.PublicKey:
		return ppkEd25519(plain)
	}
	return nil, errPPKType(public)
}

var errPPKPrivate = errors.New("its private half is malformed")

func errPPKType(public ssh.PublicKey) error {
	return fmt.Errorf("keys of type %s are not read from PuTTY's files", public.Type())
}

// ppkEd25519 reads a number, little end first. Older versions of PuTTY leave
// out its zeros at the end: eddsa_private_blob of ecc-ssh.c.
func ppkEd25519(plain []byte) (crypto.PrivateKey, error) {
	short, _, ok := cutString(plain)
	if !ok || len(short) > ed25519.SeedSize {
		return nil, errPPKPrivate
	}
	var seed [ed25519.SeedSize]byte
	defer clear(seed[:])
	copy(seed[:], short)
	private := ed25519.NewKeyFromSeed(seed[:])
	return &private, nil
}

func ppkRSA(public *rsa.PublicKey, plain []byte) (crypto.PrivateKey, error) {
	var half struct {
		D, P, Q, Inverse *big.Int
		Padding          []byte `ssh:"rest"`
	}
	if err := ssh.Unmarshal(plain, &half); err != nil {
		return nil, errPPKPrivate
	}
	key := &rsa.PrivateKey{PublicKey: *public, D: half.D, Primes: []*big.Int{half.P, half.Q}}
	if err := key.Validate(); err != nil {
		return nil, errPPKPrivate
	}
	key.Precompute()
	return key, nil
}

func ppkECDSA(curve elliptic.Curve, plain []byte) (crypto.PrivateKey, error) {
	var half struct {
		D       *big.Int
		Padding []byte `ssh:"rest"`
	}
	size := (curve.Params().BitSize + 7) / 8
	if err := ssh.Unmarshal(plain, &half); err != nil || half.D.Sign() < 0 || half.D.BitLen() > 8*size {
		return nil, errPPKPrivate
	}
	scalar := half.D.FillBytes(make([]byte, size))
	defer clear(scalar)
	key, err := ecdsa.ParseRawPrivateKey(curve, scalar)
	if err != nil {
		return nil, errPPKPrivate
	}
	return key, nil
}
