package transport

import (
	"encoding/binary"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

// krlRow is what ssh-keygen -k makes a list of, and the files that it revokes.
// DIR is where the files are.
type krlRow struct {
	name string
	keys []string // of DIR, given as they are
	spec string   // of ssh-keygen -k -s, "" for none
	ca   string   // its -s argument, "" for none
	want string   // the names of those that are revoked
}

// The certificates are of the authority ca, but for "foreign".
var krlCerts = map[string]struct{ ca, id, serial string }{
	"seven":   {"ca", "gate", "7"},
	"big":     {"ca", "keep", "18446744073709551615"},
	"none":    {"ca", "gate", "0"},
	"foreign": {"other-ca", "gate", "7"},
}

var krlRows = []krlRow{
	{name: "an empty list revokes nobody"},
	{name: "a key", keys: []string{"plain.pub"}, want: "plain"},
	{name: "a key with its certificates", spec: "key: KEY(seven)\n", want: "seven-plain seven-cert"},
	{name: "a key by its SHA-1", spec: "sha1: KEY(plain)\n", want: "plain"},
	{name: "a key by its SHA-256", spec: "sha256: KEY(plain)\n", want: "plain"},
	{name: "a key by its fingerprint", spec: "hash: PRINT(seven)\n", want: "seven-plain seven-cert"},
	{name: "an authority, with all that it has certified", keys: []string{"ca.pub"}, want: "seven-cert big-cert none-cert"},
	{name: "a certificate by its file", keys: []string{"seven-cert.pub"}, ca: "ca", want: "seven-cert"},
	{name: "a serial number", spec: "serial: 7\n", ca: "ca", want: "seven-cert"},
	{name: "serial numbers far from each other", spec: "serial: 7\nserial: 90000\nserial: 18446744073709551615\n", ca: "ca", want: "seven-cert big-cert"},
	{name: "a range", spec: "serial: 3-7\n", ca: "ca", want: "seven-cert"},
	{name: "a range that begins after it", spec: "serial: 8-18446744073709551614\n", ca: "ca"},
	{name: "a bitmap", spec: "serial: 1\nserial: 3\nserial: 5\nserial: 7\nserial: 9\nserial: 12\nserial: 15\nserial: 33\n", ca: "ca", want: "seven-cert"},
	{name: "a bitmap without it", spec: "serial: 1\nserial: 3\nserial: 5\nserial: 8\nserial: 9\nserial: 12\nserial: 15\nserial: 33\n", ca: "ca"},
	{name: "an identity", spec: "id: gate\n", ca: "ca", want: "seven-cert none-cert"},
	{name: "an identity of any authority", spec: "id: gate\n", ca: "none", want: "seven-cert none-cert foreign-cert"},
	{name: "a serial number of any authority", spec: "serial: 7\n", ca: "none", want: "seven-cert foreign-cert"},
	{name: "all at once", keys: []string{"plain.pub"}, spec: "serial: 7\nid: keep\nsha256: KEY(foreign)\n", ca: "ca", want: "plain seven-cert big-cert foreign-plain foreign-cert"},
}

func TestRevocationListsAreReadAsBySSHKeygen(t *testing.T) {
	t.Parallel()
	dir := krlKeys(t)
	var seen revokedCerts
	for i, row := range krlRows {
		t.Run(row.name, func(t *testing.T) {
			list := row.make(t, dir, strconv.Itoa(i))
			data, err := os.ReadFile(list)
			if err != nil {
				t.Fatal(err)
			}
			revoked, err := parseKRL(data)
			if err != nil {
				t.Fatal(err)
			}
			files := krlFiles(dir)
			// It fails where one is revoked.
			told, _ := exec.Command(sshtest.Program(t, "ssh-keygen"), slices.Concat([]string{"-Q", "-f", list}, slices.Collect(maps.Values(files)))...).Output()
			for name, file := range files {
				want := strings.Contains(" "+row.want+" ", " "+name+" ")
				if got := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(file) + ` .*: REVOKED$`).Match(told); got != want {
					t.Errorf("ssh-keygen -Q says of %s that it is revoked: %v, want %v", name, got, want)
				}
				if got := revoked.revokes(publicKey(t, file)); got != want {
					t.Errorf("we say of %s that it is revoked: %v, want %v", name, got, want)
				}
			}
			for _, c := range revoked.certs {
				seen.ranges = append(seen.ranges, c.ranges...)
				seen.bitmaps = append(seen.bitmaps, c.bitmaps...)
			}
		})
	}
	if len(seen.bitmaps) == 0 || !slices.Contains(seen.ranges, serialRange{7, 7}) || !slices.Contains(seen.ranges, serialRange{8, math.MaxUint64 - 1}) {
		t.Errorf("ssh-keygen did not use all kinds of sections: %+v", seen)
	}
}

// krlKeys makes two authorities, a plain key and the certificates.
func krlKeys(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"ca", "other-ca", "plain"} {
		generate(t, dir, name, "", "-t", "ed25519")
	}
	for name, c := range krlCerts {
		generate(t, dir, name, "", "-t", "ed25519")
		sshtest.Run(t, "ssh-keygen", "-q", "-s", filepath.Join(dir, c.ca), "-h", "-I", c.id, "-z", c.serial, filepath.Join(dir, name+".pub"))
	}
	return dir
}

