package keys

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"

	"golang.org/x/crypto/ssh"
)

// The ways in which a public key comes out wrong when it is copied from a
// window into a form.
var (
	errPastedPrivate = errors.New("it is a private key: never give that away, only the line of the .pub file")
	errPastedPuTTY   = errors.New("it is PuTTY's own file, which holds the private half: copy the line that puttygen shows under \"Public key for pasting\"")
	errPastedRFC4716 = errors.New("it is in the form of RFC 4716, which authorized_keys does not take: ssh-keygen -i -f FILE prints the line")
	errPastedBroken  = errors.New("a line break is inside the key: it has to be one line")
	errPastedBare    = errors.New("the type before the key is missing, as \"ssh-ed25519\"")
	errPastedType    = errors.New("the type before the key is not the key's own")
	errPastedCut     = errors.New("the key is incomplete or altered: copy the whole line again")
	errPastedNothing = errors.New("there is no public key in it")
)

// ParsePasted reads the one public key of a text that was pasted, or of a .pub
// file. The error says in which of the usual ways it went wrong.
func ParsePasted(text []byte) (key ssh.PublicKey, comment string, err error) {
	text = bytes.TrimSpace(text)
	switch {
	case bytes.Contains(text, []byte("PRIVATE KEY-----")):
		return nil, "", errPastedPrivate
	case bytes.HasPrefix(text, []byte(puttyMagic)):
		return nil, "", errPastedPuTTY
	case bytes.HasPrefix(text, []byte("---- BEGIN SSH2 PUBLIC KEY")):
		return nil, "", errPastedRFC4716
	}
	if key, comment, ok := ParsePublic(text); ok {
		return key, comment, nil
	}
	return nil, "", pastingFault(strings.Fields(string(text)))
}

// LoadPasted reads a file that holds what ParsePasted reads.
func LoadPasted(path string) (*Key, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	public, comment, err := ParsePasted(text)
	return &Key{Public: public, Path: path, Comment: comment}, err
}

// pastingFault tells apart what is wrong with a key that is no line of its
// own.
func pastingFault(words []string) error {
	if len(words) == 0 {
		return errPastedNothing
	}
	if joined(words) {
		return errPastedBare
	}
	if !strings.Contains(words[0], "-") {
		return errPastedNothing
	}
	switch {
	case len(words) > 1 && joined(words[1:2]):
		return errPastedType
	case joined(words[1:]):
		return errPastedBroken
	}
	return errPastedCut
}

// joined tells whether words, or the first of them, are a key in base64 once
// they are put together again.
func joined(words []string) bool {
	encoded := ""
	for _, w := range words {
		encoded += w
		blob, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			continue
		}
		if _, err := ssh.ParsePublicKey(blob); err == nil {
			return true
		}
	}
	return false
}
