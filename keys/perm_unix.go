//go:build unix

package keys

import (
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// tooOpen follows sshkey_perm_ok (authfile.c): the mode of another's file is
// not our affair.
func tooOpen(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid() && info.Mode().Perm()&0o077 != 0
}

// owner is the name of the file's owner, or the number of one without a name.
func owner(info fs.FileInfo) string {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	id := strconv.FormatUint(uint64(stat.Uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}
