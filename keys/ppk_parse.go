package keys

import (
	"bytes"
	"crypto/aes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// ppkLines reads the lines of a .ppk one after the other. The first mistake
// stays in err, and nothing is read after it.
type ppkLines struct {
	rest [][]byte
	err  error
}

// parsePPK reads what stands in clear. The end of a line is that of any system.
func parsePPK(data []byte) (*ppk, error) {
	l := &ppkLines{rest: bytes.Split(unixLines(data), []byte("\n"))}
	p := &ppk{}
	first := l.next()
	version, algorithm, ok := strings.Cut(strings.TrimPrefix(string(first), puttyMagic), ": ")
	switch {
	case !ok || !bytes.HasPrefix(first, []byte(puttyMagic)):
		return nil, ErrNoKey
	case version != "2" && version != "3":
		return nil, fmt.Errorf("version %.8q of PuTTY's key files is not read here, only 2 and 3", version)
	}
	p.version, p.algorithm = int(version[0]-'0'), algorithm
	p.cipher = l.field("Encryption")
	if l.err == nil && p.encrypted() && p.cipher != ppkCipher {
		return nil, fmt.Errorf("its encryption %.32q is not supported", p.cipher)
	}
	p.comment = l.field("Comment")
	p.public = l.base64("Public-Lines")
	if p.version == 3 && p.encrypted() {
		p.argon = l.argon()
	}
	p.private = l.base64("Private-Lines")
	p.mac = l.hex("Private-MAC")
	if l.err == nil && p.encrypted() && (len(p.private) == 0 || len(p.private)%aes.BlockSize != 0) {
		l.damaged("Private-Lines")
	}
	return p, l.err
}

func (l *ppkLines) damaged(name string) {
	if l.err == nil {
		l.err = fmt.Errorf("it is a damaged key of PuTTY: %q is missing or malformed", name)
	}
}

func (l *ppkLines) next() []byte {
	if len(l.rest) == 0 {
		return nil
	}
	line := l.rest[0]
	l.rest = l.rest[1:]
	return line
}

func (l *ppkLines) field(name string) string {
	if l.err != nil {
		return ""
	}
	value, ok := bytes.CutPrefix(l.next(), []byte(name+": "))
	if !ok {
		l.damaged(name)
	}
	return string(value)
}

func (l *ppkLines) number(name string) uint32 {
	n, err := strconv.ParseUint(l.field(name), 10, 32)
	if err != nil {
		l.damaged(name)
	}
	return uint32(n)
}

func (l *ppkLines) hex(name string) []byte {
	value, err := hex.DecodeString(l.field(name))
	if err != nil {
		l.damaged(name)
	}
	return value
}

// base64 reads the lines that a field counts.
func (l *ppkLines) base64(name string) []byte {
	n := int(l.number(name))
	if l.err != nil || n > len(l.rest) {
		l.damaged(name)
		return nil
	}
	text := bytes.Join(l.rest[:n], nil)
	l.rest = l.rest[n:]
	value, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		l.damaged(name)
	}
	return value
}

func (l *ppkLines) argon() argon {
	a := argon{
		flavour:     l.field("Key-Derivation"),
		memory:      l.number("Argon2-Memory"),
		passes:      l.number("Argon2-Passes"),
		parallelism: l.number("Argon2-Parallelism"),
		salt:        l.hex("Argon2-Salt"),
	}
	if l.err == nil && !a.valid() {
		l.damaged("Key-Derivation")
	}
	return a
}
