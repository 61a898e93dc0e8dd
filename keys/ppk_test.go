package keys

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

// puttygen has PuTTY make a .ppk of a key, with a passphrase or "".
func puttygen(t *testing.T, key, passphrase, params string) (path string) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "jon.ppk")
	secret := filepath.Join(dir, "passphrase")
	check(t, os.WriteFile(secret, []byte(passphrase), 0o600))
	args := []string{key, "-O", "private", "-o", path, "--old-passphrase", "/dev/null", "--new-passphrase", secret}
	if params != "" {
		args = append(args, "--ppk-param", params)
	}
	sshtest.Run(t, "puttygen", args...)
	return path
}

func TestPuTTYsKeysAreRead(t *testing.T) {
	t.Parallel()
	const quick = ",memory=64,passes=2"
	for _, row := range []struct {
		args, passphrase, params string
		lock                     Lock
	}{
		{"-t ed25519", "", "version=2", Lock{Version: 2}},
		{"-t ed25519", "winter", "version=2", Lock{Version: 2, Encrypted: true, Cipher: "aes256-cbc"}},
		{"-t ed25519", "", "", Lock{Version: 3}},
		{"-t ed25519", "winter", "", Lock{Version: 3, Encrypted: true, Cipher: "aes256-cbc", KDF: "Argon2id"}},
		{"-t ecdsa -b 256", "winter", "kdf=argon2i" + quick, Lock{Version: 3, Encrypted: true, Cipher: "aes256-cbc", KDF: "Argon2i"}},
		{"-t ecdsa -b 384", "winter", "kdf=argon2d,parallelism=3" + quick, Lock{Version: 3, Encrypted: true, Cipher: "aes256-cbc", KDF: "Argon2d"}},
		{"-t ecdsa -b 521", "ветер", "kdf=argon2id" + quick, Lock{Version: 3, Encrypted: true, Cipher: "aes256-cbc", KDF: "Argon2id"}},
		{"-t rsa -b 2048", "", "version=2", Lock{Version: 2}},
		{"-t rsa -b 2048", "winter", "kdf=argon2id" + quick, Lock{Version: 3, Encrypted: true, Cipher: "aes256-cbc", KDF: "Argon2id"}},
	} {
		t.Run(fmt.Sprintf("%s %q %s", row.args, row.passphrase, row.params), func(t *testing.T) {
			path := puttygen(t, generate(t, "", strings.Fields(row.args)...), row.passphrase, row.params)
			p := &person{answers: []string{"summer", row.passphrase}}
			o, err := Open(t.Context(), path, p.ask)
			check(t, err)
			if diff := cmp.Diff(sshtest.Run(t, "puttygen", "-L", path), string(o.AuthorizedLine())); diff != "" {
				t.Errorf("puttygen -L prints (-), we (+):\n%s", diff)
			}
			f := inspect(t, path)
			bits := f.Bits
			if f.Type == "ED25519" {
				bits = 255 // PuTTY counts those of its field
			}
			said := sshtest.Run(t, "puttygen", "-l", path)
			if want := fmt.Sprintf("%s %d %s\n", f.Public.Type(), bits, f.SHA256); said != want || f.Comment != o.Comment {
				t.Errorf("puttygen -l prints %q, we %q with the comment %q", said, want, f.Comment)
			}
			row.lock.Format = FormatPuTTY
			if diff := cmp.Diff(&row.lock, f.Private); diff != "" {
				t.Errorf("the lock (-want +got):\n%s", diff)
			}
			made := write(t, o.Secret, row.passphrase, 1)
			if line := sshtest.Run(t, "ssh-keygen", "-y", "-P", row.passphrase, "-f", made); line != string(o.AuthorizedLine()) {
				t.Errorf("ssh-keygen reads %q", line)
			}
		})
	}
}

