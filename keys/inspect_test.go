package keys

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

// TestFactsAreThoseOfSSHKeygen has ssh-keygen's keys; PuTTY's are in ppk_test.go.
func TestFactsAreThoseOfSSHKeygen(t *testing.T) {
	t.Parallel()
	plain, rounds2 := Lock{Format: FormatOpenSSH}, Lock{Format: FormatOpenSSH, Encrypted: true, Cipher: "aes256-ctr", Rounds: 2}
	by := func(cipher string) Lock {
		lock := rounds2
		lock.Cipher = cipher
		return lock
	}
	pem := Lock{Format: FormatPEM, Encrypted: true, Cipher: "AES-128-CBC"}
	pkcs8 := Lock{Format: FormatPKCS8, Encrypted: true}
	const chacha = "chacha20-poly1305@openssh.com" // which is not opened here
	for _, row := range []struct {
		args, passphrase string
		lock             Lock
		rules            []string
	}{
		{"-t ed25519", "", plain, []string{"unencrypted"}},
		{"-t ed25519 -a 3", "winter", Lock{Format: FormatOpenSSH, Encrypted: true, Cipher: "aes256-ctr", Rounds: 3}, nil},
		{"-t ed25519 -a 2 -Z 3des-cbc", "winter", by("3des-cbc"), nil},
		{"-t ed25519 -a 2 -Z aes128-cbc", "winter", by("aes128-cbc"), nil},
		{"-t ed25519 -a 2 -Z aes192-ctr", "winter", by("aes192-ctr"), nil},
		{"-t ed25519 -a 2 -Z aes256-gcm@openssh.com", "winter", by("aes256-gcm@openssh.com"), nil},
		{"-t ed25519 -a 2 -Z " + chacha, "winter", by(chacha), nil},
		{"-t ecdsa -b 256 -a 2", "winter", rounds2, nil},
		{"-t ecdsa -b 384 -a 2", "winter", rounds2, nil},
		{"-t ecdsa -b 521", "", plain, []string{"unencrypted"}},
		{"-t ecdsa -b 384 -m PEM", "", Lock{Format: FormatPEM}, []string{"unencrypted"}},
		{"-t ecdsa -b 521 -m PEM", "winter", pem, []string{"old-pem"}},
		{"-t ecdsa -m PKCS8", "", Lock{Format: FormatPKCS8}, []string{"unencrypted"}},
		{"-t ecdsa -m PKCS8", "winter", pkcs8, nil},
		{"-t rsa -b 1024 -a 2", "winter", rounds2, []string{"rsa-short"}},
		{"-t rsa -b 2048", "", plain, []string{"rsa-short", "unencrypted"}},
		{"-t rsa -b 2048 -a 2", "ветер", rounds2, []string{"rsa-short"}},
		{"-t rsa -b 2048 -m PEM", "", Lock{Format: FormatPEM}, []string{"rsa-short", "unencrypted"}},
		{"-t rsa -b 2048 -m PEM", "winter", pem, []string{"rsa-short", "old-pem"}},
		{"-t rsa -b 2048 -m PKCS8", "", Lock{Format: FormatPKCS8}, []string{"rsa-short", "unencrypted"}},
		{"-t rsa -b 2048 -m PKCS8", "winter", pkcs8, []string{"rsa-short"}},
		{"-t rsa -b 3072 -a 2", "winter", rounds2, nil},
		{"-t rsa -b 4096", "", plain, []string{"unencrypted"}},
	} {
		t.Run(row.args+" "+row.passphrase, func(t *testing.T) {
			path := generate(t, row.passphrase, strings.Fields(row.args)...)
			f := inspect(t, path)
			said := sshtest.Run(t, "ssh-keygen", "-lv", "-f", path)
			want := fmt.Sprintf("%d %s %s (%s)\n%s\n", f.Bits, f.SHA256, f.Comment, f.Type, Randomart(f.Public))
			if diff := cmp.Diff(said, want); diff != "" {
				t.Errorf("ssh-keygen -lv prints (-), we (+):\n%s", diff)
			}
			if line := sshtest.Run(t, "ssh-keygen", "-l", "-E", "md5", "-f", path); strings.Fields(line)[1] != f.MD5 {
				t.Errorf("the fingerprint is %s, ssh-keygen says %s", f.MD5, line)
			}
			if diff := cmp.Diff(&row.lock, f.Private); diff != "" {
				t.Errorf("the lock (-want +got):\n%s", diff)
			}
			checkRules(t, f, row.rules...)
			if row.lock.Cipher == chacha {
				return
			}
			o := open(t, path, row.passphrase)
			if !row.lock.HoldsComment() {
				o.Comment = ""
			}
			if line := sshtest.Run(t, "ssh-keygen", "-y", "-P", row.passphrase, "-f", path); line != string(o.AuthorizedLine()) {
				t.Errorf("ssh-keygen -y prints %q, we %q", line, o.AuthorizedLine())
			}
		})
	}
}

