//go:build linux || darwin || freebsd

package daemon_test

import (
	"os/exec"
	"syscall"
)

// asNobody has a command run as a user who has no rights here.
func asNobody(cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	cmd.Dir = "/"
	return cmd
}
