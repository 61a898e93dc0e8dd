package keys

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"filippo.io/age"
)

// A pack takes keys to another machine: a tar archive of the files of a
// directory ~/.ssh, which age encrypts by a passphrase, so that
// "age -d PACK | tar -t" reads it without us.

// PackedFile is a file of a pack.
type PackedFile struct {
	Name    string // below ~/.ssh, with slashes: "config.d/lab"
	Private bool   // nobody but its owner may read it
	Text    []byte
}

// What a pack may hold. Known hosts of a large site are the largest of its
// files.
const (
	maxPackedFile  = 8 << 20
	maxPackedFiles = 500
	maxPack        = 64 << 20
)

// PackWork is how hard scrypt makes it to guess the passphrase of a pack: two to
// this power, as in age. It takes a second and 256 MiB.
const PackWork = 18

// Pack writes files into an archive that only the passphrase opens.
func Pack(w io.Writer, files []PackedFile, passphrase []byte, work int) error {
	// The library takes a string, which it copies and keeps until it is gone.
	recipient, err := age.NewScryptRecipient(string(passphrase))
	if err != nil {
		return packWords(err)
	}
	recipient.SetWorkFactor(work)
	sealed, err := age.Encrypt(w, recipient)
	if err != nil {
		return packWords(err)
	}
	if err := writeArchive(sealed, files); err != nil {
		return err
	}
	return sealed.Close()
}

func writeArchive(w io.Writer, files []PackedFile) error {
	archive := tar.NewWriter(w)
	for _, f := range files {
		if err := checkPackedName(f.Name); err != nil {
			return err
		}
		if err := archive.WriteHeader(&tar.Header{Name: f.Name, Mode: int64(f.mode()), Size: int64(len(f.Text))}); err != nil {
			return err
		}
		if _, err := archive.Write(f.Text); err != nil {
			return err
		}
	}
	return archive.Close()
}

// Configures tells whether the file is one of ssh_config, as far as its name says.
func (f PackedFile) Configures() bool {
	return !f.Private && !strings.HasSuffix(f.Name, ".pub") && !strings.HasPrefix(f.Name, "known_hosts")
}

func (f PackedFile) mode() fs.FileMode {
	if f.Private {
		return privateMode
	}
	return publicMode
}

// ErrPackPassphrase is a passphrase that does not open a pack.
var ErrPackPassphrase = errors.New("the passphrase does not open it")

// Unpack reads all of an archive before anything is done with it. It refuses
// one that holds something else than plain files below ~/.ssh.
func Unpack(r io.Reader, passphrase []byte) ([]PackedFile, error) {
	identity, err := age.NewScryptIdentity(string(passphrase))
	if err != nil {
		return nil, ErrPackPassphrase // an empty one
	}
	plain, err := age.Decrypt(r, identity)
	if none := new(age.NoIdentityMatchError); errors.As(err, &none) {
		if !slices.Contains(none.StanzaTypes, "scrypt") {
			return nil, errors.New("it is encrypted for a key of age, not by a passphrase")
		}
		return nil, ErrPackPassphrase
	}
	if err != nil {
		return nil, packWords(err)
	}
	return readArchive(plain)
}

// packWords takes the names of what the library calls things from an error.
func packWords(err error) error {
	if strings.Contains(err.Error(), "failed to read header") {
		return errors.New("it is not a pack, or it is damaged")
	}
	return errors.New(strings.ReplaceAll(err.Error(), "age: ", ""))
}

// readArchive reads an archive of files.
func readArchive(r io.Reader) ([]PackedFile, error) {
	archive := tar.NewReader(&bounded{r, maxPack})
	var files []PackedFile
	for {
		head, err := archive.Next()
		switch {
		case err == io.EOF:
			return files, nil
		case err != nil:
			return nil, damaged(err)
		}
		f, err := readPacked(archive, head)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(files, f.meets) {
			return nil, fmt.Errorf("it holds %q twice, or as a directory too", f.Name)
		}
		if files = append(files, f); len(files) > maxPackedFiles {
			return nil, fmt.Errorf("it holds more than %d files", maxPackedFiles)
		}
	}
}

// meets tells whether two files cannot be beside each other. Some file systems
// know no case.
func (f PackedFile) meets(other PackedFile) bool {
	a, b := strings.ToLower(f.Name), strings.ToLower(other.Name)
	return a == b || strings.HasPrefix(a, b+"/") || strings.HasPrefix(b, a+"/")
}

func readPacked(archive io.Reader, head *tar.Header) (PackedFile, error) {
	f := PackedFile{Name: head.Name, Private: head.Mode&0o077 == 0}
	switch {
	case head.Typeflag != tar.TypeReg:
		return f, fmt.Errorf("%q in it is no plain file", head.Name)
	case head.Size > maxPackedFile:
		return f, fmt.Errorf("%q in it is too large: %d bytes", head.Name, head.Size)
	}
	if err := checkPackedName(head.Name); err != nil {
		return f, err
	}
	var text bytes.Buffer
	if _, err := io.Copy(&text, archive); err != nil {
		return f, damaged(err)
	}
	f.Text = text.Bytes()
	return f, nil
}

// errTooLarge is an archive that would fill the memory.
var errTooLarge = fmt.Errorf("it holds more than %d MiB", maxPack>>20)

func damaged(err error) error {
	if errors.Is(err, errTooLarge) {
		return err
	}
	return fmt.Errorf("it is damaged: %s", strings.TrimPrefix(err.Error(), "archive/"))
}

// bounded gives at most left bytes.
type bounded struct {
	r    io.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLarge
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// openDoors are files of ~/.ssh by which others could come in, or commands run
// at a login (sshd(8)). No pack holds them.
var openDoors = []string{"authorized_keys", "authorized_keys2", "authorized_principals", "rc", "environment"}

// checkPackedName refuses what would lead out of ~/.ssh, there or on a system
// with other separators, and what opens a door.
func checkPackedName(name string) error {
	local := fs.ValidPath(name) && name != "." && path.Clean(name) == name && !strings.ContainsAny(name, `\:`)
	if !local || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Errorf("%q in it is no name of a file below ~/.ssh", name)
	}
	if slices.Contains(openDoors, strings.ToLower(name)) {
		return fmt.Errorf("%q in it decides who may come in, and does not belong there", name)
	}
	return nil
}
