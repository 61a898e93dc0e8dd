package transport

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/keys"
)

// rememberHost appends a key under the names of a host to file, unless lines
// that say the same are there by now. A missing file is made, private to the
// user, and so is ~/.ssh; any other directory that is not there is a mistake in
// a path (hostfile_create_user_ssh_dir, hostfile.c).
func rememberHost(file string, names []string, key ssh.PublicKey, hash bool) error {
	if err := appendKnownHost(file, names, key, hash); err != nil {
		return fmt.Errorf("adding %q to %q: %w", strings.Join(names, ","), file, err)
	}
	return nil
}

func appendKnownHost(file string, names []string, key ssh.PublicKey, hash bool) error {
	if dir := filepath.Dir(file); filepath.Base(dir) == ".ssh" {
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	f, err := openLocked(file, os.O_RDWR|os.O_APPEND|os.O_CREATE)
	if err != nil {
		return err
	}
	defer f.Close() // which also gives the lock back
	there, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	known := parseKnownHosts(bytes.NewReader(there), file)
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		_, found := known.of(name).marked("").find(key)
		return found
	})
	if len(names) == 0 {
		return nil
	}
	// One write: O_APPEND keeps it whole beside those of a running ssh,
	// which takes no lock.
	_, err = f.WriteString(afterNewline(there) + knownHostLines(names, key, hash))
	return err
}

// openLocked opens a known_hosts file and waits for its lock, which Close
// gives back. A file that another one has replaced meanwhile is let go: the
// lock that counts is that of the file in place.
func openLocked(file string, flags int) (*os.File, error) {
	for {
		f, err := os.OpenFile(file, flags, 0o600)
		if err != nil {
			return nil, err
		}
		if err := lockFile(f); err != nil {
			f.Close()
			return nil, err
		}
		held, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		if here, err := os.Stat(file); err == nil && os.SameFile(here, held) {
			return f, nil
		}
		f.Close()
	}
}

// afterNewline is what has to come before a line that is added to text.
func afterNewline(text []byte) string {
	if len(text) > 0 && text[len(text)-1] != '\n' {
		return "\n"
	}
	return ""
}

// knownHostLines are what add_host_to_hostfile (hostfile.c) writes: one line
// with all names, or one for each hash.
func knownHostLines(names []string, key ssh.PublicKey, hash bool) string {
	if !hash {
		return strings.Join(names, ",") + " " + string(ssh.MarshalAuthorizedKey(key))
	}
	var lines strings.Builder
	for _, name := range names {
		salt := make([]byte, sha1.Size)
		rand.Read(salt)
		lines.WriteString(hashName(name, salt) + " " + string(ssh.MarshalAuthorizedKey(key)))
	}
	return lines.String()
}

// replaceKnownHosts leaves of the plain lines of a host those with a key of
// keep, and adds lines for the keys of keep that are missing under one of its
// names: hostfile_replace_entries (hostfile.c). Other lines keep their bytes.
// A file that is not there stays so.
func replaceKnownHosts(file string, names []string, keep []ssh.PublicKey, hash bool) error {
	f, err := openLocked(file, os.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	before, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	if !locking {
		f.Close() // nothing is lost with it, and Windows replaces no open file
	}
	return config.Replace(file, before, withKeys(before, names, keep, hash))
}

// withKeys is the text that replaceKnownHosts writes.
func withKeys(text []byte, names []string, keep []ssh.PublicKey, hash bool) []byte {
	var after []byte
	missing := make([][]string, len(keep))
	for i := range missing {
		missing[i] = slices.Clone(names)
	}
	for line := range bytes.Lines(text) {
		e, ok := parseKnownHost(string(line))
		if !ok || e.marker != "" || len(e.matching(names)) == 0 {
			after = append(after, line...)
			continue
		}
		i := slices.IndexFunc(keep, func(key ssh.PublicKey) bool { return keys.Equal(key, e.key) })
		if i < 0 {
			continue
		}
		after = append(after, line...)
		missing[i] = slices.DeleteFunc(missing[i], e.matches)
	}
	for i, key := range keep {
		if len(missing[i]) > 0 {
			after = append(after, afterNewline(after)+knownHostLines(missing[i], key, hash)...)
		}
	}
	return after
}

// matching are those of names that the line names.
func (e knownHost) matching(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !e.matches(name) })
}
