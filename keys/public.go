package keys

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"
)

// ErrNotPublic is a file that holds a public key in no form that is known.
var ErrNotPublic = errors.New("it is not a public key")

// The PEM types of a public key: RFC 8017 appendix A.1.1, and
// SubjectPublicKeyInfo of RFC 5280.
const (
	pemRSAPublic = "RSA PUBLIC KEY"
	pemPublic    = "PUBLIC KEY"
)

// OpenPublic reads the public key in the file at path, in any form: the line of
// a .pub file, that of RFC 4716, PEM or PKCS#8. The error is ErrNotPublic, in a
// *FileError, where it is none of these.
func OpenPublic(path string) (*Key, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	defer clear(data) // which may be a private key
	public, comment, err := parseAnyPublic(data)
	if err != nil {
		return nil, &FileError{path, err}
	}
	return &Key{Public: public, Path: path, Comment: comment}, nil
}

func parseAnyPublic(data []byte) (key ssh.PublicKey, comment string, err error) {
	if key, comment, ok := ParsePublic(data); ok {
		return key, comment, nil
	}
	if bytes.Contains(data, []byte(rfc4716Begin)) {
		return parseRFC4716(data)
	}
	key, err = parsePublicPEM(data)
	return key, "", err
}

func parsePublicPEM(data []byte) (ssh.PublicKey, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, ErrNotPublic
	}
	defer clear(block.Bytes)
	var raw crypto.PublicKey
	var err error
	switch block.Type {
	case pemRSAPublic:
		raw, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case pemPublic:
		raw, err = x509.ParsePKIXPublicKey(block.Bytes)
	default:
		return nil, ErrNotPublic
	}
	if err != nil {
		return nil, fmt.Errorf("it is a damaged public key: %w", plainWords(err))
	}
	key, err := ssh.NewPublicKey(raw)
	return key, plainWords(err)
}

// PublicPEM is a public key as ssh-keygen -e -m PEM writes it, which has no
// form of its own for ECDSA.
func PublicPEM(key ssh.PublicKey) ([]byte, error) {
	switch raw := cryptoKey(key).(type) {
	case *rsa.PublicKey:
		return pem.EncodeToMemory(&pem.Block{Type: pemRSAPublic, Bytes: x509.MarshalPKCS1PublicKey(raw)}), nil
	case *ecdsa.PublicKey:
		return PublicPKCS8(key)
	}
	return nil, errNoForm(FormatPEM, key)
}

// PublicPKCS8 is a public key as ssh-keygen -e -m PKCS8 writes it, and also an
// ed25519 key, as openssl does.
func PublicPKCS8(key ssh.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(cryptoKey(key))
	if err != nil {
		return nil, errNoForm(FormatPKCS8, key)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemPublic, Bytes: der}), nil
}

// cryptoKey is nil for keys that only ssh has.
func cryptoKey(key ssh.PublicKey) crypto.PublicKey {
	if wrapped, ok := key.(ssh.CryptoPublicKey); ok && !isSecurityKey(key) {
		return wrapped.CryptoPublicKey()
	}
	return nil
}

func errNoForm(format string, key ssh.PublicKey) error {
	return fmt.Errorf("the %s format has no keys of type %s", format, key.Type())
}
