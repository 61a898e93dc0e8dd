//go:build unix && !aix && !solaris

package config

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOwnerAndGroupStay(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	const uid, gid = 1234, 2345
	dir := t.TempDir()
	change := edited(t, dir, oneHost)
	if err := os.Chown(change.File, uid, gid); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(change.File, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := change.Apply(t.Context(), dir+"/kept"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(change.File)
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	if stat.Uid != uid || stat.Gid != gid || info.Mode().Perm() != 0o640 {
		t.Errorf("owner %d, group %d, mode %v", stat.Uid, stat.Gid, info.Mode())
	}
}

// TestTheNewFileIsLockedBeforeItIsInPlace is what keeps two writers of
// known_hosts apart, who lock the file that they find.
func TestTheNewFileIsLockedBeforeItIsInPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &Change{File: path, Before: []byte("old"), After: []byte("new")}
	err := c.replace(path, func() error {
		found, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".known_hosts"+temporaryMark+"*"))
		if err != nil || len(found) != 1 {
			t.Fatalf("the new file is one of %q, %v", found, err)
		}
		f, err := os.Open(found[0])
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
			t.Errorf("its lock can be had: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Errorf("the lock is kept: %v", err)
	}
}
