// Package cli is the command line: commands, flags, and questions on the terminal.
package cli

import (
	"context"
	"io"
)

// Stdio are the standard streams of a command.
type Stdio struct {
	In       io.Reader
	Out, Err io.Writer
}

// Main runs one command line and returns its exit status: the remote
// command's own, or 255 for a failure of ours.
func Main(ctx context.Context, args []string, std Stdio) int { return 255 }
