package keys

import (
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

// export has ssh-keygen write a public half in a form.
func export(t *testing.T, path, form string) string {
	t.Helper()
	return sshtest.Run(t, "ssh-keygen", "-e", "-m", form, "-f", path)
}

func TestPublicKeysAreWrittenAsSSHKeygenExportsThem(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	check(t, err)
	who, err := user.Current()
	check(t, err)
	rfc4716 := func(key *Key) ([]byte, error) { return PublicRFC4716(key.Public, who.Username+"@"+host), nil }
	pem := func(key *Key) ([]byte, error) { return PublicPEM(key.Public) }
	pkcs8 := func(key *Key) ([]byte, error) { return PublicPKCS8(key.Public) }
	for _, row := range []struct {
		args, form string
		encode     func(*Key) ([]byte, error)
		back       bool // ssh-keygen reads it again
	}{
		{"-t ed25519", "RFC4716", rfc4716, true},
		{"-t ecdsa -b 256", "RFC4716", rfc4716, true},
		{"-t ecdsa -b 521", "RFC4716", rfc4716, true},
		{"-t rsa -b 2048", "RFC4716", rfc4716, true},
		{"-t ecdsa -b 256", "PEM", pem, false},
		{"-t ecdsa -b 384", "PEM", pem, false},
		{"-t rsa -b 2048", "PEM", pem, true},
		{"-t ecdsa -b 384", "PKCS8", pkcs8, true},
		{"-t ecdsa -b 521", "PKCS8", pkcs8, true},
		{"-t rsa -b 2048", "PKCS8", pkcs8, true},
	} {
		t.Run(row.args+" as "+row.form, func(t *testing.T) {
			path := generate(t, "", strings.Fields(row.args)...)
			key, err := OpenPublic(path + ".pub")
			check(t, err)
			text, err := row.encode(key)
			check(t, err)
			if diff := cmp.Diff(export(t, path, row.form), string(text)); diff != "" {
				t.Errorf("ssh-keygen -e writes (-), we (+):\n%s", diff)
			}
			file := filepath.Join(t.TempDir(), "id")
			check(t, CreatePublic(file, text))
			again, err := OpenPublic(file)
			check(t, err)
			if !Equal(again.Public, key.Public) {
				t.Error("we read another key from it")
			}
			if row.back {
				if line := sshtest.Run(t, "ssh-keygen", "-i", "-m", row.form, "-f", file); line != string(PublicLine(key.Public, "")) {
					t.Errorf("ssh-keygen -i reads %q", line)
				}
			}
		})
	}
}

func TestAnEd25519PublicKeyIsWrittenAsOpensslHasIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "id")
	sshtest.Run(t, "openssl", "genpkey", "-quiet", "-algorithm", "ED25519", "-out", path)
	theirs := sshtest.Run(t, "openssl", "pkey", "-in", path, "-pubout")
	text, err := PublicPKCS8(open(t, path, "").Public)
	check(t, err)
	if diff := cmp.Diff(theirs, string(text)); diff != "" {
		t.Errorf("openssl writes (-), we (+):\n%s", diff)
	}
}

func TestAFormThatHasNoKeysOfATypeSaysSo(t *testing.T) {
	o := open(t, "testdata/token/ed25519_sk", "")
	ed25519, err := Generate(Spec{})
	check(t, err)
	for _, row := range []struct {
		encode func() ([]byte, error)
		want   string
	}{
		{func() ([]byte, error) { return PublicPEM(ed25519.Public) }, "the PEM format has no keys of type ssh-ed25519"},
		{func() ([]byte, error) { return PublicPKCS8(o.Public) }, "the PKCS#8 format has no keys of type sk-ssh-ed25519@openssh.com"},
		{func() ([]byte, error) { return ed25519.EncodePEM(nil) }, "the PEM format has no keys of type ssh-ed25519"},
		{func() ([]byte, error) { return o.EncodePKCS8(nil) }, "the PKCS#8 format has no keys of type sk-ssh-ed25519@openssh.com"},
	} {
		if _, err := row.encode(); err == nil || err.Error() != row.want {
			t.Errorf("it says %v, want %s", err, row.want)
		}
	}
}

