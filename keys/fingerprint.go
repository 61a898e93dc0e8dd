package keys

import (
	"crypto/ecdsa"
	"crypto/md5"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Fingerprint is "SHA256:" and the hash of the key in unpadded base64, as
// ssh-keygen -l prints it; of a certificate, that of its key.
func Fingerprint(key ssh.PublicKey) string { return SHA256.Fingerprint(key) }

// Digest is a hash for fingerprints, as ssh -G prints FingerprintHash: "MD5",
// "SHA256" and the others of digest-openssl.c. An unknown one is SHA256.
type Digest string

// SHA256 is the digest where nobody asks for another.
const SHA256 Digest = "SHA256"

const md5Digest Digest = "MD5"

var digests = map[Digest]func(data []byte) []byte{
	md5Digest: func(data []byte) []byte { sum := md5.Sum(data); return sum[:] },
	"SHA1":    func(data []byte) []byte { sum := sha1.Sum(data); return sum[:] },
	SHA256:    func(data []byte) []byte { sum := sha256.Sum256(data); return sum[:] },
	"SHA384":  func(data []byte) []byte { sum := sha512.Sum384(data); return sum[:] },
	"SHA512":  func(data []byte) []byte { sum := sha512.Sum512(data); return sum[:] },
}

// DigestNamed finds a digest by its name in any case.
func DigestNamed(name string) Digest {
	d := Digest(strings.ToUpper(name))
	if digests[d] == nil {
		return SHA256
	}
	return d
}

// Fingerprint is the digest's name and the hash: of MD5 in hex with colons, of
// the others in unpadded base64 (sshkey_fingerprint, sshkey.c).
func (d Digest) Fingerprint(key ssh.PublicKey) string {
	if d == md5Digest {
		return string(d) + ":" + ssh.FingerprintLegacyMD5(Plain(key))
	}
	return string(d) + ":" + base64.RawStdEncoding.EncodeToString(d.sum(key))
}

func (d Digest) sum(key ssh.PublicKey) []byte { return digests[d](Plain(key).Marshal()) }

var typeNames = map[string]string{
	ssh.KeyAlgoRSA:         "RSA",
	ssh.InsecureKeyAlgoDSA: "DSA",
	ssh.KeyAlgoECDSA256:    "ECDSA",
	ssh.KeyAlgoECDSA384:    "ECDSA",
	ssh.KeyAlgoECDSA521:    "ECDSA",
	ssh.KeyAlgoED25519:     "ED25519",
	ssh.KeyAlgoSKECDSA256:  "ECDSA-SK",
	ssh.KeyAlgoSKED25519:   "ED25519-SK",
}

// TypeName is the type as ssh prints it: "ED25519", "ECDSA", "RSA-CERT". An
// unknown type is shown by its name on the wire.
func TypeName(key ssh.PublicKey) string {
	name, ok := typeNames[Plain(key).Type()]
	if !ok {
		return Plain(key).Type()
	}
	if _, cert := key.(*ssh.Certificate); cert {
		return name + "-CERT"
	}
	return name
}

// Bits is the size of the key as ssh counts it: of the modulus or the curve. 0
// is unknown.
func Bits(key ssh.PublicKey) int {
	switch Plain(key).Type() {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256:
		return 256
	}
	wrapped, ok := Plain(key).(ssh.CryptoPublicKey)
	if !ok {
		return 0
	}
	switch k := wrapped.CryptoPublicKey().(type) {
	case *rsa.PublicKey:
		return k.N.BitLen()
	case *ecdsa.PublicKey:
		return k.Curve.Params().BitSize
	}
	return 0
}

// The field of the drunken bishop, and the signs for how often he was at a
// place; the last two are his start and his end (sshkey.c).
const (
	artWidth  = 17
	artHeight = 9
	artSigns  = " .o+=*BOX@%&#/^SE"
)

// Randomart is the picture of the key that ssh-keygen -lv prints: 11 lines
// separated by \n, without one at the end.
func Randomart(key ssh.PublicKey) string { return SHA256.Randomart(key) }

// Randomart is the picture of the key's hash by this digest.
func (d Digest) Randomart(key ssh.PublicKey) string {
	field := walk(d.sum(key))

	title := fmt.Sprintf("[%s %d]", TypeName(key), Bits(key))
	if len(title) > artWidth {
		title = fmt.Sprintf("[%s]", TypeName(key))
	}
	// OpenSSH cuts what its buffer of artWidth bytes, with the NUL, can't hold.
	title = title[:min(len(title), artWidth-1)]

	var art strings.Builder
	art.WriteString(border(title) + "\n")
	for _, row := range field {
		art.WriteByte('|')
		for _, visits := range row {
			art.WriteByte(artSigns[visits])
		}
		art.WriteString("|\n")
	}
	art.WriteString(border("[" + string(d) + "]"))
	return art.String()
}

// walk moves the bishop diagonally, two bits a step from the low end of each
// byte, and counts his visits.
func walk(sum []byte) (field [artHeight][artWidth]int) {
	const start, end = len(artSigns) - 2, len(artSigns) - 1
	x, y := artWidth/2, artHeight/2
	for _, b := range sum {
		for range 4 {
			x = min(max(x+2*int(b&1)-1, 0), artWidth-1)
			y = min(max(y+int(b&2)-1, 0), artHeight-1)
			if field[y][x] < start-1 {
				field[y][x]++
			}
			b >>= 2
		}
	}
	field[artHeight/2][artWidth/2] = start
	field[y][x] = end
	return field
}

func border(label string) string {
	left := (artWidth - len(label)) / 2
	return "+" + strings.Repeat("-", left) + label + strings.Repeat("-", artWidth-left-len(label)) + "+"
}
