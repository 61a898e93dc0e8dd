package transport

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/ssh"

	"sallyport/keys"
)

// krlMagic begins a key revocation list in binary form [PROTOCOL.krl].
var krlMagic = []byte("SSHKRL\n\x00")

const krlVersion = 1 // KRL_FORMAT_VERSION

// The sections of a list, and those of a section of certificates.
const (
	krlCertificates = 1
	krlExplicitKeys = 2
	krlSHA1         = 3
	krlSignature    = 4
	krlSHA256       = 5
	krlExtension    = 255

	krlSerialList    = 0x20
	krlSerialRange   = 0x21
	krlSerialBitmap  = 0x22
	krlKeyID         = 0x23
	krlCertExtension = 0x39
)

// krl is a key revocation list. Keys and hashes stand for themselves and for
// the certificates of these keys.
type krl struct {
	keys   map[string]bool // wire forms
	sha1   map[string]bool // of wire forms
	sha256 map[string]bool
	certs  []revokedCerts
}

// revokedCerts are the certificates that one authority has revoked, or any
// authority if it is empty.
type revokedCerts struct {
	authority []byte // wire form
	ranges    []serialRange
	bitmaps   []serialBitmap
	ids       map[string]bool
}

type serialRange struct{ first, last uint64 }

// serialBitmap has a bit for each serial number from first on, the lowest in
// the last byte.
type serialBitmap struct {
	first uint64
	bits  []byte
}

var errCutShort = errors.New("the revocation list is cut short")

// parseKRL reads a whole list. What it does not understand it refuses, as ssh
// does: an unknown section may revoke a key.
func parseKRL(data []byte) (*krl, error) {
	rest, ok := bytes.CutPrefix(data, krlMagic)
	if !ok {
		return nil, errors.New("it is no revocation list")
	}
	s := cryptobyte.String(rest)
	var version uint32
	var number, made, flags uint64
	var reserved, comment cryptobyte.String
	if !s.ReadUint32(&version) {
		return nil, errCutShort
	}
	if version != krlVersion {
		return nil, fmt.Errorf("the revocation list has the format version %d, only %d is known", version, krlVersion)
	}
	if !s.ReadUint64(&number) || !s.ReadUint64(&made) || !s.ReadUint64(&flags) ||
		!readString(&s, &reserved) || !readString(&s, &comment) {
		return nil, errCutShort
	}
	l := &krl{keys: map[string]bool{}, sha1: map[string]bool{}, sha256: map[string]bool{}}
	return l, eachSection(s, l.section)
}

// eachSection hands out what follows one another as a type and a string.
func eachSection(s cryptobyte.String, take func(kind uint8, body cryptobyte.String) error) error {
	for !s.Empty() {
		var kind uint8
		var body cryptobyte.String
		if !s.ReadUint8(&kind) || !readString(&s, &body) {
			return errCutShort
		}
		if err := take(kind, body); err != nil {
			return err
		}
	}
	return nil
}

func (l *krl) section(kind uint8, body cryptobyte.String) error {
	switch kind {
	case krlCertificates:
		return l.certificates(body)
	case krlExplicitKeys:
		return eachString(body, l.keys, 0)
	case krlSHA1:
		return eachString(body, l.sha1, sha1.Size)
	case krlSHA256:
		return eachString(body, l.sha256, sha256.Size)
	case krlExtension:
		return passExtension(body)
	case krlSignature:
		return errors.New("the revocation list is signed, which no ssh since 9.4 reads")
	}
	return fmt.Errorf("the revocation list has a section of the unknown type %d", kind)
}

// certificates reads the section of one authority.
func (l *krl) certificates(body cryptobyte.String) error {
	var authority, reserved cryptobyte.String
	if !readString(&body, &authority) || !readString(&body, &reserved) {
		return errCutShort
	}
	certs := revokedCerts{authority: authority, ids: map[string]bool{}}
	if err := eachSection(body, certs.section); err != nil {
		return err
	}
	l.certs = append(l.certs, certs)
	return nil
}

