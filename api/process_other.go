//go:build !linux

package api

import "context"

// AwaitEnd returns when the process has ended, or with the cause of ctx.
func AwaitEnd(ctx context.Context, pid int) error { return lookForEnd(ctx, pid) }
