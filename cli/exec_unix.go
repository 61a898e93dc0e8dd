//go:build linux || darwin || freebsd

package cli

import "golang.org/x/sys/unix"

// execute becomes another program. It returns only if it cannot.
func execute(program string, args, env []string) error {
	return unix.Exec(program, args, env)
}