func TestPrivateKeysAreWrittenAsSSHKeygenAndOpensslReadThem(t *testing.T) {
	t.Parallel()
	pem := func(s *Secret, passphrase string) ([]byte, error) { return s.EncodePEM([]byte(passphrase)) }
	pkcs8 := func(s *Secret, passphrase string) ([]byte, error) { return s.EncodePKCS8([]byte(passphrase)) }
	for _, row := range []struct {
		args, passphrase string
		form             string // of ssh-keygen; "" where only openssl has it
		encode           func(*Secret, string) ([]byte, error)
		lock             Lock
	}{
		{"-t ecdsa -b 256", "", "PEM", pem, Lock{Format: FormatPEM}},
		{"-t ecdsa -b 521", "winter", "PEM", pem, Lock{Format: FormatPEM, Encrypted: true, Cipher: "AES-128-CBC"}},
		{"-t rsa -b 2048", "", "PEM", pem, Lock{Format: FormatPEM}},
		{"-t rsa -b 2048", "ветер", "PEM", pem, Lock{Format: FormatPEM, Encrypted: true, Cipher: "AES-128-CBC"}},
		{"-t ecdsa -b 384", "", "PKCS8", pkcs8, Lock{Format: FormatPKCS8}},
		{"-t ecdsa -b 384", "winter", "PKCS8", pkcs8, Lock{Format: FormatPKCS8, Encrypted: true}},
		{"-t rsa -b 2048", "", "PKCS8", pkcs8, Lock{Format: FormatPKCS8}},
		{"-t rsa -b 2048", "winter", "PKCS8", pkcs8, Lock{Format: FormatPKCS8, Encrypted: true}},
		{"-t ed25519", "", "", pkcs8, Lock{Format: FormatPKCS8}},
		{"-t ed25519", "winter", "", pkcs8, Lock{Format: FormatPKCS8, Encrypted: true}},
	} {
		t.Run(row.args+" "+row.lock.Format+" "+row.passphrase, func(t *testing.T) {
			key := generate(t, "", strings.Fields(row.args)...)
			o := open(t, key, "")
			text, err := row.encode(o.Secret, row.passphrase)
			check(t, err)
			path := filepath.Join(t.TempDir(), "id")
			check(t, CreatePrivate(path, text))
			if diff := cmp.Diff(&row.lock, inspect(t, path).Private); diff != "" {
				t.Errorf("the lock (-want +got):\n%s", diff)
			}
			again := open(t, path, row.passphrase)
			again.Comment = o.Comment
			check(t, o.same(again.Secret))
			public := sshtest.Run(t, "openssl", "pkey", "-in", path, "-pubout", "-passin", "pass:"+row.passphrase)
			if want, err := PublicPKCS8(o.Public); err != nil || public != string(want) {
				t.Errorf("openssl reads %q, %v", public, err)
			}
			if row.form == "" {
				return
			}
			line := sshtest.Run(t, "ssh-keygen", "-y", "-P", row.passphrase, "-f", path)
			if line != string(PublicLine(o.Public, "")) {
				t.Errorf("ssh-keygen -y prints %q", line)
			}
			if row.passphrase == "" { // nothing random is in it
				sshtest.Run(t, "ssh-keygen", "-q", "-p", "-m", row.form, "-P", "", "-N", "", "-f", key)
				if diff := cmp.Diff(string(read(t, key)), string(text)); diff != "" {
					t.Errorf("ssh-keygen -m %s writes (-), we (+):\n%s", row.form, diff)
				}
			}
		})
	}
}

