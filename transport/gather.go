package transport

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// While a program floods its terminal, sshd sends a packet for each 4 KiB that
// its end of the terminal gives at once, and each would wake this process for
// itself, which costs a multiple of what is done with it. Whoever sees a flood
// has the connection gather: the process sleeps until enough has come, or a
// moment has passed. So 200 MiB take half of the processor time.
const (
	enough = 256 << 10            // bytes
	moment = 8 * time.Millisecond // half a frame of a screen
)

// gathering is that of a wire.
//
//	off --Gather--> on --a moment in which too little came--> off
type gathering struct {
	wanted atomic.Bool
	on     bool   // the socket tells of nothing less than enough; touched only by the reader
	room   []byte // likewise
}

// Gather has the connection wait for more than a packet at a time, until too
// little comes. Where it is no socket of ours it does nothing.
func (c *Conn) Gather() {
	if _, ok := c.wire.Conn.(*net.TCPConn); ok && gathers {
		c.wire.gathering.wanted.Store(true)
	}
}

// space is where what was gathered waits for its reader, which has read all
// that was there before.
func (g *gathering) space() []byte {
	if g.room == nil {
		g.room = make([]byte, enough)
	}
	return g.room
}

// gather reads what has come once it is enough, or after a moment.
func (w *wire) gather(p []byte) (int, error) {
	socket, g := w.Conn.(*net.TCPConn), &w.gathering
	if !g.on {
		g.on = true
		tellFrom(socket, enough)
	}
	if err := socket.SetReadDeadline(time.Now().Add(moment)); err != nil {
		return 0, err
	}
	n, err := socket.Read(p)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err
	}
	g.on = false
	g.wanted.Store(false)
	tellFrom(socket, 1)
	if err := socket.SetReadDeadline(time.Time{}); err != nil {
		return 0, err
	}
	return socket.Read(p)
}
