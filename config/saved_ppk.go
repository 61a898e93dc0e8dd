package config

import (
	"io"
	"os"
)

// ppkMark begins every private key of PuTTY (its sshpubk.c).
const ppkMark = "PuTTY-User-Key-File-"

// startsLikePPK tells whether there is a private key of PuTTY at a path. On
// Unix such files seldom have the ending.
func startsLikePPK(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	start := make([]byte, len(ppkMark))
	_, err = io.ReadFull(f, start)
	return err == nil && string(start) == ppkMark
}