func TestPuTTYsPublicKeyIsReadWithItsComment(t *testing.T) {
	key := generate(t, "", "-t", "rsa", "-b", "2048")
	path := filepath.Join(t.TempDir(), "id")
	sshtest.Run(t, "puttygen", puttygen(t, key, "", ""), "-O", "public", "-o", path)
	k, err := OpenPublic(path)
	check(t, err)
	if line := string(PublicLine(k.Public, k.Comment)); line != string(read(t, key+".pub")) {
		t.Errorf("it is %q", line)
	}
}

func TestDamagedPublicKeysGiveOneSentenceEach(t *testing.T) {
	path := generate(t, "", "-t", "ecdsa")
	rfc4716, pem := export(t, path, "RFC4716"), export(t, path, "PEM")
	for _, row := range []struct{ name, text, want string }{
		{"nothing", "", ErrNotPublic.Error()},
		{"a private key", string(read(t, path)), ErrNotPublic.Error()},
		{"RFC 4716 without an end", rfc4716[:strings.Index(rfc4716, "---- END")], errRFC4716.Error()},
		{"RFC 4716 that was cut", strings.Replace(rfc4716, "AAAA", "", 1), errRFC4716.Error()},
		{"RFC 4716 that is no base64", strings.Replace(rfc4716, "AAAA", "!AAA", 1), errRFC4716.Error()},
		{"RFC 4716 of nothing", rfc4716Begin + "\n" + rfc4716End + "\n", errRFC4716.Error()},
		{"PEM that was cut", strings.Replace(pem, "MFkw", "", 1), ""},
		{"PEM of another type", strings.ReplaceAll(pem, "PUBLIC", "RSA PUBLIC"), ""},
		{"a certificate of the web", strings.ReplaceAll(pem, "PUBLIC KEY", "CERTIFICATE"), ErrNotPublic.Error()},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, _, err := parseAnyPublic([]byte(row.text))
			if err == nil || row.want != "" && err.Error() != row.want {
				t.Errorf("it says %v, want %s", err, row.want)
			}
			checkSentence(t, err)
			file := filepath.Join(t.TempDir(), "id")
			check(t, os.WriteFile(file, []byte(row.text), 0o600))
			if _, err := OpenPublic(file); !errors.As(err, new(*FileError)) || !strings.Contains(err.Error(), file) {
				t.Errorf("the file gives %v", err)
			}
		})
	}
	windows := strings.ReplaceAll("Dear sir,\n"+rfc4716, "\n", "\r\n")
	if _, _, err := parseAnyPublic([]byte(windows)); err != nil {
		t.Errorf("with the line ends of Windows, in a mail: %v", err)
	}
	continued := strings.Replace(rfc4716, "Comment: \"256", "Subject: jon\\\n: snow\nComment: \"2\\\n56", 1)
	if _, comment, err := parseAnyPublic([]byte(continued)); err != nil || !strings.HasPrefix(comment, "256-bit ECDSA, converted by ") {
		t.Errorf("a header of two lines gives the comment %q, %v", comment, err)
	}
}

// FuzzPublicForms: no file makes the parsers panic, and what is read is
// written as what is read again.
func FuzzPublicForms(f *testing.F) {
	made, err := Generate(Spec{Type: "ecdsa"})
	if err != nil {
		f.Fatal(err)
	}
	pem, err := PublicPEM(made.Public)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(pem)
	f.Add(PublicRFC4716(made.Public, "jon@wall"))
	f.Add([]byte(rfc4716Begin + "\nComment: \"x\\\ny\"\nx-private: y\n\\\n" + rfc4716End))
	f.Fuzz(func(t *testing.T, data []byte) {
		key, _, err := parseAnyPublic(data)
		if (key == nil) == (err == nil) {
			t.Fatalf("both or neither of key and error: %v, %v", key, err)
		}
		checkSentence(t, err)
		if err != nil {
			return
		}
		if again, _, err := parseAnyPublic(PublicRFC4716(key, "jon@wall")); err != nil || !Equal(key, again) {
			t.Errorf("written again it is %v, %v", again, err)
		}
	})
}
