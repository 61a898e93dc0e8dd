//go:build !linux

package transport

import "net"

// acknowledge does nothing where there is no TCP_QUICKACK.
func acknowledge(net.Conn) {}
