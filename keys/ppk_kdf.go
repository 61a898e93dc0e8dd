package keys

import (
	"crypto/aes"
	"crypto/sha1"
	"crypto/sha256"
	"hash"

	"github.com/go-crypt/x/argon2"
)

// argon is how Argon2 derives the keys of a file of version 3 (RFC 9106).
type argon struct {
	flavour     string // a key of argonFlavours
	memory      uint32 // KiB
	passes      uint32
	parallelism uint32
	salt        []byte
}

// argonFlavours are of a copy of x/crypto's package, which has no Argon2d.
var argonFlavours = map[string]func(passphrase, salt []byte, passes, memory, parallelism, length uint32) []byte{
	"Argon2id": argon2.IDKey,
	"Argon2i":  argon2.IKey,
	"Argon2d":  argon2.DKey,
}

// What a file can ask for: PuTTY's own files take 8 MiB and some 20 passes.
const (
	maxArgonMemory = 1 << 20 // KiB
	maxArgonWork   = 1 << 26 // KiB times passes
)

// valid keeps a file from asking for more than a machine has, and from what
// RFC 9106 section 3.1 does not define.
func (a argon) valid() bool {
	return argonFlavours[a.flavour] != nil && a.parallelism >= 1 && a.parallelism <= 255 &&
		a.memory >= 8*a.parallelism && a.memory <= maxArgonMemory &&
		a.passes >= 1 && uint64(a.passes)*uint64(a.memory) <= maxArgonWork && len(a.salt) > 0
}

// ppkKeys are what a passphrase becomes.
type ppkKeys struct {
	cipher, iv, mac []byte
	hash            func() hash.Hash // of the MAC
}

func (k ppkKeys) wipe() { clear(k.cipher); clear(k.mac) }

const ppkCipherKey = 32 // bytes

func (p *ppk) derive(passphrase []byte) ppkKeys {
	switch {
	case p.version == 2:
		return deriveSHA1(passphrase)
	case !p.encrypted():
		return ppkKeys{hash: sha256.New}
	}
	const length = ppkCipherKey + aes.BlockSize + sha256.Size
	derived := argonFlavours[p.argon.flavour](passphrase, p.argon.salt, p.argon.passes, p.argon.memory, p.argon.parallelism, length)
	return ppkKeys{derived[:ppkCipherKey], derived[ppkCipherKey:][:aes.BlockSize], derived[ppkCipherKey+aes.BlockSize:], sha256.New}
}

// deriveSHA1 is how version 2 does it, which slows down nobody.
func deriveSHA1(passphrase []byte) ppkKeys {
	sum := func(prefix string) []byte {
		h := sha1.New()
		h.Write([]byte(prefix))
		h.Write(passphrase)
		return h.Sum(nil)
	}
	key := append(sum("\x00\x00\x00\x00"), sum("\x00\x00\x00\x01")...)
	return ppkKeys{key[:ppkCipherKey], make([]byte, aes.BlockSize), sum("putty-private-key-file-mac-key"), sha1.New}
}
