package transport

import (
	"io"
	"net"
	"testing"
	"testing/iotest"
)

// counted counts the reads of a connection.
type counted struct {
	net.Conn
	reads int
}

func (c *counted) Read(p []byte) (int, error) {
	c.reads++
	return c.Conn.Read(p)
}

// x/crypto/ssh reads the version line so.
func TestWhatIsReadByteByByteComesWithOneRead(t *testing.T) {
	near, far := newPipe()
	const said = "SSH-2.0-x\r\nbinary"
	if _, err := far.Write([]byte(said)); err != nil {
		t.Fatal(err)
	}
	below := &counted{Conn: near}
	w := newWire(below)
	got := make([]byte, len(said))
	if _, err := io.ReadFull(iotest.OneByteReader(w), got[:len("SSH-2.0-x\r\n")]); err != nil {
		t.Fatal(err)
	}
	n, err := w.Read(got[len("SSH-2.0-x\r\n"):])
	if err != nil || n != len("binary") || string(got) != said || below.reads != 1 {
		t.Errorf("%q came, %v, with %d reads; want %q with one", got, err, below.reads, said)
	}
	if line, isSSH := w.greeting(); line != "SSH-2.0-x" || !isSSH {
		t.Errorf("the greeting is %q, SSH %v", line, isSSH)
	}
}
