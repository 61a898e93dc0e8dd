package tunnels

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sallyport/internal/sshtest"
)

func TestListenersAreHandedOverWithWhoWaitsAtThem(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	target := serving(t, echo)
	path := filepath.Join(t.TempDir(), "s")
	for _, row := range []struct {
		name   string
		listen Address
	}{
		{"a port", tcp("", sshtest.FreePort(t))},
		{"a socket", Address{Network: "unix", Path: path}},
	} {
		t.Run(row.name, func(t *testing.T) {
			spec := Spec{Kind: Local, Listen: row.listen, Connect: target}
			connect := func() conn {
				t.Helper()
				network, address := "tcp", fmt.Sprintf("127.0.0.1:%d", row.listen.Port)
				if row.listen.Network == "unix" {
					network, address = "unix", path
				}
				c, err := net.Dial(network, address)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { c.Close() })
				c.SetDeadline(time.Now().Add(60 * time.Second))
				return c.(conn)
			}
			before := open(t, s, spec)
			before.ready(t)
			old := connect()
			tell(t, old, "before")

			files, err := before.HandOver()
			if err != nil {
				t.Fatal(err)
			}
			waiting := connect() // nobody accepts
			tell(t, old, "meanwhile")

			after := openWith(t, s, spec, Options{Inherited: inherited(t, files)})
			tell(t, waiting, "after")
			select {
			case <-before.Done():
				t.Error("it has ended under its last connection")
			default:
			}
			old.Close()
			sshtest.Eventually(t, "it has ended with its last connection", func() bool {
				select {
				case <-before.Done():
					return true
				default:
					return false
				}
			})
			tell(t, connect(), "alone")
			after.Close()
			if row.listen.Network == "tcp" {
				// Another test's child has it too until it is the program it is to be.
				sshtest.Eventually(t, "the port is closed with the second tunnel", func() bool {
					c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", row.listen.Port))
					if err == nil {
						c.Close()
					}
					return err != nil
				})
			}
			if _, err := os.Lstat(path); row.listen.Network == "unix" && err == nil {
				t.Error("the socket is left over")
			}
		})
	}
}

// tell has a message come back from the echo.
func tell(t *testing.T, c conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	back := make([]byte, len(text))
	if _, err := io.ReadFull(c, back); err != nil || string(back) != text {
		t.Fatalf("%q came back for %q: %v", back, text, err)
	}
}

// inherited are the listeners as another process would make them.
func inherited(t *testing.T, files []*os.File) []net.Listener {
	t.Helper()
	var listeners []net.Listener
	for _, f := range files {
		l, err := Inherit(f)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		listeners = append(listeners, l)
	}
	return listeners
}
