package sshtest

import "os"

// CanMount tells whether the kernel lets programs such as sshfs mount. In most
// containers it does not.
func CanMount() bool {
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	f.Close()
	return true
}
