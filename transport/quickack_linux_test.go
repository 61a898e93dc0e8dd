package transport

import (
	"io"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReadsAreAcknowledgedAtOnceUntilASessionStarts(t *testing.T) {
	port := serve(t, func(c net.Conn) {
		for {
			if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
				return
			}
			_, _ = c.Write([]byte("x")) // the client reads it or has gone
		}
	})
	conn, err := net.DialTCP("tcp", nil, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		t.Fatal(err)
	}
	w := newWire(conn)
	defer w.Close()
	if !quick(t, conn, w) {
		t.Error("during the login an acknowledgement may be delayed")
	}
	w.settle()
	if !quick(t, conn, w) {
		t.Error("after the login, where no session has started, an acknowledgement may be delayed")
	}
	w.relax()
	if quick(t, conn, w) {
		t.Error("where a session has started each read still sets the option")
	}
}

// quick tells whether a read through w sets TCP_QUICKACK, cleared before.
func quick(t *testing.T, conn *net.TCPConn, w *wire) bool {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	set := 0
	control := func(f func(fd int) error) {
		var failed error
		if err := raw.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil || failed != nil {
			t.Fatal(err, failed)
		}
	}
	control(func(fd int) error { return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_QUICKACK, 0) })
	if _, err := io.ReadFull(w, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	control(func(fd int) (err error) {
		set, err = unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_QUICKACK)
		return err
	})
	return set == 1
}
