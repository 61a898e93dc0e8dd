package transport

import (
	"bytes"
	"os"
	"slices"
	"strconv"

	"al.essio.dev/pkg/shellescape"
	"golang.org/x/crypto/ssh"

	"sallyport/keys"
)

// listedAsRevoked looks into the files of RevokedHostKeys: revocation lists, or
// lists of public keys. As in ssh, every host is refused when one can't be read.
func (k *hostKeys) listedAsRevoked(key ssh.PublicKey) error {
	for _, file := range paths(k.host, "RevokedHostKeys") {
		if err := k.listedIn(file, key); err != nil {
			return err
		}
	}
	return nil
}

func (k *hostKeys) listedIn(file string, key ssh.PublicKey) error {
	place, hint, err := k.findRevoked(file, key)
	if err != nil {
		return k.fail("hostkey-revoked", whereSet(k.host, "RevokedHostKeys"), "reading RevokedHostKeys: %v", err)
	}
	if place == "" {
		return nil
	}
	k.told.say(LevelError, "Host key %s %s revoked by file %s", keys.TypeName(key), k.digest.Fingerprint(key), file)
	return k.fail("hostkey-revoked", hint,
		"the %s host key of %q, %s, is revoked by %s", keys.TypeName(key), k.name, k.digest.Fingerprint(key), place)
}

// findRevoked says where in the file a key is revoked, and how to look there;
// place is "" where it isn't.
func (k *hostKeys) findRevoked(file string, key ssh.PublicKey) (place, hint string, err error) {
	if file, err = k.host.Expand(file); err != nil {
		return "", "", err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", "", err
	}
	if !bytes.HasPrefix(data, krlMagic) {
		if line := revokedLine(data, key); line > 0 {
			place = file + ":" + strconv.Itoa(line)
		}
		return place, "edit " + place, nil
	}
	list, err := parseKRL(data)
	if err != nil {
		return "", "", &os.PathError{Op: "read", Path: file, Err: err}
	}
	if list.revokes(key) {
		place = file
	}
	return place, "ssh-keygen -Q -l -f " + shellescape.Quote(file), nil
}

// revokedLine is the line of a list of keys that names the key or its
// authority, 0 if none does: sshkey_in_file (authfile.c).
func revokedLine(list []byte, key ssh.PublicKey) int {
	number := 0
	for line := range bytes.Lines(list) {
		number++
		listed, _, ok := keys.ParsePublic(line)
		if ok && slices.ContainsFunc(withAuthority(key), func(c ssh.PublicKey) bool { return keys.Equal(c, listed) }) {
			return number
		}
	}
	return 0
}

// withAuthority is a key, and for a certificate its key and its authority.
func withAuthority(key ssh.PublicKey) []ssh.PublicKey {
	if cert, ok := key.(*ssh.Certificate); ok {
		return []ssh.PublicKey{cert, cert.Key, cert.SignatureKey}
	}
	return []ssh.PublicKey{key}
}
