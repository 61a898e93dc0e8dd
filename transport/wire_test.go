package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
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

// TestShortPacketsGoTogether writes behind what waits already.
func TestShortPacketsGoTogether(t *testing.T) {
	long := strings.Repeat("long", waitsAtMost)
	for _, row := range []struct {
		name  string
		waits string
		wrote []string
		want  []string
	}{
		{"nothing waits", "", []string{"a"}, []string{"a"}},
		{"short ones", "a", []string{"b", "c"}, []string{"abc"}},
		{"a long one", "", []string{long}, []string{long}},
		{"a long one behind a short one", "a", []string{long, "b"}, []string{"a" + long, "b"}},
		{"too many", strings.Repeat("a", waitTogether), []string{"b", "c"}, []string{strings.Repeat("a", waitTogether) + "b", "c"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				below := &noted{}
				w := newWire(below)
				w.outbox.waiting = []byte(row.waits)
				for _, text := range row.wrote {
					if n, err := w.Write([]byte(text)); n != len(text) || err != nil {
						t.Errorf("Write: %d, %v", n, err)
					}
				}
				w.outbox.push(w.brisk) // as who put there what waits would; or in vain
				synctest.Wait()
				close(w.gone)
				if !slices.Equal(below.made, row.want) {
					t.Errorf("it wrote %.20q, want %.20q", below.made, row.want)
				}
			})
		})
	}
}

// noted is a connection that notes what is written.
type noted struct {
	net.Conn
	made []string
}

func (n *noted) Write(p []byte) (int, error) {
	n.made = append(n.made, string(p))
	return len(p), nil
}

// TestWhatWaitsIsWrittenBeforeTheEnd closes at once.
func TestWhatWaitsIsWrittenBeforeTheEnd(t *testing.T) {
	got := make(chan string, 1)
	port := serve(t, func(c net.Conn) {
		text, _ := io.ReadAll(c) // what came is compared
		got <- string(text)
	})
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	w := newWire(conn)
	w.outbox.waiting = []byte("valar ") // as if nobody had come to it
	if _, err := w.Write([]byte("morghulis")); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if text := <-got; text != "valar morghulis" {
		t.Errorf("%q came", text)
	}
}

// TestAWriteThatFailsIsToldByTheNext has what is below closed.
func TestAWriteThatFailsIsToldByTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _ := newPipe()
		w := newWire(near)
		defer w.Close()
		near.Close()
		if _, err := w.Write([]byte("a")); err != nil {
			t.Errorf("the first write: %v", err)
		}
		synctest.Wait()
		if _, err := w.Write([]byte("b")); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("the second write: %v", err)
		}
	})
}
