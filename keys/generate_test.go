package keys

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

// write has us write a key pair.
func write(t *testing.T, s *Secret, passphrase string, rounds int) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "id")
	text, err := s.Encode([]byte(passphrase), rounds)
	check(t, err)
	check(t, Create(path, text, s.AuthorizedLine()))
	return path
}

func TestSSHKeygenReadsTheKeysThatAreMade(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		spec       Spec
		passphrase string
	}{
		{Spec{}, ""},
		{Spec{Type: "ed25519"}, "winter is coming"},
		{Spec{Type: "ecdsa"}, "winter"},
		{Spec{Type: "ecdsa", Bits: 384}, ""},
		{Spec{Type: "ecdsa", Bits: 521}, "ветер"},
		{Spec{Type: "rsa", Bits: 3072}, "winter"},
	} {
		t.Run(fmt.Sprintf("%s %d %q", row.spec.Type, row.spec.Bits, row.passphrase), func(t *testing.T) {
			row.spec.Comment = "jon snow@wall"
			made, err := Generate(row.spec)
			check(t, err)
			path := write(t, made, row.passphrase, 2)

			line := sshtest.Run(t, "ssh-keygen", "-y", "-P", row.passphrase, "-f", path)
			if diff := cmp.Diff(line, string(read(t, path+".pub"))); diff != "" {
				t.Errorf("ssh-keygen -y prints (-), the .pub is (+):\n%s", diff)
			}
			f := inspect(t, path)
			said := sshtest.Run(t, "ssh-keygen", "-lv", "-f", path)
			want := fmt.Sprintf("%d %s %s (%s)\n%s\n", f.Bits, f.SHA256, f.Comment, f.Type, Randomart(f.Public))
			if diff := cmp.Diff(said, want); diff != "" {
				t.Errorf("ssh-keygen -lv prints (-), we (+):\n%s", diff)
			}
			lock := Lock{Format: FormatOpenSSH}
			if row.passphrase != "" {
				lock.Encrypted, lock.Cipher, lock.Rounds = true, "aes256-ctr", 2
			}
			if diff := cmp.Diff(&lock, f.Private); diff != "" {
				t.Errorf("the lock (-want +got):\n%s", diff)
			}
			if f.PublicFile != PublicPresent {
				t.Errorf("the .pub is %s", f.PublicFile)
			}
		})
	}
}

func TestWhatNoKeyCanBeIsRefused(t *testing.T) {
	for _, row := range []struct {
		spec Spec
		want string
	}{
		{Spec{Type: "dsa"}, `keys of type "dsa" are not made here: choose one of ["ed25519" "ecdsa" "rsa" "ed25519-sk" "ecdsa-sk"]`},
		{Spec{Type: "rsa", Bits: 2048}, "rsa keys of 2048 bits are not made here: choose one of [4096 3072]"},
		{Spec{Bits: 384}, "ed25519 keys of 384 bits are not made here: choose one of [256]"},
		{Spec{Comment: "jon\nssh-rsa AAAA"}, "a comment is one line"},
		{Spec{Type: "ed25519-sk"}, errToken.Error()},
	} {
		if _, err := Generate(row.spec); err == nil || err.Error() != row.want {
			t.Errorf("%+v gives %v, want %s", row.spec, err, row.want)
		}
	}
	made, err := Generate(Spec{})
	check(t, err)
	for _, rounds := range []int{0, -1, MaxRounds + 1} {
		if _, err := made.Encode([]byte("x"), rounds); err == nil {
			t.Errorf("%d rounds are taken", rounds)
		}
	}
}

