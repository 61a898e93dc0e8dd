//go:build linux || darwin || freebsd

package mux

import (
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
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
	fd    int
	mode  uint32         // its type, of fstat
	wake  int            // becomes readable when all is to end
	users sync.WaitGroup // of the descriptor
	done  chan struct{}  // closed when the descriptor is
	room  int            // what it takes at once when it is an empty pipe

	mu     sync.Mutex // guards closed, and users against being added to late
	closed bool
}

func newStream(fd, wake int) *stream {
	s := &stream{fd: fd, wake: wake, done: make(chan struct{})}
	var stat unix.Stat_t
	if unix.Fstat(fd, &stat) == nil {
		s.mode = uint32(stat.Mode) & unix.S_IFMT
	}
	if s.mode == unix.S_IFIFO {
		s.room = pipeSize(fd)
	}
	return s
}

// use takes the descriptor, unless the stream is closed; users.Done gives it
// back.
func (s *stream) use() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.users.Add(1)
	}
	return !s.closed
}

// Close closes the descriptor once nobody uses it any more. It does not wait.
func (s *stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	go func() { // ends with the last use
		s.users.Wait()
		_ = unix.Close(s.fd) // all was written that could be
		close(s.done)
	}()
	return nil
}

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) {
	if !s.use() {
		return 0, fs.ErrClosed
	}
	defer s.users.Done()
	for {
		if err := s.await(unix.POLLIN); err != nil {
			return 0, err
		}
		n, err := unix.Read(s.fd, p)
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
	defer s.users.Done()
	for written < len(p) {
		if err := s.await(unix.POLLOUT); err != nil {
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
	switch s.mode {
	case unix.S_IFSOCK:
		return unix.SendmsgN(s.fd, p, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	case unix.S_IFIFO:
		room := pipeBuf
		if isEmpty(s.fd) {
			room = s.room
		}
		return unix.Write(s.fd, p[:min(len(p), room)])
	}
	return unix.Write(s.fd, p)
}

func again(err error) bool { return err == unix.EAGAIN || err == unix.EINTR }

// await waits until events are there, or an end: the call that follows says
// what it is.
func (s *stream) await(events int16) error {
	for {
		polled := []unix.PollFd{{Fd: int32(s.fd), Events: events}, {Fd: int32(s.wake), Events: unix.POLLIN}}
		_, err := unix.Poll(polled, -1)
		switch {
		case polled[1].Revents != 0:
			return fs.ErrClosed
		case err == nil:
			return nil
		case !again(err):
			return os.NewSyscallError("poll", err)
		}
	}
}

// stdio are the descriptors that came with a request.
type stdio struct {
	streams []*stream
	r, w    *os.File // the wake pipe
}

// newStdio takes the descriptors over, also when it fails.
func newStdio(fds []int) (*stdio, error) {
	r, w, err := os.Pipe()
	if err != nil {
		closeAll(fds)
		return nil, err
	}
	d := &stdio{r: r, w: w}
	wake := int(r.Fd())
	for _, fd := range fds {
		d.streams = append(d.streams, newStream(fd, wake))
	}
	return d, nil
}

// close ends what waits and closes all. It waits until they are closed: who
// reads a pipe of ours shall see its end before that of the session.
func (d *stdio) close() {
	_ = d.w.Close() // this wakes them
	for _, s := range d.streams {
		_ = s.Close() // it never fails
	}
	patience := time.NewTimer(time.Second) // for a terminal that has been stopped
	defer patience.Stop()
	for _, s := range d.streams {
		select {
		case <-s.done:
		case <-patience.C:
			go d.release() // ends with the terminal's rest
			return
		}
	}
	d.release()
}

// release closes the wake pipe once nobody polls it any more.
func (d *stdio) release() {
	for _, s := range d.streams {
		<-s.done
	}
	_ = d.r.Close() // nothing is ever in it
}
