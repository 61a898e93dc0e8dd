package keys

import (
	"crypto/sha256"
	"sync"
)

// Ring remembers the private halves of encrypted files for logins that use the
// same ones, as those of a chain do: what makes a passphrase hard to guess takes a
// tenth of a second each time (bcrypt_pbkdf). The zero value is ready for use, a nil
// one remembers nothing.
type Ring struct {
	mu     sync.Mutex // guards halves
	halves map[[sha256.Size]byte]*private
}

// Forget forgets all.
func (r *Ring) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.halves = nil
}

// parse is parsePrivate of what may be remembered. The half of a token is not: it
// asks for the one login.
func (r *Ring) parse(data, passphrase []byte) (*private, error) {
	if r == nil {
		return parsePrivate(data, passphrase)
	}
	file := sha256.Sum256(data)
	hash := sha256.New()
	hash.Write(file[:])
	hash.Write(passphrase)
	id := [sha256.Size]byte(hash.Sum(nil))
	if half := r.find(id); half != nil {
		return half, nil
	}
	half, err := parsePrivate(data, passphrase)
	if err != nil {
		return nil, err
	}
	if _, ok := half.raw.(*tokenKey); !ok {
		r.keep(id, half)
	}
	return half, nil
}

func (r *Ring) find(id [sha256.Size]byte) *private {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.halves[id]
}

func (r *Ring) keep(id [sha256.Size]byte, half *private) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.halves == nil {
		r.halves = map[[sha256.Size]byte]*private{}
	}
	r.halves[id] = half
}

// Share has the key, which is of a file, use what was opened for others and open it
// for them. It is called before the first signature.
func (k *Key) Share(r *Ring) { k.file.ring = r }
