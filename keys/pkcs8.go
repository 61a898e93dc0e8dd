package keys

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"hash"

	"golang.org/x/crypto/ssh"
)

// The PEM types of RFC 5958's PrivateKeyInfo and EncryptedPrivateKeyInfo, which
// ssh-keygen -m PKCS8 and openssl write.
const (
	plainPKCS8     = "PRIVATE KEY"
	encryptedPKCS8 = "ENCRYPTED PRIVATE KEY"
)

// maxIterations bounds the work that a file can ask for; openssl's default is
// 2,048, and the advice of the day some 10^6.
const maxIterations = 20_000_000

var (
	errMalformed   = errors.New("its encryption is malformed")
	errUnsupported = errors.New("its encryption is not supported")
)

// Object identifiers of RFC 8018 (PKCS #5) and NIST's AES.
var (
	oidPBES2      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidHMACSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidAES256     = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42} // in CBC mode
)

var prfs = []struct {
	oid  asn1.ObjectIdentifier
	hash func() hash.Hash
}{
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7}, sha1.New},
	{oidHMACSHA256, sha256.New},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 10}, sha512.New384},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 11}, sha512.New},
}

var blockCiphers = []struct {
	oid asn1.ObjectIdentifier
	key int // bytes
	new func([]byte) (cipher.Block, error)
}{
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2}, 16, aes.NewCipher},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 22}, 24, aes.NewCipher},
	{oidAES256, 32, aes.NewCipher},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}, 24, des.NewTripleDESCipher},
}

// encryptedPrivateKeyInfo is RFC 5958 section 3.
type encryptedPrivateKeyInfo struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

// pbes2Params is RFC 8018 appendix A.4.
type pbes2Params struct {
	KDF    pkix.AlgorithmIdentifier
	Cipher pkix.AlgorithmIdentifier
}

// pbkdf2Params is RFC 8018 appendix A.2; the salt is always given in place.
type pbkdf2Params struct {
	Salt       []byte
	Iterations int
	KeyLength  int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
}

func parseEncryptedPKCS8(der, passphrase []byte) (crypto.PrivateKey, error) {
	var info encryptedPrivateKeyInfo
	var params pbes2Params
	if err := unmarshalAll(der, &info); err != nil {
		return nil, err
	}
	if !info.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, errUnsupported
	}
	if err := unmarshalAll(info.Algorithm.Parameters.FullBytes, &params); err != nil {
		return nil, err
	}
	if passphrase == nil {
		return nil, &ssh.PassphraseMissingError{}
	}
	plain, err := params.decrypt(info.Data, passphrase)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	private, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		return nil, x509.IncorrectPasswordError
	}
	return private, nil
}

// decrypt is RFC 8018 section 6.2.2.
func (p pbes2Params) decrypt(data, passphrase []byte) ([]byte, error) {
	for _, c := range blockCiphers {
		if !c.oid.Equal(p.Cipher.Algorithm) {
			continue
		}
		key, err := deriveKey(p.KDF, passphrase, c.key)
		if err != nil {
			return nil, err
		}
		defer clear(key)
		block, err := c.new(key)
		if err != nil {
			return nil, err
		}
		return decryptCBC(block, p.Cipher.Parameters.FullBytes, data)
	}
	return nil, errUnsupported
}

func deriveKey(kdf pkix.AlgorithmIdentifier, passphrase []byte, length int) ([]byte, error) {
	if !kdf.Algorithm.Equal(oidPBKDF2) {
		return nil, errUnsupported
	}
	var params pbkdf2Params
	if err := unmarshalAll(kdf.Parameters.FullBytes, &params); err != nil {
		return nil, err
	}
	if params.Iterations < 1 || params.Iterations > maxIterations {
		return nil, errMalformed
	}
	prf := params.PRF.Algorithm
	if len(prf) == 0 {
		prf = prfs[0].oid // the default of RFC 8018
	}
	for _, f := range prfs {
		if f.oid.Equal(prf) {
			return pbkdf2.Key(f.hash, string(passphrase), params.Salt, params.Iterations, length)
		}
	}
	return nil, errUnsupported
}

func decryptCBC(block cipher.Block, encodedIV, data []byte) ([]byte, error) {
	var iv []byte
	if err := unmarshalAll(encodedIV, &iv); err != nil {
		return nil, err
	}
	size := block.BlockSize()
	if len(iv) != size || len(data) == 0 || len(data)%size != 0 {
		return nil, errMalformed
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > size || !bytes.Equal(plain[len(plain)-pad:], bytes.Repeat([]byte{byte(pad)}, pad)) {
		clear(plain)
		return nil, x509.IncorrectPasswordError
	}
	return plain[:len(plain)-pad], nil
}

func unmarshalAll(der []byte, into any) error {
	if rest, err := asn1.Unmarshal(der, into); err != nil || len(rest) != 0 {
		return errMalformed
	}
	return nil
}
