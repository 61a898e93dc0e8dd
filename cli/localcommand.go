package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"sallyport/config"
)

// localCommand runs a host's LocalCommand where it may, and waits for it: ssh does so when it has connected and before the session
// gets the terminal (ssh_session2 in ssh.c). It is the viewer's affair: it
// runs in the caller's terminal, wherever the connection is held.
func (a *app) localCommand(ctx context.Context, h *config.Host) error {
	command, err := h.LocalCommand()
	if err != nil {
		return fmt.Errorf("LocalCommand of %q: %w", h.Name, err)
	}
	if command != "" {
		a.byShell(ctx, command)
	}
	return nil
}

// byShell has the user's shell run a command here and waits for it
// (ssh_local_cmd of sshconnect.c). How it ends is its own affair.
func (a *app) byShell(ctx context.Context, command string) {
	shell := cmp.Or(os.Getenv("SHELL"), "/bin/sh")
	cmd := exec.CommandContext(ctx, shell, "-c", command)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.In, a.Out, a.Err
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		fmt.Fprintf(a.Err, "sallyport: running the local command: %v\n", err)
	}
}
