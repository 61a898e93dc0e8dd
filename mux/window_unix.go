//go:build linux || darwin || freebsd

package mux

import (
	"context"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// Size is that of a terminal, in characters and in pixels; zero if it is not
// known.
type Size struct{ Cols, Rows, Width, Height uint16 }

// Size asks the client's terminal for its size.
func (s *Session) Size() Size { return s.terminal.size() }

// Sizes gives the sizes that the client's terminal takes after the last that was
// told of, until ctx ends. The protocol has no message for it: a client sends
// SIGWINCH to the master, which asks all terminals that it has.
func (s *Session) Sizes(ctx context.Context, last Size) <-chan Size {
	sizes := make(chan Size)
	signals := make(chan os.Signal, 1) // what comes while one is handled is one more
	signal.Notify(signals, unix.SIGWINCH)
	go func() { // ends with ctx
		defer close(sizes)
		defer signal.Stop(signals)
		for {
			if size := s.Size(); size != last {
				last = size
				select {
				case sizes <- size:
				case <-ctx.Done():
					return
				}
			}
			select {
			case <-signals:
			case <-ctx.Done():
				return
			}
		}
	}()
	return sizes
}

func (s *stream) size() Size {
	if !s.use() {
		return Size{}
	}
	defer s.leave()
	w, err := unix.IoctlGetWinsize(s.FD, unix.TIOCGWINSZ)
	if err != nil {
		return Size{} // client_session2_setup in clientloop.c
	}
	return Size{Cols: w.Col, Rows: w.Row, Width: w.Xpixel, Height: w.Ypixel}
}

// modes are the terminal's. Of what is no terminal all are off, as mux.c's
// are with ssh -tt.
func (s *stream) modes() map[uint8]uint32 {
	if !s.use() {
		return nil
	}
	defer s.leave()
	if m := TerminalModes(s.FD); m != nil {
		return m
	}
	return modes(new(unix.Termios))
}
