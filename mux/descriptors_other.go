//go:build !unix

package mux

import (
	"net"
	"os"
)

// SocketPair fails with ErrUnsupported.
func SocketPair() (*net.UnixConn, *os.File, error) { return nil, nil, ErrUnsupported }

// SendFile fails with ErrUnsupported.
func SendFile(*net.UnixConn, *os.File) error { return ErrUnsupported }

// ReceiveFile fails with ErrUnsupported.
func ReceiveFile(receiver) (fd int, err error) { return -1, ErrUnsupported }

func closeAll([]int) {}
