package cli

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// signalled is why a context has ended that a signal ends.
type signalled struct{ by os.Signal }

func (i signalled) Error() string { return i.by.String() + " signal received" }

// Unwrap has it be an end as any other for who does not ask for the signal.
func (i signalled) Unwrap() error { return context.Canceled }

// killed is the end of a program that leaves a signal to the system: whoever
// waits for us sees which it was.
type killed struct{ by os.Signal }

func (k killed) Error() string { return "killed: " + k.by.String() }

// What we do when we are asked to end may hang: opening a pipe, or a file of a
// server that has gone, knows no context.
const (
	// repeats is how long one signal may come several times, as from timeout(1)
	// or from a terminal that closes, before another ends us whatever we do.
	repeats = time.Second

	// lingering is how long we may take for our end otherwise.
	lingering = 10 * time.Second
)

// heed ends the context that it returns by the first signal that asks us to
// end. A later one, or that we linger, ends us by the signal itself. Signals that
// we were started to ignore, as nohup(1) does it, are left out.
func heed(ctx context.Context) context.Context {
	wanted := slices.DeleteFunc([]os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}, signal.Ignored)
	if len(wanted) == 0 {
		return ctx // signal.Notify would take none for all
	}
	ctx, end := context.WithCancelCause(ctx)
	came := make(chan os.Signal, 1)
	signal.Notify(came, wanted...)
	go func() { // ends with the process
		by := <-came
		end(signalled{by})
		time.Sleep(repeats)
		signal.Reset(wanted...)
		time.Sleep(lingering)
		os.Exit(die(by))
	}()
	return ctx
}
