package brisk

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sallyport/internal/sshtest"
)

// listening is a unix socket that listens, as package net has it or as we do.
func listening(t *testing.T, brisk bool) net.Listener {
	t.Helper()
	named, err := net.Listen("unix", filepath.Join(t.TempDir(), "socket"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { named.Close() })
	if !brisk {
		return named
	}
	file, err := named.(*net.UnixListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	l, err := Listen(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// accept is a connection whose far end was accepted.
func accept(t *testing.T, brisk bool) (near, far net.Conn) {
	t.Helper()
	return connection(t, listening(t, brisk))
}

func TestAListenerThatIsClosedSaysSo(t *testing.T) {
	l := listening(t, true)
	accepted := make(chan error)
	go func() { // ends with the listener
		_, err := l.Accept()
		accepted <- err
	}()
	l.Close()
	if err := <-accepted; !errors.Is(err, net.ErrClosed) {
		t.Errorf("whoever waits is told %v", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("whoever comes later is told %v", err)
	}
}

func TestAnAcceptedConnectionTellsWhoHasConnected(t *testing.T) {
	_, far := accept(t, true)
	pid, uid, err := Peer(far.(*Conn))
	if pid != os.Getpid() || uid != os.Geteuid() || err != nil {
		t.Errorf("process %d of user %d, %v; want %d of %d", pid, uid, err, os.Getpid(), os.Geteuid())
	}
	raw, err := far.(*Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		flags, err := unix.FcntlInt(fd, unix.F_GETFD, 0)
		if flags&unix.FD_CLOEXEC == 0 || err != nil {
			t.Errorf("a child would have it: %#x, %v", flags, err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	far.Close()
	if pid, uid, err := Peer(far.(*Conn)); pid != 0 || uid >= 0 || err == nil {
		t.Errorf("of what is closed it is process %d of user %d, %v", pid, uid, err)
	}
}

// TestWhatIsClosedSoonEndsAtOnce for both sides, and gives its descriptor back.
func TestWhatIsClosedSoonEndsAtOnce(t *testing.T) {
	near, far := accept(t, true)
	read := make(chan error)
	go func() { // ends with far
		_, err := far.Read(make([]byte, 1))
		read <- err
	}()
	if _, err := near.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := far.Read(make([]byte, 1))
		read <- err
	}()
	CloseSoon(far)
	if err := <-read; err != io.EOF && !errors.Is(err, net.ErrClosed) {
		t.Errorf("our side reads %v", err)
	}
	if n, err := near.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the other side reads %d bytes, %v", n, err)
	}
	CloseSoon(far) // once more, which does nothing
	raw, _ := far.(*Conn).SyscallConn()
	sshtest.Eventually(t, "its descriptor is closed", func() bool { return raw.Control(func(uintptr) {}) != nil })
	CloseSoon(far)
}

func TestADescriptorComesWithItsByte(t *testing.T) {
	near, far := accept(t, true)
	passed, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer passed.Close()
	rights := unix.UnixRights(int(passed.Fd()))
	if _, _, err := near.(*net.UnixConn).WriteMsgUnix([]byte{7}, rights, nil); err != nil {
		t.Fatal(err)
	}
	p, oob := make([]byte, 10), make([]byte, 100)
	n, size, flags, _, err := far.(*Conn).ReadMsgUnix(p, oob)
	if n != 1 || p[0] != 7 || flags&(unix.MSG_CTRUNC|unix.MSG_TRUNC) != 0 || err != nil {
		t.Fatalf("%d bytes, %v, flags %#x, %v", n, p[:n], flags, err)
	}
	messages, err := unix.ParseSocketControlMessage(oob[:size])
	if err != nil || len(messages) != 1 {
		t.Fatalf("%d messages, %v", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		t.Fatalf("the descriptors %v, %v", fds, err)
	}
	defer unix.Close(fds[0])
	var want, got unix.Stat_t
	if err := errors.Join(unix.Fstat(int(passed.Fd()), &want), unix.Fstat(fds[0], &got)); err != nil || got.Rdev != want.Rdev {
		t.Errorf("device %#x came, want %#x, %v", got.Rdev, want.Rdev, err)
	}
	near.Close()
	if _, _, _, _, err := far.(*Conn).ReadMsgUnix(p, oob); err != io.EOF {
		t.Errorf("at its end %v", err)
	}
	_ = far.SetReadDeadline(time.Now())
	if _, _, _, _, err := far.(*Conn).ReadMsgUnix(p, oob); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("too late: %v", err)
	}
}
