package transport

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// Why there is nobody to lend a link.
var (
	errNoOpenSSH = errors.New("OpenSSH's ssh is not in the PATH")
	errNoMaster  = errors.New("the ssh of Windows shares no connections (ControlMaster)")
)

// lender is the ssh that may lend a link.
func lender(env Env) (string, error) {
	if runtime.GOOS == "windows" {
		return "", errNoMaster
	}
	return OpenSSH(env)
}

// OpenSSH is the path of the real ssh: the first in the caller's PATH that is
// not this program under another name, else where systems install it.
func OpenSSH(env Env) (string, error) {
	self, _ := os.Executable() // without it nothing is the same file
	ours, _ := os.Stat(self)
	for _, dir := range filepath.SplitList(env.Get("PATH")) {
		if !filepath.IsAbs(dir) {
			continue // not whatever lies about in some directory
		}
		path, err := exec.LookPath(filepath.Join(dir, "ssh"))
		if err != nil {
			continue
		}
		if found, err := os.Stat(path); err == nil && !os.SameFile(found, ours) {
			return path, nil
		}
	}
	return "", errNoOpenSSH
}
