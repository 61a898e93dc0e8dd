//go:build unix

package sshtest

import "syscall"

func freeze(pid int) error { return syscall.Kill(pid, syscall.SIGSTOP) }
