//go:build !linux

package brisk

import (
	"net"
	"os"
)

// Conn is for Linux; there is none.
type Conn struct{ net.Conn }

// Wrap is c.
func Wrap(c net.Conn) net.Conn { return c }

// WriteBoth is not called.
func (c *Conn) WriteBoth(first, second []byte) (int, error) {
	return c.Write(append(first, second...))
}

// Acknowledge does nothing where there is no TCP_QUICKACK.
func Acknowledge(net.Conn) {}

// CloseSoon closes c.
func CloseSoon(c net.Conn) { _ = c.Close() } // it has ended

// Listen has a unix socket accept connections, which listens already. Neither its
// name nor the file is the listener's.
func Listen(socket *os.File) (net.Listener, error) { return net.FileListener(socket) }
