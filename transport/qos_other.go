//go:build !unix

package transport

import "syscall"

// mark does nothing: Windows ignores what a program marks.
func mark(syscall.RawConn, bool, int) error { return nil }