func TestACertificateIsToldWithItsKey(t *testing.T) {
	path := generate(t, "winter", "-t", "ed25519", "-a", "2")
	authority := generate(t, "", "-t", "ed25519")
	sshtest.Run(t, "ssh-keygen", "-q", "-s", authority, "-I", "crow", "-n", "jon,sam", "-V", "20200101000000Z:20300101000000Z", path+".pub")
	c := inspect(t, path).Certificate
	if c == nil || c.ID != "crow" || !slices.Equal(c.Principals, []string{"jon", "sam"}) ||
		c.After.Format("2006-01-02") != "2020-01-01" || c.Before.Format("2006-01-02") != "2030-01-01" {
		t.Errorf("the certificate is %+v", c)
	}
	if found, err := Find(filepath.Dir(path)); err != nil || !slices.Equal(found, []string{path}) {
		t.Errorf("found %q, %v, want one pair", found, err)
	}
}

func TestDamagedFilesGiveOneSentenceEach(t *testing.T) {
	good := string(read(t, generate(t, "winter", "-t", "ed25519", "-a", "2")))
	pem := string(read(t, generate(t, "", "-t", "ecdsa", "-m", "PEM")))
	armour := func(kind string, bytes string) string {
		return "-----BEGIN " + kind + "-----\n" + base64.StdEncoding.EncodeToString([]byte(bytes)) + "\n-----END " + kind + "-----\n"
	}
	for name, text := range map[string]string{
		"empty":                    "",
		"a blank line":             "\n",
		"zero bytes":               "\x00\x00\x00",
		"cut in the middle":        good[:len(good)/2],
		"no last line":             good[:strings.LastIndex(good, "-----END")],
		"no first line":            good[strings.Index(good, "\n")+1:],
		"quoted as in a mail":      "> " + strings.ReplaceAll(good, "\n", "\n> "),
		"another end":              strings.Replace(good, "END OPENSSH", "END RSA", 1),
		"not base64":               strings.Replace(good, "b3Bl", "!!!!", 1),
		"another magic":            strings.Replace(good, "b3Bl", "c3Bl", 1),
		"an empty container":       armour(containerType, ""),
		"a magic alone":            armour(containerType, containerMagic),
		"a huge length":            armour(containerType, containerMagic+"\xff\xff\xff\xff"),
		"an empty PEM":             armour("RSA PRIVATE KEY", ""),
		"noise as PEM":             armour("EC PRIVATE KEY", "noise"),
		"noise as PKCS#8":          armour("PRIVATE KEY", "noise"),
		"PEM under another name":   strings.ReplaceAll(pem, "EC PRIVATE", "RSA PRIVATE"),
		"a certificate of the web": armour("CERTIFICATE", "noise"),
		"PuTTY's first line":       puttyMagic + "3: ssh-ed25519\n",
		"SSH.com's format":         "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "id")
			check(t, os.WriteFile(path, []byte(text), 0o600))
			f := inspect(t, path)
			checkRules(t, f, "not-private")
			if m := f.Findings[0].Message; m == "" || strings.Contains(m, "\n") || strings.Contains(m, "asn1:") {
				t.Errorf("it is said: %q", m)
			}
		})
	}
}

func TestWhatCannotBeReadIsAnErrorWithItsPath(t *testing.T) {
	dir := t.TempDir()
	if _, err := Inspect(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("a directory gives %v", err)
	}
	if _, err := Inspect(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file gives %v", err)
	}
}

func FuzzLock(f *testing.F) {
	f.Add([]byte(puttyMagic))
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if lock, ok := lockOf(data); ok && lock.Format == "" {
			t.Errorf("a format without a name: %+v", lock)
		}
	})
}

func inspect(t *testing.T, path string) *Facts {
	t.Helper()
	f, err := Inspect(path)
	check(t, err)
	return f
}

func checkRules(t *testing.T, f *Facts, want ...string) {
	t.Helper()
	var got []string
	for _, f := range f.Findings {
		got = append(got, f.Rule)
	}
	if !slices.Equal(got, want) {
		t.Errorf("found %+v, want %q", f.Findings, want)
	}
}
