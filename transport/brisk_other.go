//go:build !linux

package transport

import "net"

// Brisk is for Linux.
type Brisk struct{ net.Conn }

// NewBrisk is c.
func NewBrisk(c net.Conn) net.Conn { return c }
