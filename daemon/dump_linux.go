package daemon

import "golang.org/x/sys/unix"

// hide keeps what the process remembers, passwords among it, out of core
// files and from debuggers of the same user, as ssh-agent does
// (platform-tracing.c). x/crypto/ssh keeps copies of what it has sent.
func hide() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }
