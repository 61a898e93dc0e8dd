package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/x509"
)

// containerCipher is a cipher by which ssh-keygen -Z encrypts a private
// section.
type containerCipher struct {
	key, iv int // bytes
	open    func(key, iv, sealed, tag []byte) ([]byte, error)
}

// containerCiphers are those of cipher.c but for ChaCha20-Poly1305, whose form
// in OpenSSH no library makes.
var containerCiphers = map[string]containerCipher{
	"3des-cbc":               {24, des.BlockSize, openCBC(des.NewTripleDESCipher)},
	"aes128-cbc":             {16, aes.BlockSize, openCBC(aes.NewCipher)},
	"aes192-cbc":             {24, aes.BlockSize, openCBC(aes.NewCipher)},
	"aes256-cbc":             {32, aes.BlockSize, openCBC(aes.NewCipher)},
	"aes128-ctr":             {16, aes.BlockSize, openCTR},
	"aes192-ctr":             {24, aes.BlockSize, openCTR},
	"aes256-ctr":             {32, aes.BlockSize, openCTR},
	"aes128-gcm@openssh.com": {16, gcmNonce, openGCM},
	"aes256-gcm@openssh.com": {32, gcmNonce, openGCM},
}

const gcmNonce = 12 // bytes, RFC 5647 section 7.1

func openCTR(key, iv, sealed, _ []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(sealed))
	cipher.NewCTR(block, iv).XORKeyStream(plain, sealed)
	return plain, nil
}

func openCBC(newCipher func([]byte) (cipher.Block, error)) func(key, iv, sealed, tag []byte) ([]byte, error) {
	return func(key, iv, sealed, _ []byte) ([]byte, error) {
		block, err := newCipher(key)
		if err != nil {
			return nil, err
		}
		if len(sealed)%block.BlockSize() != 0 {
			return nil, errMalformed
		}
		plain := make([]byte, len(sealed))
		cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, sealed)
		return plain, nil
	}
}

// openGCM takes the tag that stands behind the private section.
func openGCM(key, iv, sealed, tag []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, iv, append(append([]byte{}, sealed...), tag...), nil)
	if err != nil {
		return nil, x509.IncorrectPasswordError
	}
	return plain, nil
}
