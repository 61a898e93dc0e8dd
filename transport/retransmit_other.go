//go:build !linux

package transport

import "syscall"

// prepared leaves TCP's times to the system.
func prepared(control func(network, address string, raw syscall.RawConn) error) func(network, address string, raw syscall.RawConn) error {
	return control
}
