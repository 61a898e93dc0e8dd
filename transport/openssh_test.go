//go:build unix

package transport

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTheRealSSHIsNotOurselvesUnderItsName(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ours, real, notRunnable := t.TempDir(), t.TempDir(), t.TempDir()
	if err := os.Symlink(self, filepath.Join(ours, "ssh")); err != nil {
		t.Fatal(err)
	}
	program(t, filepath.Join(real, "ssh"), "exit 0")
	write(t, filepath.Join(notRunnable, "ssh"), "no program")
	for _, test := range []struct{ name, path, want string }{
		{"the first that can be run", notRunnable + ":" + real, filepath.Join(real, "ssh")},
		{"not a link to this program", ours + ":" + real, filepath.Join(real, "ssh")},
		{"not in the directory of the moment", ".::" + real, filepath.Join(real, "ssh")},
		{"nothing but this program", ours, ""},
		{"nothing", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := OpenSSH(Env{"PATH=" + test.path})
			if got != test.want || (err == nil) != (test.want != "") {
				t.Errorf("OpenSSH: %q, %v, want %q", got, err, test.want)
			}
		})
	}
}