func (c *revokedCerts) section(kind uint8, body cryptobyte.String) error {
	switch kind {
	case krlSerialList:
		return c.serials(body)
	case krlSerialRange:
		var r serialRange
		if !body.ReadUint64(&r.first) || !body.ReadUint64(&r.last) || !body.Empty() {
			return errCutShort
		}
		c.ranges = append(c.ranges, r)
		return nil
	case krlSerialBitmap:
		var m serialBitmap
		var bits cryptobyte.String
		if !body.ReadUint64(&m.first) || !readString(&body, &bits) || !body.Empty() {
			return errCutShort
		}
		m.bits = bits
		c.bitmaps = append(c.bitmaps, m)
		return nil
	case krlKeyID:
		return eachString(body, c.ids, 0)
	case krlCertExtension:
		return passExtension(body)
	}
	return fmt.Errorf("the revocation list has a section of certificates of the unknown type %#x", kind)
}

func (c *revokedCerts) serials(body cryptobyte.String) error {
	for !body.Empty() {
		var serial uint64
		if !body.ReadUint64(&serial) {
			return errCutShort
		}
		c.ranges = append(c.ranges, serialRange{serial, serial})
	}
	return nil
}

// passExtension passes over an extension, unless it is critical: none is
// known.
func passExtension(body cryptobyte.String) error {
	var name, contents cryptobyte.String
	var critical uint8
	if !readString(&body, &name) || !body.ReadUint8(&critical) || !readString(&body, &contents) || !body.Empty() {
		return errCutShort
	}
	if critical != 0 {
		return fmt.Errorf("the revocation list has the critical extension %q, which is not known", string(name))
	}
	return nil
}

// eachString collects strings, of that size unless it is 0.
func eachString(body cryptobyte.String, into map[string]bool, size int) error {
	for !body.Empty() {
		var one cryptobyte.String
		if !readString(&body, &one) {
			return errCutShort
		}
		if size != 0 && len(one) != size {
			return fmt.Errorf("the revocation list has a hash of %d bytes where %d belong", len(one), size)
		}
		into[string(one)] = true
	}
	return nil
}

// readString reads a string of RFC 4251 section 5.
func readString(s, out *cryptobyte.String) bool {
	var n uint32
	if !s.ReadUint32(&n) || uint64(n) > uint64(len(*s)) {
		return false
	}
	return s.ReadBytes((*[]byte)(out), int(n))
}

// revokes tells whether the list names a key, or for a certificate its key,
// its authority or itself: ssh_krl_check_key (krl.c).
func (l *krl) revokes(key ssh.PublicKey) bool {
	if l.lists(key) {
		return true
	}
	cert, ok := key.(*ssh.Certificate)
	if !ok {
		return false
	}
	for _, certs := range l.certs {
		if certs.revoke(cert) {
			return true
		}
	}
	return l.lists(cert.SignatureKey)
}

func (l *krl) lists(key ssh.PublicKey) bool {
	blob := keys.Plain(key).Marshal()
	short, long := sha1.Sum(blob), sha256.Sum256(blob)
	return l.keys[string(blob)] || l.sha1[string(short[:])] || l.sha256[string(long[:])]
}

func (c *revokedCerts) revoke(cert *ssh.Certificate) bool {
	if len(c.authority) > 0 && !bytes.Equal(c.authority, cert.SignatureKey.Marshal()) {
		return false
	}
	if c.ids[cert.KeyId] {
		return true
	}
	if cert.Serial == 0 { // an authority that numbers nothing: krl.c passes over it
		return false
	}
	for _, r := range c.ranges {
		if r.first <= cert.Serial && cert.Serial <= r.last {
			return true
		}
	}
	for _, m := range c.bitmaps {
		if m.has(cert.Serial) {
			return true
		}
	}
	return false
}

func (m serialBitmap) has(serial uint64) bool {
	bit := serial - m.first
	if serial < m.first || bit/8 >= uint64(len(m.bits)) {
		return false
	}
	return m.bits[uint64(len(m.bits))-1-bit/8]>>(bit%8)&1 == 1
}
