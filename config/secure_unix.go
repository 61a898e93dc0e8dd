//go:build unix

package config

import (
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// secure tells whether only the user and root can write a file. Debian also
// takes a group that holds nobody but the user (user-group-modes.patch).
func (d *dialect) secure(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	const groupWrite, otherWrite = 0o020, 0o002
	mode := info.Mode().Perm()
	switch {
	case stat.Uid != 0 && int(stat.Uid) != os.Getuid(), mode&otherWrite != 0:
		return false
	case mode&groupWrite == 0:
		return true
	}
	return d.debian && ownGroup(stat.Gid, stat.Uid)
}

// ownGroup tells whether a group holds only the owner of a file: as everyone's
// primary group, and as listed.
func ownGroup(gid, owner uint32) bool {
	self := strconv.Itoa(os.Getuid())
	group := strconv.FormatUint(uint64(gid), 10)
	ownerName, members := "", 0
	for _, f := range entries("/etc/passwd", 4) {
		if f[2] == strconv.FormatUint(uint64(owner), 10) && ownerName == "" {
			ownerName = f[0]
		}
		if f[3] != group {
			continue
		}
		if members++; f[2] != self {
			return false
		}
	}
	for _, f := range entries("/etc/group", 4) {
		if f[2] != group {
			continue
		}
		if f[3] != "" {
			members++
		}
		return members > 0 && (f[3] == "" || f[3] == ownerName)
	}
	return false
}

// entries are the lines of a colon-separated file with at least n fields.
func entries(path string, n int) (all [][]string) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) >= n {
			all = append(all, f)
		}
	}
	return all
}
