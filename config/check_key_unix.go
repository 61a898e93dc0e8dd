//go:build unix

package config

import (
	"io/fs"
	"os"
	"syscall"
)

// tooOpen is sshkey_perm_ok of authfile.c: a key of ours that others could
// read.
func tooOpen(info fs.FileInfo) bool {
	const others = 0o077
	stat, ok := info.Sys().(*syscall.Stat_t)
	return info.Mode().Perm()&others != 0 && (!ok || int(stat.Uid) == os.Getuid())
}
