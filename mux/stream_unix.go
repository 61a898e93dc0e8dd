//go:build linux || darwin || freebsd

package mux

import (
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"sallyport/internal/brisk"
)

// stream reads or writes a descriptor that belongs to somebody else as well:
// their terminal, a pipe of their shell. So it is not made non-blocking, which
// would hold for them too; instead nothing is read or written before poll says
// that it can be done at once. A read that waits would take the next key from
// whoever reads the terminal after us.
//
// What waits ends when the wake pipe is closed. Only a write to a terminal
// that its user has stopped (^S) can hang: it holds the descriptor until the
// terminal goes on, or away.
type stream struct {
	brisk.Descriptor
	wake int           // becomes readable when all is to end
	done chan struct{} // closed when the descriptor is
	room func() int    // what it takes at once when it is an empty pipe

	mu     sync.Mutex // guards what follows
	users  int        // of the descriptor
	closed bool
}

func newStream(fd, wake int) *stream {
	return &stream{
		Descriptor: brisk.Of(fd), wake: wake, done: make(chan struct{}),
		room: sync.OnceValue(func() int { return pipeSize(fd) }),
	}
}

// use takes the descriptor, unless the stream is closed; leave gives it back.
func (s *stream) use() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.users++
	}
	return !s.closed
}

func (s *stream) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users == 0 && s.closed {
		s.shut()
	}
}

// Close closes the descriptor once nobody uses it any more. It does not wait.
func (s *stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		if s.users == 0 {
			s.shut()
		}
	}
	return nil
}

// shut closes the descriptor. The caller holds mu.
func (s *stream) shut() {
	end := func() {
		_ = s.Descriptor.Close() // all was written that could be
		close(s.done)
	}
	if s.Brief() {
		end()
	} else {
		go end()
	}
}

// ended waits until the descriptor is closed, for a while.
func (s *stream) ended(limit time.Duration) {
	select {
	case <-s.done:
		return
	default:
	}
	patience := time.NewTimer(limit)
	defer patience.Stop()
	select {
	case <-s.done:
	case <-patience.C:
	}
}

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) {
	if !s.use() {
		return 0, fs.ErrClosed
	}
	defer s.leave()
	for {
		ready, err := s.await(unix.POLLIN)
		if err != nil {
			return 0, err
		}
		if ready == unix.POLLHUP && s.Kind == unix.S_IFIFO {
			return 0, io.EOF // nothing is in it, and nobody writes
		}
		n, err := s.Descriptor.Read(p)
		switch {
		case again(err): // somebody else has read it
		case err != nil:
			return 0, os.NewSyscallError("read", err)
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Write implements io.Writer.
func (s *stream) Write(p []byte) (written int, err error) {
	if !s.use() {
		return 0, fs.ErrClosed
	}
	defer s.leave()
	for written < len(p) {
		if _, err := s.await(unix.POLLOUT); err != nil {
			return written, err
		}
		n, err := s.put(p[written:])
		if err != nil && !again(err) {
			return written, os.NewSyscallError("write", err)
		}
		written += max(n, 0)
	}
	return written, nil
}

// put writes as much as can be written at once. (Two who both find a pipe
// empty can fill it together; then one waits for its reader.)
func (s *stream) put(p []byte) (int, error) {
	switch s.Kind {
	case unix.S_IFSOCK:
		return unix.SendmsgN(s.FD, p, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	case unix.S_IFIFO:
		room := pipeBuf
		if isEmpty(s.FD) {
			room = s.room()
		}
		return unix.Write(s.FD, p[:min(len(p), room)])
	}
	return unix.Write(s.FD, p)
}

func again(err error) bool { return err == unix.EAGAIN || err == unix.EINTR }

// await waits until events are there, or an end, and tells what is: the call that
// follows says more of it.
func (s *stream) await(events int16) (ready int16, err error) {
	polled := []unix.PollFd{{Fd: int32(s.FD), Events: events}, {Fd: int32(s.wake), Events: unix.POLLIN}}
	for brisk.Poll(polled) == 0 {
		if _, err := unix.Poll(polled, -1); err == nil {
			break
		} else if !again(err) {
			return 0, os.NewSyscallError("poll", err)
		}
	}
	if polled[1].Revents != 0 {
		return 0, fs.ErrClosed
	}
	return polled[0].Revents, nil
}

// stdio are the descriptors that came with a request.
type stdio struct {
	streams []*stream
	wake    [2]brisk.Descriptor // a pipe
}

// newStdio takes the descriptors over, also when it fails.
func newStdio(fds []int) (*stdio, error) {
	wake, err := brisk.Pipe()
	if err != nil {
		closeAll(fds)
		return nil, err
	}
	d := &stdio{wake: wake}
	for _, fd := range fds {
		d.streams = append(d.streams, newStream(fd, wake[0].FD))
	}
	return d, nil
}

// close ends what waits and closes all. It waits for the pipes that are written
// to: who reads one of ours shall see its end before that of the session.
func (d *stdio) close() {
	_ = d.wake[1].Close() // this wakes them
	for _, s := range d.streams {
		_ = s.Close() // it never fails
	}
	for _, s := range d.streams[1:] {
		if s.Brief() {
			s.ended(time.Second) // longer only if somebody else fills it, and nobody reads
		}
	}
	go d.release() // ends with the last use
}

// release closes the wake pipe once nobody polls it any more.
func (d *stdio) release() {
	for _, s := range d.streams {
		<-s.done
	}
	_ = d.wake[0].Close() // nothing is ever in it
}
