package keys

import (
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

// open opens a private key file with its passphrase.
func open(t *testing.T, path, passphrase string) *Opened {
	t.Helper()
	o, err := Open(t.Context(), path, (&person{answers: []string{passphrase}}).ask)
	check(t, err)
	return o
}

func TestSSHKeygenOpensAKeyWithItsNewPassphrase(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		args     string
		old, new string
		mode     fs.FileMode
		was      Lock
	}{
		{"-t ed25519", "", "winter", 0o600, Lock{Format: FormatOpenSSH}},
		{"-t ed25519", "winter", "summer", 0o400, Lock{Format: FormatOpenSSH, Encrypted: true, Cipher: "aes256-ctr", Rounds: 1}},
		{"-t ed25519", "winter", "", 0o600, Lock{Format: FormatOpenSSH, Encrypted: true, Cipher: "aes256-ctr", Rounds: 1}},
		{"-t ecdsa -b 384", "winter", "ветер", 0o640, Lock{Format: FormatOpenSSH, Encrypted: true, Cipher: "aes256-ctr", Rounds: 1}},
		{"-t ecdsa -b 521 -m PEM", "winter", "summer", 0o600, Lock{Format: FormatPEM, Encrypted: true, Cipher: "AES-128-CBC"}},
		{"-t rsa -b 2048 -m PEM", "", "summer", 0o600, Lock{Format: FormatPEM}},
		{"-t rsa -b 2048 -m PKCS8", "winter", "summer", 0o600, Lock{Format: FormatPKCS8, Encrypted: true}},
	} {
		t.Run(fmt.Sprintf("%s %q to %q", row.args, row.old, row.new), func(t *testing.T) {
			path := generate(t, row.old, strings.Fields(row.args)...)
			check(t, os.Chmod(path, row.mode))
			o := open(t, path, row.old)
			if diff := cmp.Diff(row.was, o.Lock); diff != "" {
				t.Errorf("the lock before (-want +got):\n%s", diff)
			}
			check(t, o.SetPassphrase([]byte(row.new), 3))

			if got := mode(t, path); got != row.mode {
				t.Errorf("the mode is %v, want %v", got, row.mode)
			}
			lock := Lock{Format: FormatOpenSSH}
			if row.new != "" {
				lock = Lock{Format: FormatOpenSSH, Encrypted: true, Cipher: "aes256-ctr", Rounds: 3}
			}
			if diff := cmp.Diff(&lock, inspect(t, path).Private); diff != "" {
				t.Errorf("the lock (-want +got):\n%s", diff)
			}
			check(t, os.Chmod(path, 0o600)) // ssh-keygen refuses what others can read
			line := sshtest.Run(t, "ssh-keygen", "-y", "-P", row.new, "-f", path)
			if diff := cmp.Diff(string(read(t, path+".pub")), line); diff != "" {
				t.Errorf("the .pub file is (-), ssh-keygen -y prints (+):\n%s", diff)
			}
			alone(t, path, path+".pub")
		})
	}
	t.Run("a key of a token", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "id")
		check(t, os.WriteFile(path, read(t, "testdata/token/ed25519_sk"), 0o600))
		o := open(t, path, "")
		check(t, o.SetPassphrase([]byte("winter"), 1))
		if line := sshtest.Run(t, "ssh-keygen", "-y", "-P", "winter", "-f", path); line != string(o.AuthorizedLine()) {
			t.Errorf("ssh-keygen -y prints %q", line)
		}
	})
}

func TestTheOldKeyIsThereWhileTheNewOneIsProved(t *testing.T) {
	path := generate(t, "", "-t", "ed25519")
	o, before := open(t, path, ""), read(t, path)
	looked := false
	check(t, replace(path, o.sum, []byte("new"), func(data []byte) error {
		looked = true
		if string(data) != "new" || string(read(t, path)) != string(before) {
			t.Errorf("%q is proved, and the key is %q", data, read(t, path))
		}
		found, err := Find(filepath.Dir(path))
		check(t, err)
		if len(found) != 1 {
			t.Errorf("%q are taken for keys", found)
		}
		return nil
	}))
	if !looked || string(read(t, path)) != "new" {
		t.Errorf("it is %q", read(t, path))
	}
}

