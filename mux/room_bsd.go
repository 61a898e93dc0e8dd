//go:build darwin || freebsd

package mux

// pipeBuf is what a pipe takes at once if it takes anything, in bytes:
// PIPE_BUF, of which POSIX promises 512.
const pipeBuf = 512

// pipeSize is not known here: the kernel changes it as it likes.
func pipeSize(int) int { return pipeBuf }

func isEmpty(int) bool { return false }
