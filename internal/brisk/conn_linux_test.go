package brisk

import (
	"bytes"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sockets are the two ends of a connection over TCP, or by a unix socket.
func sockets(t *testing.T, network string) (near, far net.Conn) {
	t.Helper()
	at := "127.0.0.1:0"
	if network == "unix" {
		at = filepath.Join(t.TempDir(), "socket")
	}
	l, err := net.Listen(network, at)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return connection(t, l)
}

// connection is one to a listener, which it has accepted.
func connection(t *testing.T, l net.Listener) (near, far net.Conn) {
	t.Helper()
	network := l.Addr().Network()
	var err error
	if near, err = net.Dial(network, l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

// TestABriskSocketEndsAsAnyOther compares with package net, whose errors others
// look into.
func TestABriskSocketEndsAsAnyOther(t *testing.T) {
	long := make([]byte, 64<<20) // more than any socket takes
	for _, row := range []struct {
		name string
		do   func(c, far net.Conn) (int, error)
	}{
		{"the far end was closed", func(c, far net.Conn) (int, error) { far.Close(); return c.Read(make([]byte, 1)) }},
		{"the far end resets", func(c, far net.Conn) (int, error) {
			if tcp, ok := far.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			far.Close()
			return c.Read(make([]byte, 1))
		}},
		{"a read of nothing", func(c, _ net.Conn) (int, error) { return c.Read(nil) }},
		{"it was closed, and is read", func(c, _ net.Conn) (int, error) { c.Close(); return c.Read(make([]byte, 1)) }},
		{"it was closed, and is written to", func(c, _ net.Conn) (int, error) { c.Close(); return c.Write(make([]byte, 1)) }},
		{"it is closed while it is read", func(c, far net.Conn) (int, error) {
			go func() { // ends with the read that it makes end
				_, _ = far.Write([]byte{1})
				c.Close()
			}()
			for {
				if n, err := c.Read(make([]byte, 1)); err != nil {
					return n, err
				}
			}
		}},
		{"too late to read", func(c, _ net.Conn) (int, error) {
			_ = c.SetDeadline(time.Now())
			return c.Read(make([]byte, 1))
		}},
		{"a far end that takes nothing", func(c, _ net.Conn) (int, error) {
			_ = c.SetDeadline(time.Now().Add(time.Millisecond))
			n, err := c.Write(long)
			if n == 0 || n == len(long) {
				return n, err
			}
			return -1, err // some of it
		}},
		{"a far end that is gone", func(c, far net.Conn) (int, error) {
			far.Close()
			for {
				if _, err := c.Write(long[:1<<20]); err != nil {
					return 0, err
				}
			}
		}},
	} {
		for _, network := range []string{"tcp", "unix", "accepted"} {
			t.Run(row.name+", "+network, func(t *testing.T) {
				outcome := func(brisk bool) (n int, words string, late bool) {
					var near, far net.Conn
					switch {
					case network == "accepted":
						far, near = accept(t, brisk)
					case brisk:
						near, far = sockets(t, network)
						near = Wrap(near)
					default:
						near, far = sockets(t, network)
					}
					c := near
					n, err := row.do(c, far)
					if err == nil {
						return n, "", false
					}
					timeout, _ := err.(net.Error)
					words = strings.NewReplacer(near.LocalAddr().String(), "NEAR", near.RemoteAddr().String(), "FAR").Replace(err.Error())
					return n, words, timeout != nil && timeout.Timeout()
				}
				wantN, want, wantLate := outcome(false)
				if n, words, late := outcome(true); n != wantN || words != want || late != wantLate {
					t.Errorf("%d, %q, late %v; a socket of package net says %d, %q, %v", n, words, late, wantN, want, wantLate)
				}
			})
		}
	}
}

func TestABriskSocketCarriesAllOfIt(t *testing.T) {
	sent := make([]byte, 20<<20+3)
	for i := range sent {
		sent[i] = byte(i * i >> 10)
	}
	near, far := sockets(t, "tcp")
	c, d := Wrap(near), Wrap(far)
	go func() { // ends when all was read
		_, _ = c.Write(sent)
		c.Close()
	}()
	if got, err := io.ReadAll(d); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came, %v; want the %d that were sent", len(got), err, len(sent))
	}
}
