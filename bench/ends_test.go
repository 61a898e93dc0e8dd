//go:build linux

package bench

import (
	"errors"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// The ends of a stream are on the processors that what is measured needs: they
// let the kernel do the work, and touch next to no memory.

// few is how many bytes are not worth more than one call.
const few = 4 << 10

// reel is the length of the file that is sent over and over.
const reel = 4 << 20

// give sends n bytes; over TCP from a file without a page, which the kernel
// passes on by reference (sendfile(2)).
func give(w io.Writer, n int64) error {
	if n <= few {
		_, err := w.Write(make([]byte, n))
		return err
	}
	fd, err := unix.MemfdCreate("reel", unix.MFD_CLOEXEC)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), "reel")
	defer f.Close()
	if err := f.Truncate(reel); err != nil {
		return err
	}
	for n > 0 {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		sent, err := io.CopyN(w, f, min(n, reel))
		if err != nil {
			return err
		}
		n -= sent
	}
	return nil
}

// take reads n bytes; from TCP the kernel throws them away (MSG_TRUNC of tcp(7)).
func take(r io.Reader, n int64) error {
	conn, ok := r.(*net.TCPConn)
	if !ok || n <= few {
		_, err := io.CopyN(io.Discard, r, n)
		return err
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	untouched := make([]byte, 1<<20)
	var readErr error
	err = raw.Read(func(fd uintptr) (done bool) { // again when there is more
		for n > 0 {
			got, _, err := unix.Recvfrom(int(fd), untouched[:min(n, int64(len(untouched)))], unix.MSG_TRUNC|unix.MSG_DONTWAIT)
			switch {
			case err == unix.EAGAIN:
				return false
			case err == unix.EINTR:
				continue
			case err != nil:
				readErr = err
				return true
			case got == 0:
				readErr = io.ErrUnexpectedEOF
				return true
			}
			n -= int64(got)
		}
		return true
	})
	return errors.Join(err, readErr)
}
