//go:build !linux

package api

import "context"

// awaitEnd returns when the process has ended, or with the cause of ctx.
func awaitEnd(ctx context.Context, pid int) error { return lookForEnd(ctx, pid) }
