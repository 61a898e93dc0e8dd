package cli

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// output is a standard stream that a session writes to. Where nobody reads it
// any more the session goes on without: the rest is read and forgotten, as in
// channel_handle_wfd and channel_handle_efd_write of channels.c. What cannot be
// written for another reason, as to a full disk, is a failure: ssh says nothing
// of it, and may end with 0.
type output struct {
	w      io.Writer
	unread func() // called once when nobody reads any more; nil for none
	gone   bool
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	if o.gone {
		return len(p), nil
	}
	n, err := o.w.Write(p)
	if !errors.Is(err, syscall.EPIPE) {
		return n, err
	}
	o.gone = true
	if o.unread != nil {
		o.unread()
	}
	return len(p), nil
}

// outliveReaders has a write to a standard stream that nobody reads fail, as
// main of ssh.c has it, where it would end a program of Go by SIGPIPE: with the
// terminal raw, and without the status of the command. Programs that are run
// have the signal as before.
func outliveReaders() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }
