package tunnels

import (
	"net"
	"os"
)

// handover is the answer to HandOver.
type handover struct {
	files []*os.File
	err   error
}

// HandOver gives the tunnel's listeners to another process: as files, which
// belong to the caller. None of them is closed meanwhile, so whoever connects
// waits until somebody accepts again. The tunnel itself accepts no more and is
// done when its last connection has ended.
//
// What listens on the far side cannot be handed over, it belongs to the
// connection: a remote forward is closed, and has no files.
func (t *Tunnel) HandOver() ([]*os.File, error) {
	if t.spec.Kind == Remote {
		t.Close()
		return nil, nil
	}
	answer := make(chan handover, 1)
	select {
	case t.handovers <- answer:
		given := <-answer
		return given.files, given.err
	case <-t.done:
		return nil, t.closed()
	}
}

// Done is closed when the tunnel has ended: after Close, or after HandOver with
// its last connection.
func (t *Tunnel) Done() <-chan struct{} { return t.done }

// handOver ends accepting, with a copy of each listener left open. A client
// that was accepted just before is still served; whoever connects after the
// answer waits for the other process.
func (t *Tunnel) handOver() handover {
	var given handover
	for _, l := range t.listeners {
		f, err := fileOf(l)
		if err != nil {
			given.err = err
			continue // it closes, as all that cannot be handed over
		}
		given.files = append(given.files, f)
	}
	t.hush()
	return given
}

// fileOf copies a listener's descriptor. The path of a socket stays.
func fileOf(l net.Listener) (*os.File, error) {
	switch l := l.(type) {
	case *net.TCPListener:
		return l.File()
	case *net.UnixListener:
		l.SetUnlinkOnClose(false)
		return l.File()
	}
	return nil, failure("listen", "a %T cannot be handed over", l)
}

// Inherit makes a listener of a file that HandOver gave.
func Inherit(f *os.File) (net.Listener, error) {
	l, err := net.FileListener(f)
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(true)
	}
	return l, err
}
