package transport

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jcmturner/gokrb5/v8/credentials"
)

func TestFilesOfKerberosAreReadTogether(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"main":            "includedir DIR/d\n# a comment\n[libdefaults]\n default_realm = WALL.EXAMPLE\n[realms]\n WALL.EXAMPLE = {\n  kdc = a\n }\n",
		"other":           "[realms]\n KEEP.EXAMPLE = {\n  kdc = b\n }\n",
		"d/sssd.conf":     "[libdefaults]\n default_ccache_name = KCM:\n",
		"d/left~":         "[libdefaults]\n default_realm = WRONG\n",
		"d/again":         "include DIR/deep\n",
		"deep":            "[domain_realm]\n .wall = WALL.EXAMPLE\n",
		"loop":            "include DIR/loop\n",
		"missing-include": "include DIR/none\n[libdefaults]\n default_realm = A\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, path, strings.ReplaceAll(text, "DIR", dir))
	}
	for _, row := range []struct{ name, files, want, err string }{
		{"two files and what they include", "main:other",
			"[domain_realm]\n .wall = WALL.EXAMPLE\n\n[libdefaults]\n default_ccache_name = KCM:\n\n default_realm = WALL.EXAMPLE\n" +
				"[realms]\n WALL.EXAMPLE = {\n  kdc = a\n }\n\n KEEP.EXAMPLE = {\n  kdc = b\n }\n\n", ""},
		{"a file that is not there", "none:missing-include", "[libdefaults]\n default_realm = A\n\n", ""},
		{"a file that includes itself", "loop", "", `the file "DIR/loop" includes itself`},
	} {
		t.Run(row.name, func(t *testing.T) {
			var files []string
			for _, name := range strings.Split(row.files, ":") {
				files = append(files, filepath.Join(dir, name))
			}
			got, err := kerberosText(Env{"KRB5_CONFIG=" + strings.Join(files, ":")})
			said := ""
			if err != nil {
				said = strings.ReplaceAll(err.Error(), dir, "DIR")
			}
			if said != row.err {
				t.Errorf("reading says %q, want %q", said, row.err)
			}
			if diff := cmp.Diff(row.want, strings.ReplaceAll(got, "# a comment\n", "")); diff != "" {
				t.Errorf("the text (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzKerberosFiles: no krb5.conf and no credential cache make us panic.
func FuzzKerberosFiles(f *testing.F) {
	f.Add([]byte("[libdefaults]\ndefault_realm = A\n[realms]\nA = {\nkdc = b\n}\n"))
	f.Add([]byte("[realms]\nA = {\n"))
	f.Add([]byte("\x05\x04\x00\x0c\x00\x01\x00\x08\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01A"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "krb5.conf")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if text, err := kerberosText(Env{"KRB5_CONFIG=" + path}); err == nil {
			settings, err := kerberosSettings(text)
			if (settings == nil) == (err == nil) {
				t.Errorf("both or neither of settings and error: %v, %v", settings, err)
			}
		}
		cache, err := guarded(func() (*credentials.CCache, error) { return credentials.LoadCCache(path) })
		if err == nil && cache == nil {
			t.Error("neither cache nor error")
		}
	})
}

// FuzzKerberosToken: no answer of a server makes us panic, and none that it
// could not sign is taken.
func FuzzKerberosToken(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x60\x0f\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x02\x00ab"))
	f.Add([]byte("\x60\x0d\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x03\x00"))
	f.Fuzz(func(t *testing.T, token []byte) {
		s := &securityContext{service: &serviceTicket{}}
		if len(token) == 0 {
			token = []byte{} // nil asks for the request
		}
		if _, _, err := s.InitSecContext("", token, false); err == nil {
			t.Errorf("the token %x is taken", token)
		}
	})
}