// TestWhatAKilledChangeLeavesIsTold: its name is that of no key.
func TestWhatAKilledChangeLeavesIsTold(t *testing.T) {
	path := generate(t, "", "-t", "ed25519")
	left, err := writeBeside(path, read(t, path), chmod(privateMode))
	check(t, err)
	f := inspect(t, left)
	checkRules(t, f, "leftover")
	sshtest.Run(t, "sh", "-c", f.Findings[0].Fix)
	alone(t, path, path+".pub")
}

func TestALinkToAKeyStaysALink(t *testing.T) {
	path := generate(t, "", "-t", "ed25519")
	link := filepath.Join(t.TempDir(), "link")
	check(t, os.Symlink(path, link))
	check(t, open(t, link, "").SetPassphrase([]byte("winter"), 1))
	if to, err := os.Readlink(link); err != nil || to != path {
		t.Errorf("the link is to %q, %v", to, err)
	}
	if f := inspect(t, path); !f.Private.Encrypted {
		t.Error("the file that it names is as it was")
	}
	alone(t, path, path+".pub")
	alone(t, link)
}

func TestAKeyThatIsNotReplacedIsLeftAsItWas(t *testing.T) {
	for _, row := range []struct {
		name  string
		spoil func(t *testing.T, path string) // between reading and writing
		want  string
	}{
		{"it has two names", func(t *testing.T, path string) {
			check(t, os.Link(path, filepath.Join(t.TempDir(), "other")))
		}, `"PATH" has 2 names (hard links), which a new file would part; it was left as it is`},
		{"another program has changed it", func(t *testing.T, path string) {
			check(t, os.WriteFile(path, []byte("precious"), 0o600))
		}, `"PATH" was changed by another program in the meantime, and was left as it is`},
		{"it has gone", func(t *testing.T, path string) { check(t, os.Remove(path)) }, "no such file or directory"},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := generate(t, "", "-t", "ed25519")
			o := open(t, path, "")
			row.spoil(t, path)
			before, _ := os.ReadFile(path)
			compareError(t, "the change", o.SetPassphrase([]byte("winter"), 1), row.want, path)
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Errorf("it is %q", after)
			}
		})
	}
	t.Run("the new file can't be opened", func(t *testing.T) {
		path := generate(t, "", "-t", "ed25519")
		before := read(t, path)
		o := open(t, path, "")
		other := open(t, generate(t, "", "-t", "ed25519"), "")
		text, err := o.Encode([]byte("winter"), 1)
		check(t, err)
		for name, err := range map[string]error{
			"it is another key":               o.replace(read(t, other.Path), nil),
			"x509: decryption password":       o.replace(text, []byte("summer")),
			ErrNoKey.Error():                  o.replace(text[:len(text)/2], []byte("winter")),
			"passphrase protected":            o.replace(text, nil),
			"its comment is another":          (&Opened{Secret: &Secret{Public: o.Public, Comment: "x", raw: o.raw}, Path: path, sum: o.sum}).replace(before, nil),
			"the old one stays: it is damage": replace(path, o.sum, text, func([]byte) error { return errors.New("it is damage") }),
		} {
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%q gives %v", name, err)
			}
		}
		if string(read(t, path)) != string(before) {
			t.Error("it is not as it was")
		}
		alone(t, path, path+".pub")
	})
}

