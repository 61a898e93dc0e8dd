//go:build linux

package transport

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"sallyport/internal/sshtest"
)

// gatherers are a connection that gathers and its far side.
func gatherers(t *testing.T) (c *Conn, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	c = &Conn{wire: newWire(near)}
	c.wire.settle()
	return c, far
}

// tellsFrom is what the kernel has of tellFrom.
func (w *wire) tellsFrom(t *testing.T) (n int) {
	t.Helper()
	raw, err := w.Conn.(*net.TCPConn).SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { n, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT) })
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWhatIsGatheredArrivesWhole(t *testing.T) {
	c, far := gatherers(t)
	sent := make([]byte, 4*enough+12345)
	for i := range sent {
		sent[i] = byte(i * i >> 8)
	}
	go func() { // ends with far
		for rest := sent; len(rest) > 0; {
			n, err := far.Write(rest[:min(4096, len(rest))])
			if err != nil {
				return
			}
			rest = rest[n:]
		}
		far.Close()
	}()
	var got bytes.Buffer
	p := make([]byte, 100)
	for {
		c.Gather()
		n, err := c.wire.Read(p)
		got.Write(p[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(got.Bytes(), sent) {
		t.Errorf("%d bytes came, not those %d that were sent", got.Len(), len(sent))
	}
	if c.wire.lost() != io.EOF {
		t.Errorf("the end is %v", c.wire.lost())
	}
}

func TestGatheringEndsWithTheFlood(t *testing.T) {
	c, far := gatherers(t)
	send := func(text string) {
		t.Helper()
		if _, err := io.WriteString(far, text); err != nil {
			t.Fatal(err)
		}
	}
	read := func(want string) {
		t.Helper()
		p := make([]byte, len(want))
		if _, err := io.ReadFull(c.wire, p); err != nil || string(p) != want {
			t.Fatalf("%q was read, want %q: %v", p, want, err)
		}
	}
	c.Gather()
	send("flood")
	read("flood")
	if !c.wire.gathering.wanted.Load() || c.wire.tellsFrom(t) != enough {
		t.Errorf("it does not gather: the socket tells from %d bytes on", c.wire.tellsFrom(t))
	}
	reading := make(chan struct{})
	go func() { // waited for below
		defer close(reading)
		read("key")
	}()
	sshtest.Eventually(t, "the moment is over", func() bool { return !c.wire.gathering.wanted.Load() })
	send("key")
	<-reading
	if n := c.wire.tellsFrom(t); n != 1 {
		t.Errorf("after the flood the socket tells from %d bytes on", n)
	}
	if err := c.wire.lost(); err != nil {
		t.Errorf("it is taken for lost: %v", err)
	}
}

func TestGatheringEndsWithTheConnection(t *testing.T) {
	c, _ := gatherers(t)
	c.Gather()
	reading := make(chan error, 1)
	go func() { // waited for below
		_, err := c.wire.Read(make([]byte, 100))
		reading <- err
	}()
	c.wire.Close()
	if err := <-reading; !errors.Is(err, net.ErrClosed) {
		t.Errorf("a connection that was closed ended with %v", err)
	}
}