func TestAnOpenedFileSaysWhatSSHKeygenWrote(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"-t ed25519", "-t ecdsa -b 384", "-t rsa -b 2048", "-t ed25519 -Z aes192-cbc", "-t rsa -b 2048 -m PEM"} {
		t.Run(args, func(t *testing.T) {
			path := generate(t, "winter", strings.Fields(args)...)
			p := &person{answers: []string{"summer", "winter"}}
			o, err := Open(t.Context(), path, p.ask)
			check(t, err)
			if diff := cmp.Diff(string(read(t, path+".pub")), string(o.AuthorizedLine())); diff != "" {
				t.Errorf("the public half (-want +got):\n%s", diff)
			}
			if len(p.tries) != 2 || string(o.Passphrase) != "winter" || string(p.given[0]) != strings.Repeat("\x00", 6) {
				t.Errorf("it asked %v and keeps %q of %q", p.tries, o.Passphrase, p.given)
			}
			o.Wipe()
			if strings.Trim(string(p.given[1]), "\x00") != "" {
				t.Errorf("a passphrase is still in memory: %q", p.given[1])
			}
		})
	}
	path := generate(t, "winter", "-t", "ed25519")
	if _, err := Open(t.Context(), path, func(context.Context, string, int) ([]byte, error) { return nil, errSilent }); !errors.Is(err, errSilent) {
		t.Errorf("with nobody there: %v", err)
	}
}

func TestATokensKeyIsWrittenAsItWasRead(t *testing.T) {
	o, err := Open(t.Context(), "testdata/token/ed25519_sk", nil)
	check(t, err)
	path := write(t, o.Secret, "winter", 1)
	said := sshtest.Run(t, "ssh-keygen", "-y", "-P", "winter", "-f", path)
	if got := string(read(t, path+".pub")); got != said || !strings.HasPrefix(got, "sk-ssh-ed25519@openssh.com ") {
		t.Errorf("ssh-keygen -y prints %q, the .pub is %q", said, got)
	}
}

func TestAPairIsWrittenOverNothing(t *testing.T) {
	made, err := Generate(Spec{})
	check(t, err)
	text, err := made.Encode(nil, DefaultRounds)
	check(t, err)
	for _, name := range []string{"id", "id.pub", "a link"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			taken := filepath.Join(dir, name)
			if name == "a link" {
				taken = filepath.Join(dir, "id")
				check(t, os.Symlink("nowhere", taken))
			} else {
				check(t, os.WriteFile(taken, []byte("precious"), 0o600))
			}
			if err := Create(filepath.Join(dir, "id"), text, made.AuthorizedLine()); !errors.Is(err, fs.ErrExist) {
				t.Errorf("it gives %v", err)
			}
			if left, _ := os.ReadDir(dir); len(left) != 1 {
				t.Errorf("it left %v", left)
			}
			if name != "a link" && string(read(t, taken)) != "precious" {
				t.Error("the file is not as it was")
			}
		})
	}
	t.Run("one that comes in between", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "id")
		check(t, create(path, []byte("precious"), privateMode))
		for name, try := range map[string]func(string, []byte, fs.FileMode) error{"linked": create, "written": createSlowly} {
			if err := try(path, text, privateMode); !errors.Is(err, fs.ErrExist) {
				t.Errorf("%s: it gives %v", name, err)
			}
		}
		if string(read(t, path)) != "precious" {
			t.Error("the file is not as it was")
		}
	})
	t.Run("the modes are ssh-keygen's", func(t *testing.T) {
		path := write(t, made, "", DefaultRounds)
		for file, want := range map[string]fs.FileMode{path: 0o600, path + ".pub": 0o644} {
			if info, err := os.Stat(file); err != nil || info.Mode() != want {
				t.Errorf("%s has mode %v, want %v", filepath.Base(file), info.Mode(), want)
			}
		}
	})
}

// FuzzSection: no private section makes the parser panic, and what is taken
// for its key is what it begins with.
func FuzzSection(f *testing.F) {
	for _, kind := range []Spec{{}, {Type: "ecdsa"}} {
		made, err := Generate(kind)
		if err != nil {
			f.Fatal(err)
		}
		key, err := made.serialize()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(newSection(key, "jon@wall")[8:])
	}
	f.Fuzz(func(t *testing.T, section []byte) {
		if key, _, err := splitSection(section); err == nil && !strings.HasPrefix(string(section), string(key)) {
			t.Error("the key is not from the section")
		}
	})
}
