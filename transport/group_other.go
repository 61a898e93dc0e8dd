//go:build !unix

package transport

import "os/exec"

// ownGroup does nothing where there are no process groups.
func ownGroup(*exec.Cmd) {}

// ownSession does nothing where there are no sessions.
func ownSession(*exec.Cmd) {}

// hangUp ends a command where nobody can be asked to.
func hangUp(c *exec.Cmd) { kill(c) }

// kill ends a command.
func kill(c *exec.Cmd) { _ = c.Process.Kill() } // it may have ended before
