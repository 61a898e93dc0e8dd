//go:build linux || darwin || freebsd

package cli

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// killedLimit is for a signal to arrive, which it does at once where nothing
// holds it back.
const killedLimit = time.Second

// die ends this process by a signal, or gives the status by which a shell knows
// such an end.
func die(by os.Signal) int {
	signal.Reset(by)
	number := by.(syscall.Signal)
	if syscall.Kill(os.Getpid(), number) == nil {
		time.Sleep(killedLimit)
	}
	return 128 + int(number)
}
