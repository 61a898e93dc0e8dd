package keys

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// Facts is what the files of a key pair say without a passphrase.
type Facts struct {
	Path        string       `json:"path,omitempty"` // of the private half, also where only the public one is there
	Type        string       `json:"type,omitempty"` // "" where only a passphrase would reveal the key
	Bits        int          `json:"bits,omitempty"`
	SHA256      string       `json:"sha256,omitempty"`
	MD5         string       `json:"md5,omitempty"`
	Comment     string       `json:"comment,omitempty"`
	Private     *Lock        `json:"private,omitempty"` // nil: there is no private half
	Mode        string       `json:"mode,omitempty"`    // of the private half, in octal
	Owner       string       `json:"owner,omitempty"`
	PublicFile  string       `json:"public,omitempty"` // "present", "missing" or "mismatched"; "" of a key without files
	Certificate *Certificate `json:"certificate,omitempty"`
	Findings    []Finding    `json:"findings"`

	// Public is nil where Type is "".
	Public ssh.PublicKey `json:"-"`
	open   bool          // others can reach the private half
}

// Certificate is what the certificate beside a key says.
type Certificate struct {
	ID         string    `json:"id"`
	Principals []string  `json:"principals"`            // none is everybody
	After      time.Time `json:"valid_after,omitzero"`  // zero is always
	Before     time.Time `json:"valid_before,omitzero"` // zero is for ever
}

// The states of Facts.PublicFile.
const (
	PublicPresent    = "present"
	PublicMissing    = "missing"
	PublicMismatched = "mismatched"
)

// Inspect looks at the key pair whose private half is, or would be, at path.
// The error satisfies fs.ErrNotExist if neither half is there.
func Inspect(path string) (*Facts, error) {
	f := &Facts{Path: path, PublicFile: PublicMissing, Findings: []Finding{}}
	data, err := readFile(path)
	defer clear(data)
	none := errors.Is(err, fs.ErrNotExist)
	if err != nil && !none {
		return nil, &FileError{path, err}
	}
	beside, errBeside := readFile(path + ".pub")
	if none && errBeside != nil {
		return nil, err
	}
	if public, comment, ok := ParsePublic(beside); ok {
		f.is(public, comment)
		f.PublicFile = PublicPresent
	} else if errBeside == nil {
		f.PublicFile = PublicMismatched
	}
	var broken error
	if !none {
		f.stat()
		broken = f.private(data)
	}
	if cert, err := LoadCertificate(path + "-cert.pub"); err == nil {
		f.Certificate = certificate(cert)
	}
	// CertificateFile may name a file in any way.
	if cert, ok := f.Public.(*ssh.Certificate); ok {
		f.Certificate = certificate(cert)
	}
	f.judge(data, broken)
	return f, nil
}

// Of is what there is to say of a key without files, as an agent holds it.
func Of(k *Key) *Facts {
	f := &Facts{Findings: []Finding{}}
	f.is(k.Public, k.Comment)
	if cert, ok := k.Public.(*ssh.Certificate); ok {
		f.Certificate = certificate(cert)
	}
	f.judgeStrength()
	return f
}

func (f *Facts) is(public ssh.PublicKey, comment string) {
	f.Public, f.Comment = public, comment
	f.Type, f.Bits = TypeName(public), Bits(public)
	f.SHA256, f.MD5 = Fingerprint(public), Digest("MD5").Fingerprint(public)
}

func (f *Facts) stat() {
	if info, err := os.Stat(f.Path); err == nil {
		f.Mode, f.Owner, f.open = fmt.Sprintf("%04o", info.Mode().Perm()), owner(info), tooOpen(info)
	}
}

// private reads the private half. It returns why that is not a key that ssh
// could use.
func (f *Facts) private(data []byte) error {
	lock, ok := lockOf(data)
	if !ok {
		return ErrNoKey
	}
	f.Private = &lock
	if lock.Format == FormatPuTTY {
		return f.putty(data)
	}
	public, err := publicHalf(data)
	switch {
	case errors.As(err, new(*ssh.PassphraseMissingError)):
		return nil
	case err != nil:
		return err
	case f.Public == nil:
		f.is(public, "")
	case !Equal(Plain(f.Public), public):
		// The private half is the one that signs.
		f.is(public, "")
		f.PublicFile = PublicMismatched
	}
	return nil
}

// putty reads both halves from a .ppk: it needs no .pub.
func (f *Facts) putty(data []byte) error {
	p, err := parsePPK(data)
	if err != nil {
		return err
	}
	public, err := ssh.ParsePublicKey(p.public)
	if err != nil {
		return plainWords(err)
	}
	f.is(public, p.comment)
	f.PublicFile = PublicPresent
	return errPuTTY
}

func certificate(cert *ssh.Certificate) *Certificate {
	c := &Certificate{ID: cert.KeyId, Principals: append([]string{}, cert.ValidPrincipals...)}
	if cert.ValidAfter != 0 {
		c.After = moment(cert.ValidAfter)
	}
	if cert.ValidBefore != ssh.CertTimeInfinity {
		c.Before = moment(cert.ValidBefore)
	}
	return c
}

// Validity says when a certificate is good.
func (c *Certificate) Validity() string {
	const day = "2006-01-02 15:04 MST"
	from, until := "always", "for ever"
	if !c.After.IsZero() {
		from = "from " + c.After.Format(day)
	}
	if !c.Before.IsZero() {
		until = "until " + c.Before.Format(day)
	}
	return from + " " + until
}

// moment is a time of a certificate in seconds. What JSON can't write, years
// of five digits, is the last year that it can.
func moment(seconds uint64) time.Time {
	const latest = 253402300799 // 9999-12-31T23:59:59Z
	return time.Unix(int64(min(seconds, latest)), 0).UTC()
}

// Find lists the key pairs in a directory, by the path of the private half:
// files that begin as a private key does, and what has a .pub beside it.
func Find(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		base, public := strings.CutSuffix(path, ".pub")
		switch {
		case strings.HasSuffix(base, "-cert"):
		case public:
			paths = append(paths, base)
		case looksPrivate(path):
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

// looksPrivate reads regular files only: a socket or a pipe would wait.
func looksPrivate(path string) bool {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return false
	}
	data, err := readFile(path)
	defer clear(data)
	line, _, _ := bytes.Cut(data, []byte("\n"))
	return err == nil && (bytes.HasPrefix(line, []byte(puttyMagic)) ||
		bytes.HasPrefix(line, []byte("-----BEGIN ")) && bytes.Contains(line, []byte("PRIVATE KEY")))
}
