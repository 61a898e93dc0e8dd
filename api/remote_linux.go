package api

import (
	"slices"

	"golang.org/x/sys/unix"
)

// remoteKinds are the file systems, by their magic numbers of statfs(2), on
// which somebody else may write without our kernel knowing.
var remoteKinds = []int64{unix.NFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.AFS_FS_MAGIC, unix.FUSE_SUPER_MAGIC, unix.V9FS_MAGIC, unix.CEPH_SUPER_MAGIC, lustreMagic}

const lustreMagic = 0x0BD00BD0 // LL_SUPER_MAGIC of Lustre; unknown to x/sys

// remote tells whether a folder is on a file system of another machine.
func remote(dir string) bool {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return true
	}
	return slices.Contains(remoteKinds, int64(fs.Type))
}
