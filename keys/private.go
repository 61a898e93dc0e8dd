package keys

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// ErrNoKey is that of a file that is no private key in a format that ssh reads.
var ErrNoKey = errors.New("it is not a private key")

// private is the private half of a key.
type private struct {
	ssh.AlgorithmSigner
	raw     crypto.PrivateKey // as an agent takes it, or a *tokenKey
	comment *string           // nil: its format has none
}

// parsePrivate reads a private key in OpenSSH's own format, PEM or PKCS#8. A
// nil passphrase stands for none: the error is then an
// *ssh.PassphraseMissingError if one is needed. A wrong one gives
// x509.IncorrectPasswordError.
func parsePrivate(data, passphrase []byte) (*private, error) {
	raw, comment, err := parseRaw(data, passphrase)
	if err != nil {
		return nil, err
	}
	if token, ok := raw.(*tokenKey); ok {
		return &private{token, raw, comment}, nil
	}
	signer, err := ssh.NewSignerFromKey(raw)
	if err != nil {
		return nil, plainWords(err)
	}
	algorithmSigner, ok := signer.(ssh.AlgorithmSigner)
	if !ok {
		return nil, fmt.Errorf("keys of type %s cannot sign here", signer.PublicKey().Type())
	}
	return &private{algorithmSigner, raw, comment}, nil
}

func parseRaw(data, passphrase []byte) (raw crypto.PrivateKey, comment *string, err error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, nil, ErrNoKey
	}
	defer clear(block.Bytes)
	switch {
	case block.Type == encryptedPKCS8:
		raw, err = parseEncryptedPKCS8(block.Bytes, passphrase)
		return raw, nil, err
	case block.Type == containerType:
		return parseContainer(block.Bytes, passphrase)
	case passphrase == nil:
		raw, err = ssh.ParseRawPrivateKey(data)
		return raw, nil, plainWords(err)
	}
	raw, err = ssh.ParseRawPrivateKeyWithPassphrase(data, passphrase)
	// A wrong passphrase of a PEM file passes its padding check once in 256
	// times and then decrypts to noise.
	if _, unpadded := x509.DecryptPEMBlock(block, passphrase); err != nil && unpadded == nil {
		err = x509.IncorrectPasswordError
	}
	return raw, nil, plainWords(err)
}

// publicHalf is the public key of a private key file, as far as it can be had
// without a passphrase; else the error is an *ssh.PassphraseMissingError.
func publicHalf(data []byte) (ssh.PublicKey, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, ErrNoKey
	}
	if block.Type == containerType {
		return publicOfContainer(block.Bytes)
	}
	half, err := parsePrivate(data, nil)
	if err != nil {
		return nil, err
	}
	return half.PublicKey(), nil
}

// plainWords takes the name of the library from an error's text; the errors
// that are branched on stay themselves.
func plainWords(err error) error {
	switch {
	case err == nil, errors.As(err, new(*ssh.PassphraseMissingError)), errors.Is(err, x509.IncorrectPasswordError):
		return err
	}
	text := err.Error()
	for _, library := range []string{"ssh: ", "agent: ", "x509: ", "asn1: "} {
		text = strings.ReplaceAll(text, library, "")
	}
	return errors.New(text)
}
