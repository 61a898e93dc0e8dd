package config

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// Program is the path of the real ssh: the first of that name in PATH that is
// not this program under another name, as it is where a link called ssh leads
// to Sallyport. The error is exec.ErrNotFound.
func Program() (string, error) {
	var own []os.FileInfo
	if path, err := os.Executable(); err == nil {
		if info, err := os.Stat(path); err == nil {
			own = append(own, info)
		}
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		path, err := exec.LookPath(filepath.Join(dir, "ssh"))
		if err != nil || !filepath.IsAbs(path) { // what a directory of work holds is nobody's ssh: exec.ErrDot
			continue
		}
		info, err := os.Stat(path)
		if err == nil && !slices.ContainsFunc(own, func(o os.FileInfo) bool { return os.SameFile(o, info) }) {
			return path, nil
		}
	}
	return "", exec.ErrNotFound
}
