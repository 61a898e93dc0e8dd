//go:build unix

package daemon

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// ownedByUs checks the owner of a file; root's will do where orRoot.
func ownedByUs(path string, info fs.FileInfo, orRoot bool) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("the owner of %q cannot be told", path)
	}
	if int(stat.Uid) == os.Geteuid() || orRoot && stat.Uid == 0 {
		return nil
	}
	return fmt.Errorf("%q belongs to uid %d, not to you (uid %d)", path, stat.Uid, os.Geteuid())
}

func othersMay(mode, bits fs.FileMode) bool { return mode&bits != 0 }