// krlFiles are those to ask about, by the names of krlRow.want.
func krlFiles(dir string) map[string]string {
	files := map[string]string{"plain": filepath.Join(dir, "plain.pub")}
	for name := range krlCerts {
		files[name+"-plain"] = filepath.Join(dir, name+".pub")
		files[name+"-cert"] = filepath.Join(dir, name+"-cert.pub")
	}
	return files
}

// make has ssh-keygen write the list of a row.
func (row krlRow) make(t *testing.T, dir, name string) (path string) {
	t.Helper()
	path = filepath.Join(dir, "krl"+name)
	args := []string{"-q", "-k", "-f", path}
	switch row.ca {
	case "":
	case "none":
		args = append(args, "-s", "none")
	default:
		args = append(args, "-s", filepath.Join(dir, row.ca+".pub"))
	}
	if row.spec != "" {
		args = append(args, write(t, path+".spec", fillIn(t, dir, row.spec)))
	}
	for _, key := range row.keys {
		args = append(args, filepath.Join(dir, key))
	}
	sshtest.Run(t, "ssh-keygen", args...)
	return path
}

// fillIn puts keys in place of KEY(name) and fingerprints in place of
// PRINT(name).
func fillIn(t *testing.T, dir, spec string) string {
	t.Helper()
	for name, file := range krlFiles(dir) {
		name, plain := strings.CutSuffix(name, "-plain")
		if !plain && name != "plain" {
			continue
		}
		key := publicKey(t, file)
		spec = strings.ReplaceAll(spec, "KEY("+name+")", keyText(key))
		spec = strings.ReplaceAll(spec, "PRINT("+name+")", ssh.FingerprintSHA256(key))
	}
	return spec
}

// section is one of a list: its type, and a string.
func section(kind byte, parts ...string) string {
	body := strings.Join(parts, "")
	return string([]byte{kind}) + sized(body)
}

func sized(s string) string { return string(binary.BigEndian.AppendUint32(nil, uint32(len(s)))) + s }

func TestARevocationListThatIsNotUnderstoodIsRefused(t *testing.T) {
	const head = "SSHKRL\n\x00" + "\x00\x00\x00\x01" + "12345678" + "12345678" + "12345678" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"
	certs := func(sections string) string { return head + section(krlCertificates, sized("ca"), sized(""), sections) }
	for _, row := range []struct{ name, list, want string }{
		{"another file", "ssh-ed25519 AAAA", "no revocation list"},
		{"a later format", strings.Replace(head, "\x00\x00\x00\x01", "\x00\x00\x00\x02", 1), "the format version 2"},
		{"a head that is cut short", head[:20], "cut short"},
		{"a section that is cut short", head + "\x01\x00\x00\x00\x09ab", "cut short"},
		{"a size beyond the end", head + "\x02\xff\xff\xff\xffab", "cut short"},
		{"a type of section from the future", head + section(77, "x"), "the unknown type 77"},
		{"a signature", head + section(krlSignature, "x"), "signed"},
		{"a hash of the wrong size", head + section(krlSHA256, sized("short")), "a hash of 5 bytes"},
		{"half a serial number", certs(section(krlSerialList, "1234")), "cut short"},
		{"a range with a rest", certs(section(krlSerialRange, "1234567812345678x")), "cut short"},
		{"a bitmap with a rest", certs(section(krlSerialBitmap, "12345678", sized("x"), "y")), "cut short"},
		{"a type of certificates from the future", certs(section(0x60, "x")), "unknown type 0x60"},
		{"a critical extension", head + section(krlExtension, sized("new@example.org"), "\x01", sized("")), `the critical extension "new@example.org"`},
		{"a critical extension of certificates", certs(section(krlCertExtension, sized("new@example.org"), "\x01", sized(""))), `the critical extension "new@example.org"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, err := parseKRL([]byte(row.list)); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("the error is %v, want %q", err, row.want)
			}
		})
	}
	harmless := certs(section(krlCertExtension, sized("new@example.org"), "\x00", sized("x"))) +
		section(krlExtension, sized("new@example.org"), "\x00", sized("x"))
	if _, err := parseKRL([]byte(harmless)); err != nil {
		t.Errorf("extensions that are not critical: %v", err)
	}
}

func FuzzRevocationList(f *testing.F) {
	f.Add([]byte("SSHKRL\n\x00\x00\x00\x00\x01"), uint64(7), "gate")
	head := "SSHKRL\n\x00\x00\x00\x00\x01" + strings.Repeat("\x00", 24) + sized("") + sized("")
	f.Add([]byte(head+section(krlCertificates, sized(""), sized(""),
		section(krlSerialList, "12345678"), section(krlSerialRange, strings.Repeat("\x00", 15)+"\x09"),
		section(krlSerialBitmap, strings.Repeat("\x00", 8), sized("\x80")), section(krlKeyID, sized("gate")))), uint64(7), "gate")
	f.Add([]byte(head+section(krlExplicitKeys, sized("key"))+section(krlSHA1, sized(strings.Repeat("x", 20)))), uint64(0), "")
	key, ca := sshtest.NewKey(f).PublicKey(), sshtest.NewKey(f).PublicKey()
	f.Fuzz(func(t *testing.T, data []byte, serial uint64, id string) {
		list, err := parseKRL(data)
		if err != nil {
			return
		}
		cert := &ssh.Certificate{Key: key, SignatureKey: ca, Serial: serial, KeyId: id}
		if list.revokes(key) && !list.revokes(cert) {
			t.Error("a key is revoked, but not its certificate")
		}
	})
}
