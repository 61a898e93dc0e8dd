package keys

import (
	"crypto/sha512"
	"encoding/binary"

	"golang.org/x/crypto/blowfish"
)

// bcryptPBKDF derives a key as bcrypt_pbkdf(3) of OpenBSD: PBKDF2 with bcrypt
// for the hash, and with the bytes of its blocks dealt out in turn. The one of
// x/crypto/ssh is internal, and serves no keys of FIDO tokens.
func bcryptPBKDF(passphrase, salt []byte, rounds, length int) []byte {
	secret := sha512.Sum512(passphrase)
	defer clear(secret[:])
	blocks := (length + bcryptSize - 1) / bcryptSize
	out := make([]byte, blocks*bcryptSize)
	for n := range blocks {
		salted := sha512.Sum512(binary.BigEndian.AppendUint32(append([]byte{}, salt...), uint32(n+1)))
		part := bcryptHash(secret[:], salted[:])
		sum := part
		for range rounds - 1 {
			salted = sha512.Sum512(part[:])
			part = bcryptHash(secret[:], salted[:])
			for i := range sum {
				sum[i] ^= part[i]
			}
		}
		for i, b := range sum {
			out[i*blocks+n] = b
		}
	}
	return out[:length]
}

const bcryptSize = 32 // bytes of one hash

// bcryptHash is bcrypt with 64 bytes of password and of salt, a cost of 6 and
// a text of four blocks.
func bcryptHash(password, salt []byte) (sum [bcryptSize]byte) {
	cipher, err := blowfish.NewSaltedCipher(password, salt)
	if err != nil {
		panic(err) // only for a password of no bytes
	}
	for range 64 {
		blowfish.ExpandKey(salt, cipher)
		blowfish.ExpandKey(password, cipher)
	}
	copy(sum[:], "OxychromaticBlowfishSwatDynamite")
	for i := 0; i < bcryptSize; i += blowfish.BlockSize {
		for range 64 {
			cipher.Encrypt(sum[i:], sum[i:])
		}
	}
	for i := 0; i < bcryptSize; i += 4 { // its words are little-endian
		binary.LittleEndian.PutUint32(sum[i:], binary.BigEndian.Uint32(sum[i:]))
	}
	return sum
}
