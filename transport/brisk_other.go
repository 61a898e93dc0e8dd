//go:build !linux

package transport

import "net"

// Brisk is for Linux; there is none.
type Brisk struct{ net.Conn }

// NewBrisk is c.
func NewBrisk(c net.Conn) net.Conn { return c }

// WriteBoth is not called.
func (b *Brisk) WriteBoth(first, second []byte) (int, error) {
	return b.Write(append(first, second...))
}
