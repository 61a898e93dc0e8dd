//go:build unix

package transport

import (
	"os/exec"
	"syscall"
)

// ownGroup gives a command a process group of its own, so that all that it
// starts can be ended with it, and so that the terminal's Ctrl-C is not its.
func ownGroup(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// hangUp asks a command and its group to end, as ssh does at its own end.
func hangUp(c *exec.Cmd) { _ = syscall.Kill(-c.Process.Pid, syscall.SIGHUP) } // it may have ended before

// kill ends a command and its group.
func kill(c *exec.Cmd) { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) } // it may have ended before
