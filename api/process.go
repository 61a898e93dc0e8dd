package api

import (
	"context"
	"os"
	"syscall"
	"time"
)

// endLook is how often a process is looked at where the kernel does not tell
// of its end.
const endLook = 5 * time.Second

// lookForEnd returns when the process has ended, or with the cause of ctx.
func lookForEnd(ctx context.Context, pid int) error {
	look := time.NewTicker(endLook)
	defer look.Stop()
	for {
		p, err := os.FindProcess(pid)
		if err != nil || p.Signal(syscall.Signal(0)) != nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-look.C:
		}
	}
}