func TestDamagedKeysOfPuTTYGiveOneSentenceEach(t *testing.T) {
	sshtest.Program(t, "puttygen")
	plain := string(read(t, puttygen(t, generate(t, "", "-t", "ed25519"), "", "")))
	locked := string(read(t, puttygen(t, generate(t, "", "-t", "ed25519"), "winter", "memory=64,passes=1")))
	swap := func(text, old, replacement string) string {
		t.Helper()
		if !strings.Contains(text, old) {
			t.Fatalf("no %q in %s", old, text)
		}
		return strings.Replace(text, old, replacement, 1)
	}
	missing := func(field string) string {
		return fmt.Sprintf("it is a damaged key of PuTTY: %q is missing or malformed", field)
	}
	for _, row := range []struct{ name, text, want string }{
		{"another comment", swap(plain, "Comment: ", "Comment: x"), errChanged.Error()},
		{"another MAC", swap(plain, "Private-MAC: ", "Private-MAC: 00"), errChanged.Error()},
		{"no MAC", plain[:strings.Index(plain, "Private-MAC")], missing("Private-MAC")},
		{"only the first line", puttyMagic + "3: ssh-ed25519\n", missing("Encryption")},
		{"no type", puttyMagic + "3\n", ErrNoKey.Error()},
		{"version 1", swap(plain, "File-3", "File-1"), `version "1" of PuTTY's key files is not read here, only 2 and 3`},
		{"version 3 said to be 2", swap(plain, "File-3", "File-2"), errChanged.Error()},
		{"another type", swap(plain, ": ssh-ed25519", ": ssh-rsa"), "its public half is not a key of the type that it names"},
		{"an unknown cipher", swap(plain, "Encryption: none", "Encryption: rot13"), `its encryption "rot13" is not supported`},
		{"too many lines", swap(plain, "Private-Lines: 1", "Private-Lines: 4000000000"), missing("Private-Lines")},
		{"a negative count", swap(plain, "Public-Lines: 2", "Public-Lines: -2"), missing("Public-Lines")},
		{"no base64", swap(plain, "AAAA", "!AAA"), missing("Public-Lines")},
		{"a terabyte of memory", swap(locked, "Argon2-Memory: 64", "Argon2-Memory: 1000000000"), missing("Key-Derivation")},
		{"passes without end", swap(locked, "Argon2-Passes: 1", "Argon2-Passes: 4294967295"), missing("Key-Derivation")},
		{"no lanes", swap(locked, "Argon2-Parallelism: 1", "Argon2-Parallelism: 0"), missing("Key-Derivation")},
		{"an unknown derivation", swap(locked, "Argon2id", "Argon2x"), missing("Key-Derivation")},
		{"odd salt", swap(locked, "Argon2-Salt: ", "Argon2-Salt: f"), missing("Argon2-Salt")},
		{"cut in the middle", locked[:len(locked)/2], ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := decode([]byte(row.text), []byte("winter"))
			if err == nil || row.want != "" && err.Error() != row.want {
				t.Errorf("it says %v, want %s", err, row.want)
			}
			checkSentence(t, err)
		})
	}
	if _, err := decode([]byte(strings.ReplaceAll(plain, "\n", "\r\n")), nil); err != nil {
		t.Errorf("with the line ends of Windows: %v", err)
	}
	changed := swap(locked, "Comment: ", "Comment: x")
	path := filepath.Join(t.TempDir(), "id.ppk")
	check(t, os.WriteFile(path, []byte(changed), 0o600))
	if _, err := Open(t.Context(), path, (&person{answers: []string{"winter"}}).ask); !errors.Is(err, errSilent) {
		t.Errorf("a changed file with its passphrase gives %v, want another question", err)
	}
}

func TestAPuTTYKeyIsToldWithTheCommandThatImportsIt(t *testing.T) {
	path := puttygen(t, generate(t, "", "-t", "ed25519"), "", "")
	f := inspect(t, path)
	checkRules(t, f, "not-private")
	if want := "sallyport key import " + path; f.Findings[0].Fix != want || f.PublicFile != PublicPresent {
		t.Errorf("the fix is %q, want %q; its .pub is %s", f.Findings[0].Fix, want, f.PublicFile)
	}
}

// FuzzPPK: no file of PuTTY makes the parser panic.
func FuzzPPK(f *testing.F) {
	f.Add([]byte(puttyMagic + "3: ssh-ed25519\nEncryption: none\nComment: jon\nPublic-Lines: 1\nAAAA\nPrivate-Lines: 1\nAAAA\nPrivate-MAC: 00\n"))
	f.Add([]byte(puttyMagic + "3: ssh-rsa\r\nEncryption: aes256-cbc\r\nComment: \r\nPublic-Lines: 0\r\nKey-Derivation: Argon2i\r\nArgon2-Memory: 8\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := decodePPK(data, nil)
		if (s == nil) == (err == nil) {
			t.Fatalf("both or neither of key and error: %v, %v", s, err)
		}
		checkSentence(t, err)
	})
}

// FuzzPPKPrivate: no private half makes the parser panic.
func FuzzPPKPrivate(f *testing.F) {
	publics := []string{}
	for _, spec := range []Spec{{}, {Type: "ecdsa"}} {
		made, err := Generate(spec)
		if err != nil {
			f.Fatal(err)
		}
		publics = append(publics, string(made.AuthorizedLine()))
	}
	sample, err := os.ReadFile("testdata/private/rsa")
	if err != nil {
		f.Fatal(err)
	}
	key, err := publicHalf(sample)
	if err != nil {
		f.Fatal(err)
	}
	publics = append(publics, string(PublicLine(key, "")))
	f.Add(uint(0), []byte("\x00\x00\x00\x20"+strings.Repeat("x", 32)))
	f.Add(uint(1), []byte("\x00\x00\x00\x01\x05"))
	f.Add(uint(2), []byte("\x00\x00\x00\x01\x05\x00\x00\x00\x01\x03\x00\x00\x00\x01\x07\x00\x00\x00\x01\x01"))
	f.Fuzz(func(t *testing.T, which uint, plain []byte) {
		public, _, _ := ParsePublic([]byte(publics[which%uint(len(publics))]))
		if raw, err := ppkPrivate(public, plain); (raw == nil) == (err == nil) {
			t.Fatalf("both or neither of key and error: %v, %v", raw, err)
		}
	})
}
