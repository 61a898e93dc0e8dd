package keys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/crypto/ssh"
)

// maxFile is the size in bytes above which a file is not taken for a key.
const maxFile = 1 << 20

// Load reads the public half of the key at path: from path itself if that is
// a public key, from path.pub, or from what an OpenSSH private key file says
// in clear, in this order as sshkey_load_public (authfile.c) does. The private
// half stays in the file until the first signature; ask is called then, and
// ctx ends it.
//
// Public and Signer are nil for an encrypted PEM file that has neither .pub nor
// certificate beside it: Unlock fills them in. The error satisfies
// fs.ErrNotExist if there is no file at all.
func Load(ctx context.Context, path string, ask Passphrase) (*Key, error) {
	k := &Key{Path: path, file: &fileSigner{ctx: ctx, path: path, ask: ask}}
	public, comment, err := loadPublic(path)
	switch {
	case errors.As(err, new(*ssh.PassphraseMissingError)):
		cert, err := LoadCertificate(path + "-cert.pub")
		if err != nil {
			return k, nil
		}
		public = cert.Key
	case err != nil:
		return nil, err
	}
	k.file.public = public
	k.Public, k.Comment, k.Signer = public, comment, k.file
	return k, nil
}

// loadPublic tries the places where a public key can be. It fails with
// *ssh.PassphraseMissingError where only a passphrase would reveal it.
func loadPublic(path string) (ssh.PublicKey, string, error) {
	data, err := readFile(path)
	if err == nil {
		if public, comment, ok := ParsePublic(data); ok {
			return public, comment, nil
		}
	}
	beside, errBeside := readFile(path + ".pub")
	if errBeside == nil {
		if public, comment, ok := ParsePublic(beside); ok {
			return public, comment, nil
		}
	}
	if err != nil {
		return nil, "", err
	}
	defer clear(data)
	public, err := publicHalf(data)
	if err != nil {
		return nil, "", &FileError{path, err}
	}
	return public, "", nil
}

// ParsePublic finds the first line of data that is a public key or a
// certificate, as a .pub file has it: type, base64, comment.
func ParsePublic(data []byte) (key ssh.PublicKey, comment string, ok bool) {
	for line := range bytes.Lines(data) {
		// Options may stand before a key in authorized_keys, but not here:
		// ssh reads a .pub file without them.
		kind, rest, _ := bytes.Cut(bytes.Trim(line, " \t\r\n"), []byte(" "))
		if len(kind) == 0 || len(rest) == 0 || kind[0] == '#' {
			continue
		}
		key, comment, _, _, err := ssh.ParseAuthorizedKey(line)
		if err == nil && key.Type() == string(kind) {
			return key, comment, true
		}
	}
	return nil, "", false
}

// IsPublic tells that the file at path is a public key. A key that Load finds
// there is signed with by an agent only.
func IsPublic(path string) bool {
	data, err := readFile(path)
	_, _, ok := ParsePublic(data)
	return err == nil && ok
}

// LoadCertificate reads the certificate in the file at path, which is named
// like "id_ed25519-cert.pub". The error satisfies fs.ErrNotExist if there is
// none.
func LoadCertificate(path string) (*ssh.Certificate, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	public, _, _ := ParsePublic(data)
	cert, ok := public.(*ssh.Certificate)
	if !ok || cert.CertType != ssh.UserCert {
		return nil, fmt.Errorf("the file %q holds no user certificate", path)
	}
	return cert, nil
}

// WithCertificate is k offered by its certificate. It fails if cert is of
// another key.
func (k *Key) WithCertificate(cert *ssh.Certificate) (*Key, error) {
	if k.Signer == nil || !Equal(k.Public, cert.Key) {
		return nil, fmt.Errorf("the certificate %q is not of the key %q", cert.KeyId, k.Path)
	}
	signer, err := ssh.NewCertSigner(cert, k.Signer)
	if err != nil {
		return nil, fmt.Errorf("using the certificate %q: %w", cert.KeyId, err)
	}
	certified := *k
	certified.Public, certified.Signer = cert, signer
	return &certified, nil
}

// readFile reads a small regular file, or a pipe as <(command) makes it.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f)
}

func readAll(f *os.File) ([]byte, error) {
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if info.IsDir() {
		return nil, &fs.PathError{Op: "read", Path: f.Name(), Err: syscall.EISDIR}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("the file %q is too large for a key", f.Name())
	}
	return data, nil
}
