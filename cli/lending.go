//go:build linux || darwin || freebsd

package cli

import (
	"bytes"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"sallyport/api"
)

// lending reads a terminal that is lent meanwhile, see api.Lender. It is an
// io.Reader for one goroutine, that of the escapes, whose state goes with the
// terminal.
type lending struct {
	term        *terminal
	escapes     *escapes // read from us
	offer       func()   // that it may be borrowed
	woken, wake *os.File // a pipe: what is written to it has Read look around

	mu      sync.Mutex // guards what follows
	changed *sync.Cond
	reading bool // Read waits for a key
	wanted  bool // Read shall stop waiting for one
	parked  bool // it has
	offered bool
	rest    []byte // came back with the terminal
}

// lend has a terminal lent to a session while the escapes read from it, if it
// is where the output goes. A Read ends with end.
func (t *terminal) lend(to *api.Terminal, in *escapes) (end func()) {
	if !isOutput(t.fd) {
		return func() {}
	}
	woken, wake, err := os.Pipe()
	if err != nil {
		return func() {} // it goes without
	}
	l := &lending{term: t, escapes: in, woken: woken, wake: wake}
	l.changed = sync.NewCond(&l.mu)
	l.offer = func() { to.Offer(api.Offer{Escape: in.char}) } // fails only when the session has ended
	in.r = l
	to.LendBy(l)
	return func() { wake.Close() }
}

// isOutput tells whether a terminal is that on standard output.
func isOutput(fd int) bool {
	var in, out unix.Stat_t
	return unix.Fstat(fd, &in) == nil && unix.Fstat(int(os.Stdout.Fd()), &out) == nil &&
		in.Mode&unix.S_IFMT == out.Mode&unix.S_IFMT && in.Rdev == out.Rdev
}

// Read implements io.Reader. Where the terminal may be borrowed it says so:
// what was read was seen to, and no escape has begun.
func (l *lending) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reading = true
	defer func() {
		l.reading, l.wanted, l.parked = false, false, false
		l.changed.Broadcast()
	}()
	if !l.offered && len(l.rest) == 0 && l.escapes.state != afterEscape {
		l.offered = true
		l.offer()
	}
	for {
		if len(l.rest) > 0 {
			n := copy(p, l.rest)
			clear(l.rest[:n]) // it may be a secret
			l.rest = l.rest[n:]
			return n, nil
		}
		if n, err := l.await(p); n > 0 || err != nil {
			return n, err
		}
	}
}

// await waits for a key, or for a change if the terminal is lent. It lets go of
// mu meanwhile.
func (l *lending) await(p []byte) (int, error) {
	fds := []unix.PollFd{
		{Fd: int32(l.term.stop.Fd()), Events: unix.POLLIN},
		{Fd: int32(l.woken.Fd()), Events: unix.POLLIN},
		{Fd: int32(l.term.fd), Events: unix.POLLIN},
	}
	if l.parked = l.wanted; l.parked {
		fds = fds[:2]
		l.changed.Broadcast()
	}
	l.mu.Unlock()
	defer l.mu.Lock()
	_, err := unix.Poll(fds, -1)
	switch {
	case err == unix.EINTR:
		return 0, nil
	case err != nil:
		return 0, os.NewSyscallError("poll", err)
	case fds[0].Revents != 0:
		return 0, io.EOF
	case fds[1].Revents != 0:
		_, err := l.woken.Read(make([]byte, 16))
		return 0, err
	}
	return l.term.Read(p)
}

// Lend implements api.Lender. A key that comes first is seen to, and if it leaves
// a terminal that may be borrowed, that is lent then.
func (l *lending) Lend() api.Lent {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.reading && len(l.rest) == 0 && l.escapes.state != afterEscape {
		l.wanted = true
		l.poke()
		for l.wanted && !l.parked {
			l.changed.Wait()
		}
		if l.parked {
			return api.Lent{Lent: true, LineStart: l.escapes.state == lineStart}
		}
	}
	l.offered = false
	return api.Lent{}
}

// Return implements api.Lender.
func (l *lending) Return(atStart bool, typed []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.escapes.state = inLine
	if atStart {
		l.escapes.state = lineStart
	}
	l.rest = bytes.Clone(typed)
	l.wanted, l.offered = false, false
	l.poke()
}

// poke has Read look around.
func (l *lending) poke() { _, _ = l.wake.Write([]byte{0}) } // fails only where nobody reads any more
