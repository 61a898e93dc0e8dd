package tunnels

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/internal/brisk"
	"sallyport/transport"
)

const (
	bufferSize = 64 << 10        // two packets of SSH; larger ones measured no better
	grace      = 2 * time.Second // for a far side to answer the end of a channel
)

// errBroken is the end of a stream whose connection has ended under it.
var errBroken = errors.New("the connection to the far side broke")

// buffers are shared by all connections of all tunnels.
var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// pipe joins a client with the far side. Each way ends on its own: the end of
// input here is CloseWrite there (RFC 4254 section 5.3).
type pipe struct {
	near           net.Conn
	far            *farEnd
	sent, received counters
	moved          func(n int) // called when a counter has grown
}

// counters are those of a tunnel and of one connection through it.
type counters struct{ tunnel, connection *atomic.Int64 }

func (c counters) add(n int) {
	c.tunnel.Add(int64(n))
	c.connection.Add(int64(n))
}

// run copies both ways until both have ended, or one has failed, or ctx ends;
// then both ends are closed, by a reset if the end was not a regular one.
func (p pipe) run(ctx context.Context) error {
	p.near = brisk.Wrap(p.near)
	ends := make(chan error, 2) // of size 2: the copies end even if nobody waits
	go func() { ends <- p.upward() }()
	go func() { ends <- p.downward() }()

	for running := 2; running > 0; {
		select {
		case err := <-ends:
			running--
			if err != nil {
				p.reset(ends, running)
				return err
			}
		case <-ctx.Done():
			p.reset(ends, running)
			return nil
		}
	}
	go p.far.Close() // it can wait for a full network; it ends with the connection
	return p.near.Close()
}

// upward copies from the client to the far side. A far side that takes no more
// has not failed for that: its last words may still be on their way down.
func (p pipe) upward() error {
	if err := p.copy(p.far, p.near, p.sent); err != nil {
		if errors.Is(err, errWrite) {
			return nil
		}
		return err
	}
	_ = p.far.CloseWrite() // what is wrong with the far side, downward will see
	return nil
}

// downward copies from the far side to the client.
func (p pipe) downward() error {
	if err := p.copy(p.near, p.far, p.received); err != nil {
		return err
	}
	return closeWrite(p.near)
}

// errWrite marks the failure of the writing side.
var errWrite = errors.New("writing")

// copy is io.Copy with counters; io.Copy itself would leave the loop to
// net.TCPConn.ReadFrom.
func (p pipe) copy(dst io.Writer, src io.Reader, counter counters) error {
	buf := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buf)
	for {
		n, err := src.Read(buf[:])
		if n > 0 {
			written, err := dst.Write(buf[:n])
			counter.add(written)
			p.moved(written)
			if err != nil {
				return errors.Join(errWrite, err)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// reset ends both sides at once and waits for the copies still running. One
// that waits for a far side which no longer answers is left behind: it ends
// with the connection.
func (p pipe) reset(ends <-chan error, running int) {
	if tcp, ok := p.near.(interface{ SetLinger(int) error }); ok {
		_ = tcp.SetLinger(0) // the client shall see a reset; if it cannot, an end must do
	}
	_ = p.near.Close() // it ends here in any case
	go p.far.Close()   // it can wait for a full network; it ends with the connection

	patience := time.NewTimer(grace)
	defer patience.Stop()
	for range running {
		select {
		case <-ends:
		case <-patience.C:
			return
		}
	}
}

// closeWrite passes an end on to the client. One that has closed by itself
// has nothing more to hear.
func closeWrite(near net.Conn) error {
	if c, ok := near.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}

// channel is what a connection from the far side is: an SSH channel.
type channel interface {
	io.ReadWriteCloser
	CloseWrite() error
	SendRequest(name string, wantReply bool, payload []byte) (bool, error)
}

// farEnd is a channel that tells its end from that of its connection.
type farEnd struct {
	channel
	conn   *transport.Conn
	stream *transport.Stream // nil if the far side has opened it
}

// passed tells how much has gone through it, either way: n bytes just now. It
// may wait before there is to be more.
func (f *farEnd) passed(n int, total int64) {
	if f.stream != nil {
		f.stream.Passed(total)
	}
	f.conn.Pace(n)
}

// Close is called once.
func (f *farEnd) Close() error {
	if f.stream != nil {
		f.stream.End()
	}
	return f.channel.Close()
}

// Read is that of the channel, except that a broken connection is an error:
// x/crypto/ssh gives io.EOF for both, and a client would take half a file for
// the whole.
func (f *farEnd) Read(b []byte) (int, error) {
	n, err := f.channel.Read(b)
	if err == io.EOF && !f.alive() {
		err = errBroken
	}
	return n, err
}

// alive tells whether the connection outlived the stream that has ended. Done
// comes too late to be asked alone. A packet can be written on a live
// connection as long as the channel is open, which saves a round trip; if it
// can't, the far side may have closed the channel, which the connection then
// has to outlive.
//
// A server ignores a request that it doesn't know and that wants no reply
// (RFC 4254 section 5.4).
func (f *farEnd) alive() bool {
	if _, err := f.SendRequest("keepalive@openssh.com", false, nil); err == nil {
		return f.conn.Err() == nil
	}
	return f.conn.Outlives(context.Background()) == nil
}
