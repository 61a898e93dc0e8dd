//go:build linux || darwin || freebsd

package brisk

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAPipeIsReadWithoutWaiting(t *testing.T) {
	ends, err := Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r, w := ends[0], ends[1]
	if got := Of(r.FD); got != r || !r.Brief() {
		t.Errorf("a pipe is %+v, and made as %+v", got, r)
	}
	ready := func() (count int, events int16) {
		polled := []unix.PollFd{{Fd: int32(r.FD), Events: unix.POLLIN}}
		count = Poll(polled)
		return count, polled[0].Revents
	}
	if n, events := ready(); n != 0 || events != 0 {
		t.Errorf("an empty pipe is ready: %d, %#x", n, events)
	}
	if _, err := unix.Write(w.FD, []byte("words")); err != nil {
		t.Fatal(err)
	}
	if n, events := ready(); n != 1 || events != unix.POLLIN {
		t.Errorf("a pipe with words in it: %d, %#x", n, events)
	}
	p := make([]byte, 10)
	if n, err := r.Read(p); string(p[:n]) != "words" || err != nil {
		t.Errorf("%q was read, %v", p[:n], err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if n, err := r.Read(p); n != 0 || err != nil {
		t.Errorf("at its end %d bytes, %v", n, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := r.Close(); !errors.Is(err, unix.EBADF) {
		t.Errorf("it was closed again, %v", err)
	}
}

func TestAFileIsReadAsEver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("words"), 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	d := Of(fd)
	if d.Kind != unix.S_IFREG || d.Brief() {
		t.Errorf("a file is %+v", d)
	}
	p := make([]byte, 10)
	if n, err := d.Read(p); string(p[:n]) != "words" || err != nil {
		t.Errorf("%q was read, %v", p[:n], err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if got := Of(fd); got.Kind != 0 {
		t.Errorf("what is closed is %+v", got)
	}
}
