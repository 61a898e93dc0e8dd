package keys

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

func TestFactsAreThoseOfSSHKeygen(t *testing.T) {
	rows := []struct {
		name       string
		passphrase string
		args       string
		lock       Lock
		rules      []string
	}{
		{"ed25519 without a passphrase", "", "-t ed25519", Lock{Format: FormatOpenSSH}, []string{"unencrypted"}},
		{"ed25519 with few rounds", "winter", "-t ed25519 -a 3", Lock{Format: FormatOpenSSH, Encrypted: true, Cipher: "aes256-ctr", Rounds: 3}, nil},
		{"ed25519 by another cipher", "winter", "-t ed25519 -a 2 -Z aes128-cbc", Lock{Format: FormatOpenSSH, Encrypted: true, Cipher: "aes128-cbc", Rounds: 2}, nil},
		{"ed25519 by an authenticating cipher", "winter", "-t ed25519 -a 2 -Z aes256-gcm@openssh.com", Lock{Format: FormatOpenSSH, Encrypted: true, Cipher: "aes256-gcm@openssh.com", Rounds: 2}, nil},
		{"ecdsa of 256 bits", "winter", "-t ecdsa -b 256 -a 2", Lock{Format: FormatOpenSSH, Encrypted: true, Cipher: "aes256-ctr", Rounds: 2}, nil},
		{"ecdsa of 384 bits as PEM", "", "-t ecdsa -b 384 -m PEM", Lock{Format: FormatPEM}, []string{"unencrypted"}},
		{"ecdsa of 521 bits as encrypted PEM", "winter", "-t ecdsa -b 521 -m PEM", Lock{Format: FormatPEM, Encrypted: true, Cipher: "AES-128-CBC"}, []string{"old-pem"}},
		{"ecdsa as PKCS#8", "", "-t ecdsa -m PKCS8", Lock{Format: FormatPKCS8}, []string{"unencrypted"}},
		{"ecdsa as encrypted PKCS#8", "winter", "-t ecdsa -m PKCS8", Lock{Format: FormatPKCS8, Encrypted: true}, nil},
		{"short rsa", "winter", "-t rsa -b 1024 -a 2", Lock{Format: FormatOpenSSH, Encrypted: true, Cipher: "aes256-ctr", Rounds: 2}, []string{"rsa-short"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			path := generate(t, row.passphrase, append(strings.Fields(row.args), "-C", "jon snow@wall")...)
			f := inspect(t, path)
			for digest, got := range map[string]string{"sha256": f.SHA256, "md5": f.MD5} {
				line := sshtest.Run(t, "ssh-keygen", "-l", "-E", digest, "-f", path)
				want := strings.Fields(line)[1]
				if got != want {
					t.Errorf("the fingerprint is %s, ssh-keygen says %s", got, line)
				}
			}
			fields := strings.Fields(sshtest.Run(t, "ssh-keygen", "-l", "-f", path))
			if f.Bits != number(t, fields[0]) || "("+f.Type+")" != fields[len(fields)-1] || f.Comment != "jon snow@wall" {
				t.Errorf("%d bits, type %q, comment %q; ssh-keygen says %q", f.Bits, f.Type, f.Comment, fields)
			}
			if diff := cmp.Diff(&row.lock, f.Private); diff != "" {
				t.Errorf("the lock (-want +got):\n%s", diff)
			}
			checkRules(t, f, row.rules...)
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
