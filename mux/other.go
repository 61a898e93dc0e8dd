//go:build !linux && !darwin && !freebsd

package mux

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"

	"sallyport/internal/rfc4254"
)

// supported is false: Windows has unix sockets, but neither they nor its OpenSSH pass descriptors
// or tell who is at the other end.
const supported = false

// ErrExists is the error of Listen where another master is.
var ErrExists = errors.New("already exists, disabling multiplexing")

// Size is that of a terminal, in characters and in pixels.
type Size struct{ Cols, Rows, Width, Height uint16 }

// Size is not known here.
func (s *Session) Size() Size { return Size{} }

// Sizes gives none.
func (s *Session) Sizes(context.Context, Size) <-chan Size { return nil }

// Listen fails with ErrUnsupported.
func Listen(string) (net.Listener, error) { return nil, ErrUnsupported }

// RemoveStale removes nothing.
func RemoveStale(string) bool { return false }

func checkPeer(syscall.Conn) error { return ErrUnsupported }
func signalResize(int) error       { return ErrUnsupported }

// stdio and stream are never made: no descriptor comes.
type (
	stdio  struct{ streams []*stream }
	stream struct{}
)

func newTerminal(rfc4254.Pty) (pipes, func(), error) { return pipes{}, nil, ErrUnsupported }
func resize(*os.File, rfc4254.Window)                {}

func newStdio([]int) (*stdio, error)     { return nil, ErrUnsupported }
func (*stdio) close()                    {}
func (*stream) modes() map[uint8]uint32  { return nil }
func (*stream) Read([]byte) (int, error) { return 0, ErrUnsupported }
func (*stream) Write([]byte) (int, error) {
	return 0, ErrUnsupported
}
func (*stream) Close() error { return nil }
