//go:build !linux

package transport

import "net"

// Direct is the connection itself.
func Direct(c net.Conn) net.Conn { return c }
