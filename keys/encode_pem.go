package keys

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
)

// EncodePEM is the text of a private key file as ssh-keygen -m PEM writes it;
// an empty passphrase is none. It has no room for the comment.
func (s *Secret) EncodePEM(passphrase []byte) ([]byte, error) {
	var block *pem.Block
	switch key := s.key().(type) {
	case *rsa.PrivateKey:
		block = &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	case *ecdsa.PrivateKey:
		der, err := x509.MarshalECPrivateKey(key)
		if err != nil {
			return nil, plainWords(err)
		}
		block = &pem.Block{Type: "EC PRIVATE KEY", Bytes: der}
	default:
		return nil, errNoForm(FormatPEM, s.Public)
	}
	defer clear(block.Bytes)
	if len(passphrase) > 0 {
		// The library warns of it, since it is weak: so does Facts.
		sealed, err := x509.EncryptPEMBlock(rand.Reader, block.Type, block.Bytes, passphrase, x509.PEMCipherAES128)
		if err != nil {
			return nil, plainWords(err)
		}
		block = sealed
	}
	return pem.EncodeToMemory(block), nil
}

// EncodePKCS8 is the text of a private key file in the PKCS#8 format; an empty
// passphrase is none. It has no room for the comment.
func (s *Secret) EncodePKCS8(passphrase []byte) ([]byte, error) {
	if isSecurityKey(s.Public) {
		return nil, errNoForm(FormatPKCS8, s.Public)
	}
	der, err := x509.MarshalPKCS8PrivateKey(s.key())
	if err != nil {
		return nil, errNoForm(FormatPKCS8, s.Public)
	}
	defer clear(der)
	if len(passphrase) == 0 {
		return pem.EncodeToMemory(&pem.Block{Type: plainPKCS8, Bytes: der}), nil
	}
	sealed, err := sealPKCS8(der, passphrase)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: encryptedPKCS8, Bytes: sealed}), nil
}

// key is the private half as the encoders of the library take it.
func (s *Secret) key() crypto.PrivateKey {
	if k, ok := s.raw.(*ed25519.PrivateKey); ok {
		return *k
	}
	return s.raw
}

// newIterations is how often PBKDF2 hashes with SHA-256 for a new file: what
// OWASP's Password Storage Cheat Sheet advises. openssl and ssh-keygen take
// 2,048.
const newIterations = 600_000

// sealPKCS8 encrypts by PBES2 with AES-256-CBC, RFC 8018 section 6.2.1.
func sealPKCS8(der, passphrase []byte) ([]byte, error) {
	var salt, iv [aes.BlockSize]byte
	rand.Read(salt[:])
	rand.Read(iv[:])
	const keySize = 32
	key, err := pbkdf2.Key(sha256.New, string(passphrase), salt[:], newIterations, keySize)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	pad := aes.BlockSize - len(der)%aes.BlockSize
	data := append(bytes.Clone(der), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, iv[:]).CryptBlocks(data, data)

	prf := pkix.AlgorithmIdentifier{Algorithm: oidHMACSHA256, Parameters: asn1.NullRawValue}
	kdf, errKDF := identify(oidPBKDF2, pbkdf2Params{Salt: salt[:], Iterations: newIterations, PRF: prf})
	scheme, errScheme := identify(oidAES256, iv[:])
	pbes2, err := identify(oidPBES2, pbes2Params{kdf, scheme})
	if err := errors.Join(errKDF, errScheme, err); err != nil {
		return nil, err
	}
	return asn1.Marshal(encryptedPrivateKeyInfo{pbes2, data})
}

// identify names an algorithm with its parameters.
func identify(oid asn1.ObjectIdentifier, params any) (pkix.AlgorithmIdentifier, error) {
	der, err := asn1.Marshal(params)
	return pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.RawValue{FullBytes: der}}, err
}
