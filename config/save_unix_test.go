//go:build unix

package config

import (
	"os"
	"syscall"
	"testing"
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
