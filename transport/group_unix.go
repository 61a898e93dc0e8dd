//go:build unix

package transport

import (
	"os/exec"
	"syscall"
)

// ownGroup gives a command a process group of its own, so that all that it
// starts can be ended with it, and so that the terminal's Ctrl-C is not its.
func ownGroup(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// ownSession does more: without a terminal it has to ask its questions through
// SSH_ASKPASS, in every version of ssh. It ends with us where the system can
// see to that.
func ownSession(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	endWithUs(c.SysProcAttr)
}

// hangUp asks a command and its group to end, as ssh does at its own end.
func hangUp(c *exec.Cmd) { _ = syscall.Kill(-c.Process.Pid, syscall.SIGHUP) } // it may have ended before

// kill ends a command and its group.
func kill(c *exec.Cmd) { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) } // it may have ended before
