//go:build unix

package keys

import (
	"io/fs"
	"os"
	"syscall"
)

// tooOpen follows sshkey_perm_ok (authfile.c): the mode of another's file is
// not our affair.
func tooOpen(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid() && info.Mode().Perm()&0o077 != 0
}
