package keys

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
)

// PermissionError is a private key file that others than its owner can reach.
type PermissionError struct {
	Path string
	Mode os.FileMode
}

// Error is in the words of sshkey_perm_ok (authfile.c), by which people look
// for help.
func (e *PermissionError) Error() string {
	return fmt.Sprintf("Permissions 0%03o for '%s' are too open", e.Mode.Perm(), e.Path)
}

// errMismatch is a private key that is not that of the .pub file.
var errMismatch = errors.New("the private key does not belong to the public key beside it")

// FileError is a key file that could not be used.
type FileError struct {
	Path string
	Err  error
}

func (e *FileError) Error() string { return fmt.Sprintf("reading the key %q: %v", e.Path, e.Err) }
func (e *FileError) Unwrap() error { return e.Err }

// fileSigner signs with the private half of a file. It reads and decrypts the
// file at the first signature.
type fileSigner struct {
	ctx    context.Context // of Load; ends the asking
	path   string
	ask    Passphrase
	public ssh.PublicKey // nil until known; set before the first signature
	token  *Token        // of a security key; set before the first signature
	ring   *Ring         // of what others have opened; nil for none, set before the first signature

	// mu makes two signatures ask once. It guards half.
	mu   sync.Mutex
	half *private // nil until read
}

func (s *fileSigner) PublicKey() ssh.PublicKey { return s.public }

func (s *fileSigner) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	return s.SignWithAlgorithm(rand, data, "")
}

func (s *fileSigner) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	half, err := s.unlock()
	if err != nil {
		return nil, err
	}
	return half.SignWithAlgorithm(rand, data, algorithm)
}

// Algorithms are the signature algorithms that the key can make, strongest
// first.
func (s *fileSigner) Algorithms() []string { return SignatureAlgorithms(s.public) }

// SignatureAlgorithms are those of RFC 8332 for RSA, and the key's own type
// for any other key; for a certificate, those of its key.
func SignatureAlgorithms(key ssh.PublicKey) []string {
	if kind := Plain(key).Type(); kind != ssh.KeyAlgoRSA {
		return []string{kind}
	}
	return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSA}
}

func (s *fileSigner) usable() error {
	if s.public != nil && isSecurityKey(s.public) && s.token == nil {
		return errToken
	}
	f, err := s.open()
	if err != nil {
		return err
	}
	return f.Close()
}

// open opens the file unless others can reach it.
func (s *fileSigner) open() (*os.File, error) {
	f, err := os.Open(s.path)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err == nil && tooOpen(info) {
		f.Close()
		return nil, &PermissionError{Path: s.path, Mode: info.Mode()}
	}
	return f, nil
}

// CheckMode refuses a private key file that others can reach, as ssh does: with
// a *PermissionError.
func CheckMode(path string) error {
	f, err := (&fileSigner{path: path}).open()
	if err != nil {
		return err
	}
	return f.Close()
}

// unlock returns the private half, from the file if it is not there yet.
func (s *fileSigner) unlock() (*private, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.half != nil {
		return s.half, nil
	}
	half, err := s.read()
	if err != nil {
		return nil, err
	}
	if s.public == nil {
		s.public = half.PublicKey()
	} else if !Equal(s.public, half.PublicKey()) {
		return nil, &FileError{s.path, errMismatch}
	}
	if k, ok := half.raw.(*tokenKey); ok {
		k.ctx, k.path, k.token = s.ctx, s.path, s.token
	}
	s.half = half
	return half, nil
}

func (s *fileSigner) comment() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.half == nil || s.half.comment == nil {
		return ""
	}
	return *s.half.comment
}

func (s *fileSigner) read() (*private, error) {
	f, err := s.open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := readAll(f)
	if err != nil {
		return nil, err
	}
	defer clear(data)
	half, err := parsePrivate(data, nil)
	if errors.As(err, new(*ssh.PassphraseMissingError)) {
		half, err = s.decrypt(data)
	}
	if err != nil {
		return nil, &FileError{s.path, err}
	}
	return half, nil
}

// decrypt asks for the passphrase until it is right or nobody answers.
func (s *fileSigner) decrypt(data []byte) (*private, error) {
	if s.ask == nil {
		return nil, &ssh.PassphraseMissingError{PublicKey: s.public}
	}
	for try := 1; ; try++ {
		passphrase, err := s.ask(s.ctx, s.path, try)
		if err != nil {
			return nil, err
		}
		half, err := s.ring.parse(data, passphrase)
		clear(passphrase)
		if !errors.Is(err, x509.IncorrectPasswordError) {
			return half, err
		}
	}
}

func isSecurityKey(key ssh.PublicKey) bool { return strings.HasPrefix(Plain(key).Type(), "sk-") }
