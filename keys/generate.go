package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"slices"

	"golang.org/x/crypto/ssh"
)

// Spec is a key to be made. The zero value is an ed25519 key.
type Spec struct {
	Type    string // as ssh-keygen -t names it; "" is "ed25519"
	Bits    int    // 0 is the first of the sizes of the type
	Comment string
}

// kind is a type of keys that can be made.
type kind struct {
	file  string // the name of its file in ~/.ssh, as in pathnames.h
	token bool   // it is made in a FIDO token
	bits  []int  // the usual one first
	make  func(bits int) (crypto.PrivateKey, error)
}

var kinds = map[string]kind{
	"ed25519":    {"id_ed25519", false, []int{256}, makeEd25519},
	"ecdsa":      {"id_ecdsa", false, []int{256, 384, 521}, makeECDSA},
	"rsa":        {"id_rsa", false, []int{4096, leastRSA}, makeRSA},
	"ed25519-sk": {"id_ed25519_sk", true, []int{256}, nil},
	"ecdsa-sk":   {"id_ecdsa_sk", true, []int{256}, nil},
}

// Types are the types that can be made, the advised one first.
func Types() []string { return []string{"ed25519", "ecdsa", "rsa", "ed25519-sk", "ecdsa-sk"} }

// Check fills in what is not given, and refuses what no key can be.
func (s Spec) Check() (Spec, error) {
	if s.Type == "" {
		s.Type = "ed25519"
	}
	k, ok := kinds[s.Type]
	if !ok {
		return s, fmt.Errorf("keys of type %q are not made here: choose one of %q", s.Type, Types())
	}
	if s.Bits == 0 {
		s.Bits = k.bits[0]
	}
	if !slices.Contains(k.bits, s.Bits) {
		return s, fmt.Errorf("%s keys of %d bits are not made here: choose one of %v", s.Type, s.Bits, k.bits)
	}
	return s, CheckComment(s.Comment)
}

// FileName is the name that ssh looks for in ~/.ssh; s has passed Check.
func (s Spec) FileName() string { return kinds[s.Type].file }

// InToken tells that the private half never leaves a FIDO token, so that only
// ssh-keygen can have it made; s has passed Check.
func (s Spec) InToken() bool { return kinds[s.Type].token }

// Generate makes a key.
func Generate(s Spec) (*Secret, error) {
	s, err := s.Check()
	if err != nil {
		return nil, err
	}
	if s.InToken() {
		return nil, errToken
	}
	raw, err := kinds[s.Type].make(s.Bits)
	if err != nil {
		return nil, plainWords(err)
	}
	signer, err := ssh.NewSignerFromKey(raw)
	if err != nil {
		return nil, plainWords(err)
	}
	return &Secret{Public: signer.PublicKey(), Comment: s.Comment, raw: raw}, nil
}

func makeEd25519(int) (crypto.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return &key, err // as the parsers of the library return it
}

func makeECDSA(bits int) (crypto.PrivateKey, error) {
	curve := map[int]elliptic.Curve{256: elliptic.P256(), 384: elliptic.P384(), 521: elliptic.P521()}[bits]
	return ecdsa.GenerateKey(curve, rand.Reader)
}

func makeRSA(bits int) (crypto.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, bits) }
