//go:build unix && !linux

package transport

import "syscall"

// endWithUs is for systems that can bind a child's life to ours; of the
// others, a process that is killed leaves its children behind.
func endWithUs(*syscall.SysProcAttr) {}
