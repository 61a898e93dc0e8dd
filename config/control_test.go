package config

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestControlPathsSayWhereSocketsAre(t *testing.T) {
	t.Setenv("CORNER", "/run/corner")
	hash := strings.Repeat("[0-9a-f]", 40)
	for _, row := range []struct{ name, text, folder, pattern, socket, other string }{
		{"a hash in the home", "ControlPath ~/.ssh/%C", "HOME/.ssh", hash, strings.Repeat("0a", 20), "agent.123"},
		{"user, host and port", "ControlPath /tmp/cm-%r@%h:%p", "/tmp", "cm-*@*:[0-9]*", "cm-dany@targaryen:22", "cm-dany@targaryen:ssh"},
		{"a variable as the folder", "ControlPath ${CORNER}/%n", "/run/corner", "*", "targaryen", "a/b"},
		{"a variable as the name", "ControlPath /run/${CORNER}x", "/run", "*x", "yx", "y"},
		{"a folder of each host's own", "ControlPath /run/%h/socket", "", "socket", "socket", "sockets"},
		{"letters that are a pattern's", `ControlPath "/run/a*[b]?"`, "/run", `a\*\[b]\?`, "a*[b]?", "axb?"},
		{"a percent sign", "ControlPath /run/%%h", "/run", "%h", "%h", "h"},
		{"a relative path", "ControlPath socket", ".", "socket", "socket", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, dir := loadText(t, "Host x\n  "+row.text+"\nHost y\n  "+row.text+"\nHost z\n  ControlPath none\n", nil)
			want := []ControlPath{{strings.Replace(row.folder, "HOME", dir, 1), row.pattern}}
			if diff := cmp.Diff(want, c.ControlPaths()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if ok, err := filepath.Match(row.pattern, row.socket); !ok || err != nil {
				t.Errorf("%q does not match %q", row.socket, row.pattern)
			}
			if ok, _ := filepath.Match(row.pattern, row.other); ok {
				t.Errorf("%q matches %q", row.other, row.pattern)
			}
		})
	}
}

// TestEverySocketMatchesItsLine holds the patterns to what Resolve says.
func TestEverySocketMatchesItsLine(t *testing.T) {
	for _, path := range []string{"~/%C", "~/%L-%l-%u-%i", "%d/%h", "~/%n%%%p", "~/%r@%k", "~/%h/%p"} {
		c, _ := loadText(t, "Host web\n  HostName web.example.org\n  User dany\n  Port 2222\n  ControlPath "+path+"\n", nil)
		h, err := c.Resolve("web", Match{})
		if err != nil {
			t.Fatal(err)
		}
		said := c.ControlPaths()[0]
		name := filepath.Base(h.ControlPath())
		if ok, err := filepath.Match(said.Name, name); !ok || err != nil {
			t.Errorf("%s: %q does not match %q", path, name, said.Name)
		}
		if dir := filepath.Dir(h.ControlPath()); said.Folder != dir && said.Folder != "" {
			t.Errorf("%s: the folder is %q, want %q", path, said.Folder, dir)
		}
	}
}

func FuzzControlPath(f *testing.F) {
	for _, seed := range []string{"~/.ssh/cm-%r@%h:%p", "/run/%i/%C", "/tmp/${USER}/a*b?[c]\\d", "%%", "%", "${", "none", `"/tmp/a b"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		c, _ := loadText(t, "ControlPath "+path+"\n", nil)
		for _, p := range c.ControlPaths() {
			if _, err := filepath.Match(p.Name, "cm-dany@targaryen:22"); err != nil {
				t.Errorf("%q is looked for by %q: %v", path, p.Name, err)
			}
			if strings.Contains(p.Name, "/") {
				t.Errorf("%q is looked for by %q, in more than one folder", path, p.Name)
			}
		}
	})
}
