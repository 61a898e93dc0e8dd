//go:build unix

package keys

import (
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"syscall"

	"sallyport/internal/nss"
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
	if u, err := nss.LookupUserID(id); err == nil {
		return u.Username
	}
	return id
}

// hardLinks is how many names a file has.
func hardLinks(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(stat.Nlink)
	}
	return 1
}

// like gives a new file the owner, group and mode of another one, or refuses.
func like(f *os.File, original fs.FileInfo) error {
	if theirs, ok := original.Sys().(*syscall.Stat_t); ok {
		mine, err := f.Stat()
		if err != nil {
			return err
		}
		own, ok := mine.Sys().(*syscall.Stat_t)
		if !ok || own.Uid != theirs.Uid || own.Gid != theirs.Gid {
			if err := f.Chown(int(theirs.Uid), int(theirs.Gid)); err != nil {
				return fmt.Errorf("the key belongs to uid %d and gid %d, which a new file could not: change it as its owner", theirs.Uid, theirs.Gid)
			}
		}
	}
	return f.Chmod(original.Mode().Perm()) // after chown, which may take bits away
}