func TestACommentIsWrittenIntoBothHalves(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ args, passphrase, comment string }{
		{"-t ed25519", "", "jon snow"},
		{"-t ecdsa", "winter", "jon@castle black"},
		{"-t ed25519", "", ""},
	} {
		t.Run(fmt.Sprintf("%s %q", row.args, row.comment), func(t *testing.T) {
			path := generate(t, row.passphrase, append(strings.Fields(row.args), "-a", "2")...)
			before := inspect(t, path)
			text := "# the wall\n" + string(read(t, path+".pub")) + "# the end\n"
			check(t, os.WriteFile(path+".pub", []byte(text), 0o644))
			check(t, os.Chmod(path+".pub", 0o640))

			check(t, open(t, path, row.passphrase).SetComment(row.comment))
			check(t, SetPublicComment(path+".pub", before.Public, row.comment))

			line := string(PublicLine(before.Public, row.comment))
			if got := sshtest.Run(t, "ssh-keygen", "-y", "-P", row.passphrase, "-f", path); got != line {
				t.Errorf("ssh-keygen -y prints %q, want %q", got, line)
			}
			if got, want := string(read(t, path+".pub")), "# the wall\n"+line+"# the end\n"; got != want || mode(t, path+".pub") != 0o640 {
				t.Errorf("the .pub file is %q of mode %v, want %q", got, mode(t, path+".pub"), want)
			}
			if diff := cmp.Diff(before.Private, inspect(t, path).Private); diff != "" {
				t.Errorf("the lock (-want +got):\n%s", diff)
			}
		})
	}
}

func TestACommentThatCannotBeWrittenIsRefused(t *testing.T) {
	path := generate(t, "", "-t", "ecdsa", "-m", "PEM")
	o := open(t, path, "")
	if err := o.SetComment("jon"); !errors.Is(err, errNoRoom) {
		t.Errorf("in a PEM file: %v", err)
	}
	for _, err := range []error{
		open(t, generate(t, "", "-t", "ed25519"), "").SetComment("jon\nsam"),
		SetPublicComment(path+".pub", o.Public, "jon\nsam"),
	} {
		if err == nil || err.Error() != "a comment is one line" {
			t.Errorf("of two lines: %v", err)
		}
	}
	other := open(t, generate(t, "", "-t", "ed25519"), "")
	if err := SetPublicComment(path+".pub", other.Public, "jon"); !errors.Is(err, errMismatch) {
		t.Errorf("into another key's file: %v", err)
	}
}

func TestAFileThatIsKeptIsMovedToADirectoryOfItsOwn(t *testing.T) {
	dir, path := filepath.Join(t.TempDir(), "kept"), generate(t, "", "-t", "ed25519")
	check(t, os.Chmod(path, 0o400))
	private, public := read(t, path), read(t, path+".pub")
	kept, err := Keep(dir, path, path+".pub")
	check(t, err)
	if mode(t, dir) != fs.ModeDir|0o700 || mode(t, kept) != fs.ModeDir|0o700 || mode(t, filepath.Join(kept, "id")) != 0o400 {
		t.Error("others can look into it")
	}
	if string(read(t, filepath.Join(kept, "id"))) != string(private) || string(read(t, filepath.Join(kept, "id.pub"))) != string(public) {
		t.Error("the files are not as they were")
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 0 {
		t.Errorf("it left %v, %v", left, err)
	}

	t.Run("from another file system", func(t *testing.T) {
		to := filepath.Join(t.TempDir(), "id")
		check(t, copyFile(filepath.Join(kept, "id"), to))
		if string(read(t, to)) != string(private) || mode(t, to) != 0o400 {
			t.Error("the copy is another")
		}
		if err := copyFile(filepath.Join(kept, "id.pub"), to); !errors.Is(err, fs.ErrExist) {
			t.Errorf("over a file: %v", err)
		}
	})
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	check(t, err)
	return info.Mode()
}

// alone checks that files are all that is in their directory.
func alone(t *testing.T, files ...string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(files[0]))
	check(t, err)
	if len(entries) != len(files) {
		t.Errorf("the directory has %v, want %q alone", entries, files)
	}
}
